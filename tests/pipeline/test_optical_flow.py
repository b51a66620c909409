"""Flow: exact on known shifts, and safe for pictures of any size."""

import cv2
import numpy as np
import pytest

from pipeline.optical_flow import dense_flow, luma
from tests.photos import ASTRONAUT, photo


@pytest.mark.parametrize("shift", [(0.3, 0.0), (-2.5, 1.25), (11.0, -7.0)])
@pytest.mark.parametrize("finest", [0, 1])
def test_a_known_shift_is_found(shift: tuple[float, float], finest: int) -> None:
    grey = luma(photo(ASTRONAUT))
    moved = cv2.warpAffine(
        grey, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), grey.shape[::-1], flags=cv2.INTER_CUBIC
    )
    flow = dense_flow(grey, np.asarray(moved, np.uint8), finest)
    assert np.median(flow[40:-40, 40:-40], axis=(0, 1)) == pytest.approx(shift, abs=0.05)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 40), (40, 1), (7, 9), (31, 33), (16, 1000), (33, 64)])
def test_pictures_of_any_size_are_taken(width: int, height: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    flow = dense_flow(noise, np.roll(noise, 1, axis=1))
    assert (flow.shape, flow.dtype) == ((height, width, 2), np.dtype(np.float32))
    assert np.isfinite(flow).all()


def test_the_same_pictures_have_the_same_flow_whatever_was_computed_before() -> None:
    grey = luma(photo(ASTRONAUT))[100:300, 100:300]
    first = dense_flow(grey, np.roll(grey, 2, axis=0))
    dense_flow(grey, np.roll(grey, -9, axis=1))
    assert (dense_flow(grey, np.roll(grey, 2, axis=0)) == first).all()
