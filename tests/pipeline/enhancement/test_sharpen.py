"""Sharpening: details become stronger; flat areas, grain and the surroundings of edges stay."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.enhancement import sharpened
from pipeline.enhancement.sharpen import HALO
from pipeline.frames import Frame
from tests.photos import ASTRONAUT, CHELSEA, photo


def blurred(frame: Frame) -> Frame:
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), 0.8), np.uint8)


@pytest.mark.parametrize("name", [ASTRONAUT, CHELSEA])
def test_a_soft_photo_comes_nearer_to_the_sharp_one(name: str) -> None:
    truth, soft = photo(name), blurred(photo(name))
    assert cv2.PSNR(sharpened(soft, 0.5), truth) > cv2.PSNR(soft, truth) + 0.3


def test_more_is_sharper() -> None:
    def sharpness(amount: float) -> float:
        return float(cv2.Laplacian(sharpened(blurred(photo(CHELSEA)), amount), cv2.CV_64F).std())

    assert sharpness(0.0) < sharpness(0.3) < sharpness(0.6) < sharpness(1.0)


def test_nothing_asked_nothing_done() -> None:
    frame = photo(CHELSEA)
    assert sharpened(frame, 0.0) is frame


def test_grain_does_not_grow() -> None:
    rng = np.random.default_rng(0)
    grain = np.clip(np.rint(rng.normal(120.0, 1.5, (200, 200, 1))), 0, 255).astype(np.uint8).repeat(3, axis=2)
    assert sharpened(grain, 1.0).std() < 1.15 * grain.std()


@pytest.mark.parametrize("amount", [0.3, 1.0])
def test_edges_get_no_bright_rims(amount: float) -> None:
    edge = np.full((40, 40, 3), 60, np.uint8)
    edge[:, 20:] = 190
    made = sharpened(blurred(edge), amount)
    assert made.min() >= 60 - HALO
    assert made.max() <= 190 + HALO


def test_hues_stay() -> None:
    frame = blurred(photo(ASTRONAUT))
    added = sharpened(frame, 1.0).astype(int) - frame
    free = ((frame > 70) & (frame < 185)).all(axis=2)
    assert (np.ptp(added[free], axis=1) == 0).all()


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.0, 1.0), st.integers(0, 255))
@settings(max_examples=40)
def test_plain_frames_of_any_size_stay_as_they_are(width: int, height: int, amount: float, level: int) -> None:
    frame = np.full((height, width, 3), (level, 255 - level, level), np.uint8)
    assert (sharpened(frame, amount) == frame).all()
