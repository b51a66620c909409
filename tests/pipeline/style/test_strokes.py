"""Brushes that follow the lines of a picture."""

import numpy as np
import pytest

from pipeline.style.strokes import Plane, along, dabs, lines, smear, structure_tensor
from tests.photos import CHELSEA, photo


def waves(degrees: float) -> Plane:
    """Stripes that run in a direction, counted from the right downwards."""
    down, right = np.mgrid[:96, :96]
    angle = np.deg2rad(degrees)
    return np.asarray(128 + 90 * np.sin(0.4 * (down * np.cos(angle) - right * np.sin(angle))), np.float32)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 120, 170])
def test_the_direction_is_that_of_the_lines(degrees: float) -> None:
    direction = along(structure_tensor(waves(degrees), 3.0))[20:-20, 20:-20]
    wanted = np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])
    assert np.abs(direction @ wanted).min() > 0.99


def test_paint_drawn_along_lines_keeps_them_and_loses_what_crosses_them() -> None:
    picture = waves(30)
    direction = along(structure_tensor(picture, 3.0))
    assert np.abs(smear(picture, direction, 6.0) - picture)[20:-20, 20:-20].mean() < 3
    assert smear(waves(120), direction, 10.0)[20:-20, 20:-20].std() < 0.4 * waves(120).std()


def test_without_lines_strokes_run_as_they_are_told() -> None:
    flat = structure_tensor(np.full((40, 50), 100, np.float32), 3.0)
    assert np.allclose(np.abs(along(flat)), [1, 0], atol=1e-4)
    upright = np.broadcast_to(np.array([1, 0], np.float32), (40, 50, 2))
    assert np.allclose(np.abs(along(flat, upright)), [0, 1], atol=1e-4)


def test_dabs_flatten_surfaces_and_keep_edges_sharp() -> None:
    edge = np.full((60, 80, 3), 60, np.uint8)
    edge[:, 40:] = 200
    noisy = np.clip(edge + np.random.default_rng(1).normal(0, 10, edge.shape), 0, 255).astype(np.uint8)
    made = dabs(noisy, 4.0).astype(float)
    assert made[10:-10, 5:30].std() < 3
    assert (made[10:-10, 42] - made[10:-10, 37]).mean() > 110


def test_dabs_of_one_colour_stay_that_colour() -> None:
    flat = np.full((20, 30, 3), (12, 130, 250), np.uint8)
    assert np.abs(dabs(flat, 4.0).astype(int) - flat).max() <= 1


def test_a_pen_draws_edges_and_leaves_paper_white() -> None:
    assert np.array_equal(lines(np.full((30, 30), 200, np.float32), 1.2, 60.0), np.ones((30, 30)))
    grey = photo(CHELSEA).mean(axis=2).astype(np.float32)
    drawn = lines(grey, 1.5, 60.0)
    assert drawn.min() < 0.2
    assert 0.5 < (drawn > 0.9).mean() < 0.999
