"""The passage from one picture to another: its ends, its middle, and what it says about itself."""

import math

import cv2
import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.morphing import Passage
from pipeline.transition_settings import TransitionSettings
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, photo

OPTIONS = TransitionSettings()


def turned(frame: Frame, degrees: float, scale: float = 1.0, size: tuple[int, int] = (300, 220)) -> Frame:
    """A window on a photo, around its middle."""
    middle = frame.shape[1] / 2, frame.shape[0] / 2
    matrix = cv2.getRotationMatrix2D(middle, degrees, scale)
    matrix[:, 2] += (size[0] / 2 - middle[0], size[1] / 2 - middle[1])
    return np.asarray(cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_CUBIC), np.uint8)


def turn(degrees: float, scale: float = 1.0, size: tuple[int, int] = (300, 220)) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, scale)
    return np.vstack([matrix, [0.0, 0.0, 1.0]])


def sharpness(frame: Frame) -> float:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(float)
    return float(np.hypot(np.diff(grey, axis=1)[:-1], np.diff(grey, axis=0)[:, :-1]).mean())


@pytest.mark.parametrize("degrees", [20.0, 90.0, 170.0])
def test_a_turn_turns_and_never_collapses(degrees: float) -> None:
    first, second = turned(photo(ASTRONAUT), 0.0), turned(photo(ASTRONAUT), degrees)
    passage = Passage(first, second, turn(degrees), OPTIONS)
    assert passage.method == "camera"
    for t in (0.25, 0.5, 0.75):
        made, zoom = passage.at(t), 1.0
        step = passage.between((0.0, t))[0]
        assert step is not None
        zoom = math.sqrt(np.linalg.det(step[:2, :2]))
        assert math.degrees(math.atan2(-step[1, 0], step[0, 0])) == pytest.approx(degrees * t, abs=0.5)
        truth = turned(photo(ASTRONAUT), degrees * t, zoom)
        assert cv2.PSNR(made, truth) > 30.0


@pytest.mark.parametrize("pair", [(CHELSEA, COFFEE), (ASTRONAUT, CHELSEA)])
def test_what_has_nothing_in_common_dissolves_and_keeps_its_sharpness(pair: tuple[str, str]) -> None:
    first, second = (turned(photo(name), 0.0) for name in pair)
    passage = Passage(first, second, None, OPTIONS)
    assert passage.method == "dissolve"
    assert "dissolves" in passage.reason
    plain = np.rint(first * 0.5 + second * 0.5).astype(np.uint8)
    assert sharpness(passage.at(0.5)) > sharpness(plain)


def test_the_ends_are_the_pictures_themselves() -> None:
    first, second = turned(photo(COFFEE), 0.0), turned(photo(CHELSEA), 0.0)
    passage = Passage(first, second, None, OPTIONS)
    assert (passage.at(0.0) == first).all()
    assert (passage.at(1.0) == second).all()
