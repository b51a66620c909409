"""The estimate without a model: honest, and silent where it is not sure."""

import cv2
import numpy as np
import pytest

from pipeline.depth import estimate_depth
from pipeline.depth.estimate import find_foreground
from pipeline.frames import Frame
from tests.photos import CHELSEA, COFFEE, photo


def field(width: int = 240, height: int = 160, seed: int = 1) -> Frame:
    """A grey-green ground with a little texture."""
    noise = np.random.default_rng(seed).normal(0, 6, (height, width, 3))
    return np.clip(np.array([90, 120, 90]) + cv2.GaussianBlur(noise, (0, 0), 1.0), 0, 255).astype(np.uint8)


def with_ball(image: Frame) -> tuple[Frame, Frame]:
    """The picture with a red ball, and the ball's mask."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, (width // 2, height * 3 // 5), height // 4, 255, -1)
    return np.where(mask[..., None] > 0, [200, 40, 40], image).astype(np.uint8), mask


def test_a_ball_on_a_field_is_found() -> None:
    image, mask = with_ball(field())
    found = find_foreground(image)
    assert found is not None
    ball = mask > 0
    assert (found & ball).sum() / (found | ball).sum() > 0.93


def test_the_note_says_that_it_is_an_estimate() -> None:
    depth = estimate_depth(with_ball(field())[0])
    assert depth is not None
    assert depth.is_guessed
    assert "estimated: foreground and ground only" in depth.way.reason


def test_the_same_picture_gives_the_same_depth() -> None:
    first, second = (estimate_depth(photo(COFFEE)) for _ in range(2))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.nearness, second.nearness)


@pytest.mark.parametrize("image", [field(), np.full((90, 120, 3), 128, np.uint8), np.zeros((16, 16, 3), np.uint8)])
def test_where_nothing_stands_out_there_is_none(image: Frame) -> None:
    assert estimate_depth(image) is None


def test_a_face_that_fills_the_picture_is_left_alone() -> None:
    assert estimate_depth(photo(CHELSEA)) is None


def test_a_painted_area_is_near_and_stands_on_the_ground() -> None:
    image = field()
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[60:110, 40:80] = 255
    depth = estimate_depth(image, [mask])
    assert depth is not None
    near, ground = depth.nearness[mask > 0], depth.nearness[:, -1]
    assert np.ptp(near) < 1e-6
    assert near.min() > ground[110]
    assert (np.diff(ground) >= 0).all()
    assert "painted" in depth.way.reason


def test_an_empty_painting_counts_for_nothing() -> None:
    image = field()
    assert estimate_depth(image, [np.zeros(image.shape[:2], np.uint8)]) is None
