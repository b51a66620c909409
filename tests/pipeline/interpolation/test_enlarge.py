"""Frames in another size: sharp, in place, without colours that were not there."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.interpolation import enlarge
from tests.photos import CHELSEA, photo


def test_a_frame_of_the_right_size_is_passed_on() -> None:
    frame = photo(CHELSEA)
    assert enlarge(frame, frame.shape[1], frame.shape[0]) is frame


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 90), st.integers(1, 90))
@settings(max_examples=40)
def test_a_plain_picture_stays_plain_in_every_size(width: int, height: int, to_width: int, to_height: int) -> None:
    made = enlarge(np.full((height, width, 3), (3, 128, 255), np.uint8), to_width, to_height)
    assert made.shape == (to_height, to_width, 3)
    assert (made == (3, 128, 255)).all()


@pytest.mark.parametrize("factor", [1.25, 1.5, 2.0])
def test_a_photo_comes_back_better_than_by_bilinear_or_cubic(factor: float) -> None:
    truth = photo(CHELSEA)
    height, width = truth.shape[:2]
    small = enlarge(truth, round(width / factor), round(height / factor))
    rivals = [cv2.resize(small, (width, height), interpolation=k) for k in (cv2.INTER_LINEAR, cv2.INTER_CUBIC)]
    assert cv2.PSNR(enlarge(small, width, height), truth) > max(cv2.PSNR(rival, truth) for rival in rivals)


def test_hard_edges_stay_within_black_and_white() -> None:
    edge = np.zeros((20, 20, 3), np.uint8)
    edge[:, 10:] = 255
    large = enlarge(edge, 90, 90)
    assert (large[:, :36] < 12).all()
    assert (large[:, 54:] > 243).all()


def test_fine_patterns_turn_grey_instead_of_aliasing() -> None:
    stripes = np.zeros((120, 120, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(enlarge(stripes, 41, 41)[2:-2, 2:-2].astype(int) - 127).max() < 12


def test_nothing_is_shifted() -> None:
    frame = photo(CHELSEA)
    mirrored = np.ascontiguousarray(frame[:, ::-1])
    assert np.abs(enlarge(mirrored, 700, 500)[:, ::-1].astype(int) - enlarge(frame, 700, 500)).max() <= 1
