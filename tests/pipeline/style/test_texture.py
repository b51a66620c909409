"""Textures made anew from statistics, and patterns."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.style import patterns
from pipeline.style.patterns import TILE
from pipeline.style.texture import SCALES, measure, synthesise
from pipeline.style.weave import Texture


def stripes(period: float) -> Texture:
    right = np.arange(256, dtype=np.float32)
    noise = np.random.default_rng(1).normal(0, 1, (256, 256))
    return np.asarray(np.tile(20 * np.sin(2 * np.pi * right / period), (256, 1)) + noise, np.float32)


def test_a_made_texture_has_the_direction_and_the_size_of_its_model() -> None:
    made = synthesise(measure(stripes(6.0)), 256)
    assert made.shape == (256, 256, SCALES)
    whole = made.sum(axis=2)
    across, along = np.abs(np.diff(whole, axis=1)).mean(), np.abs(np.diff(whole, axis=0)).mean()
    assert across > 3 * along
    assert made.std(axis=(0, 1)).argmax() == 1


def test_its_deviations_are_those_of_an_even_surface() -> None:
    noise = np.random.default_rng(2).normal(0, 10, (300, 280)).astype(np.float32)
    made = synthesise(measure(noise), 256)
    assert made.sum(axis=2).std() == pytest.approx(10, rel=0.15)
    again = measure(np.ascontiguousarray(made.sum(axis=2)))
    wanted = measure(noise)
    made_spread, spread = (found.quantiles[..., -1] - found.quantiles[..., 0] for found in (again, wanted))
    assert np.allclose(made_spread, spread, rtol=0.2, atol=0.5)


def test_the_outline_of_an_object_is_no_texture() -> None:
    disc = np.hypot(*np.mgrid[-128:128, -128:128]) < 80
    assert synthesise(measure(np.where(disc, 200, 40).astype(np.float32)), 128).std() < 2


def test_a_surface_without_texture_has_none() -> None:
    assert np.abs(synthesise(measure(np.full((40, 50), 99, np.float32)), 128)).max() < 1e-3


def test_the_same_statistics_give_the_same_texture() -> None:
    statistics = measure(stripes(5.0))
    assert np.array_equal(synthesise(statistics, 64), synthesise(statistics, 64))


@pytest.mark.parametrize(
    "make",
    [
        lambda: patterns.noise(3.0, 1),
        lambda: patterns.clouds(60.0, 1),
        lambda: patterns.paper(5.0, 1),
        lambda: patterns.hatching(50.0, 40.0, 2.0, 1),
    ],
)
def test_patterns_are_even_and_go_on_from_edge_to_edge(make: Callable[[], Texture]) -> None:
    made = make()
    assert made.shape == (TILE, TILE)
    assert made.mean() == pytest.approx(0, abs=1e-4)
    assert made.std() == pytest.approx(1, abs=1e-4)
    for axis in (0, 1):
        steps = np.abs(np.diff(made, axis=axis)).mean()
        seam = np.abs(made.take(0, axis) - made.take(-1, axis)).mean()
        assert seam < 2 * steps
