"""A picture is taken apart at its steps in depth, and its layers together are the picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.depth.depth_map import Nearness
from pipeline.engines.motion.parallax.layers import Layer, find_cuts, soft_edge, take_apart
from tests.photos import COFFEE, photo


def scene(*levels: float, size: tuple[int, int] = (160, 120)) -> Nearness:
    """A background and nested squares in front of it, of the given nearness from the outside in."""
    width, height = size
    nearness = np.full((height, width), levels[0], np.float32)
    for number, level in enumerate(levels[1:], start=1):
        edge = number * min(size) // (2 * len(levels))
        nearness[edge:-edge, edge:-edge] = level
    return nearness


def laid_together(layers: tuple[Layer, ...]) -> NDArray[np.float64]:
    frame = layers[-1].pixels.astype(np.float64)
    for layer in layers[-2::-1]:
        alpha = layer.pixels[..., 3:] / 255
        frame = layer.pixels[..., :3] * alpha + frame * (1 - alpha)
    return frame


@pytest.mark.parametrize("levels", [(0.1, 0.8), (0.1, 0.5, 0.9), (0.0, 0.3, 0.6, 1.0)])
def test_every_step_is_cut_between_its_levels(levels: tuple[float, ...]) -> None:
    cuts = find_cuts(scene(*levels))
    assert len(cuts) == len(levels) - 1
    for low, cut, high in zip(levels, reversed(cuts), levels[1:], strict=False):
        assert low < cut < high


def test_a_slope_is_not_cut() -> None:
    floor = np.tile(np.linspace(0, 1, 120, dtype=np.float32)[:, None], (1, 160))
    assert find_cuts(floor) == ()
    assert find_cuts(np.full((120, 160), 0.5, np.float32)) == ()


def test_who_stands_on_a_floor_is_cut_out_above_it() -> None:
    nearness = np.tile(np.linspace(0, 0.6, 120, dtype=np.float32)[:, None], (1, 160))
    nearness[10:100, 60:100] = nearness[100, 0]
    cuts = find_cuts(nearness)
    assert 1 <= len(cuts) <= 3
    assert cuts[0] < nearness[100, 0]


@given(level=st.floats(0.3, 0.9), seed=st.integers(0, 5))
@settings(max_examples=4, deadline=None)
def test_the_layers_together_are_the_picture(level: float, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    layers = take_apart(image, scene(0.1, level, size=(120, 90)), 30.0)
    assert len(layers) == 2
    difference = np.abs(laid_together(layers) - image)
    assert difference.mean() < 0.1
    assert difference.max() <= 4


def test_the_layers_of_a_photo_are_the_photo() -> None:
    image = np.ascontiguousarray(photo(COFFEE)[::2, ::2])
    nearness = np.full(image.shape[:2], 0.2, np.float32)
    nearness[20:150, 75:225] = 0.5
    nearness[50:125, 100:200] = 0.9
    layers = take_apart(image, nearness, 60.0)
    assert len(layers) == 3
    difference = np.abs(laid_together(layers) - image)
    assert difference.mean() < 0.1
    assert difference.max() <= 4


def test_what_is_behind_no_longer_shows_what_was_before_it() -> None:
    nearness = scene(0.1, 0.9)
    image = np.where((nearness > 0.5)[..., None], [250, 20, 20], [20, 60, 20]).astype(np.uint8)
    behind = take_apart(image, nearness, 30.0)[-1].pixels
    assert np.abs(behind.astype(int) - [20, 60, 20]).max() <= 6


def test_depth_within_a_layer_changes_too_gently_to_fold() -> None:
    random = np.random.default_rng(3).random((120, 160)).astype(np.float32)
    reach = 80.0
    for layer in take_apart(np.full((120, 160, 3), 90, np.uint8), random, reach):
        for axis in (0, 1):
            assert np.abs(np.diff(layer.nearness, axis=axis)).max() * reach / 4 <= 0.51


def test_a_soft_edge_is_soft_in_a_narrow_band_alone() -> None:
    mask = scene(0.0, 1.0) > 0.5
    alpha = soft_edge(mask, np.where(mask[..., None], np.uint8(200), np.uint8(50)).repeat(3, axis=2))
    edge = 160 // 2 // 2
    assert (alpha[60, edge + 8 : 160 - edge - 8] == 255).all()
    assert (alpha[:20, :20] == 0).all()


def test_a_floor_that_runs_on_from_layer_to_layer_keeps_its_own_pixels() -> None:
    """Nothing is uncovered there, so nothing may be invented: no seam across the floor."""
    nearness = np.tile(np.linspace(0, 0.6, 120, dtype=np.float32)[:, None], (1, 160))
    nearness[10:80, 70:90] = 0.6
    image = np.random.default_rng(4).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    cut = find_cuts(nearness)[0]
    row = int(np.flatnonzero(nearness[:, 0] > cut)[0])
    behind = take_apart(image, nearness, 10.0)[-1].pixels
    np.testing.assert_array_equal(behind[row - 5 : row + 6, :40], image[row - 5 : row + 6, :40])
