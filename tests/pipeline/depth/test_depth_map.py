"""Coarse maps of depth follow the edges of their picture."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.depth.depth_map import aligned, parted, stretched
from pipeline.frames import Frame


def disc(size: int = 200, radius: int = 60) -> Frame:
    """A bright disc on a dark ground."""
    image = np.full((size, size, 3), 40, np.uint8)
    cv2.circle(image, (size // 2, size // 2), radius, (220, 200, 180), -1)
    return image


def test_a_coarse_map_gets_the_edges_of_the_picture() -> None:
    image = disc()
    truth = (image[..., 0] > 100).astype(np.float32)
    strayed = cv2.resize(np.roll(truth, 2, axis=1), (50, 50), interpolation=cv2.INTER_AREA)
    coarse = np.asarray(strayed, np.float32)
    enlarged = cv2.resize(coarse, (200, 200), interpolation=cv2.INTER_LINEAR)
    before, after = (np.abs(each - truth).mean() for each in (enlarged, aligned(coarse, image)))
    assert after < 0.7 * before
    assert aligned(coarse, image).shape == (200, 200)


def test_between_two_depths_there_is_nothing() -> None:
    ramp = np.clip((np.arange(100, dtype=np.float32) - 47) / 6, 0, 1)
    found = parted(np.tile(ramp, (40, 1)), 4)
    assert set(np.unique(found)) == {0.0, 1.0}


def test_a_floor_stays_a_slope() -> None:
    floor = np.tile(np.linspace(0, 1, 60, dtype=np.float32)[:, None], (1, 50))
    np.testing.assert_array_equal(parted(floor, 4)[9:-9], floor[9:-9])


@given(low=st.floats(-1e3, 1e3), span=st.floats(1e-2, 1e3))
@settings(max_examples=30, deadline=None)
def test_any_range_becomes_0_to_1(low: float, span: float) -> None:
    values = (low + span * np.linspace(0, 1, 400)).astype(np.float32).reshape(20, 20)
    found = stretched(values)
    assert found.min() == 0.0
    assert found.max() == 1.0


def test_a_constant_map_is_in_the_middle_and_small_things_are_no_outliers() -> None:
    assert (stretched(np.full((9, 9), 7, np.float32)) == 0.5).all()
    spot = np.zeros((200, 200), np.float32)
    spot[3, 3] = 1
    assert stretched(spot).max() == 1.0


def test_tiny_pictures_are_no_trouble() -> None:
    image = np.zeros((16, 17, 3), np.uint8)
    assert aligned(np.zeros((3, 5), np.float32), image).shape == (16, 17)
