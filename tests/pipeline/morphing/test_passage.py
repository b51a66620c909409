"""The passage from one picture to another: its ends, its middle, and what it says about itself."""

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import cv2
import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.morphing import Passage, render
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
        (step,) = passage.between((0.0, t))
        assert step is not None
        assert math.degrees(math.atan2(-step[1, 0], step[0, 0])) == pytest.approx(degrees * t, abs=0.5)
        truth = turned(photo(ASTRONAUT), degrees * t, math.sqrt(np.linalg.det(step[:2, :2])))
        assert cv2.PSNR(passage.at(t), truth) > 30.0


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


PAIRS = {
    "a turn": (turned(photo(ASTRONAUT), 0.0), turned(photo(ASTRONAUT), 30.0, 1.2), turn(30.0, 1.2)),
    "a small motion": (turned(photo(CHELSEA), 0.0), turned(photo(CHELSEA), 2.0, 1.02), None),
    "two photos": (turned(photo(COFFEE), 0.0), turned(photo(CHELSEA), 0.0), None),
    "a wrong alignment": (turned(photo(COFFEE), 0.0), turned(photo(CHELSEA), 0.0), turn(10.0)),
    "night falls": (turned(photo(COFFEE), 0.0), turned(photo(COFFEE), 0.0) // 3, np.eye(3)),
    "colours go": (turned(photo(COFFEE), 0.0), turned(photo(COFFEE), 0.0)[..., [1, 1, 1]], None),
    "mirrored": (turned(photo(CHELSEA), 0.0), np.ascontiguousarray(turned(photo(CHELSEA), 0.0)[:, ::-1]), None),
    "black": (turned(photo(COFFEE), 0.0), np.zeros((220, 300, 3), np.uint8), None),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_nothing_jumps_at_the_ends_or_on_the_way(pair: str) -> None:
    passage = Passage(*PAIRS[pair], OPTIONS)
    beside_first, beside_second = passage.at(1e-4).astype(int), passage.at(1.0 - 1e-4).astype(int)
    assert np.abs(beside_first - PAIRS[pair][0]).mean() < 0.5
    assert np.abs(beside_second - PAIRS[pair][1]).mean() < 0.5
    frames = [passage.at(t).astype(int) for t in np.linspace(0.0, 1.0, 13)]
    steps = [np.abs(after - before).mean() for before, after in pairwise(frames)]
    assert max(steps) < 3.0 * np.median(steps) + 0.5


@pytest.mark.parametrize("pair", ["night falls", "colours go"])
def test_colours_are_led_over_evenly(pair: str) -> None:
    passage = Passage(*PAIRS[pair], OPTIONS)
    means = np.array([passage.at(t).mean(axis=(0, 1)) for t in np.linspace(0.0, 1.0, 9)])
    np.testing.assert_allclose(means, np.linspace(means[0], means[-1], 9), atol=2.0)


def test_one_picture_twice_is_a_still_film() -> None:
    picture = turned(photo(COFFEE), 0.0)
    for homography in (None, np.eye(3)):
        passage = Passage(picture, picture.copy(), homography, OPTIONS)
        assert all((passage.at(t) == picture).all() for t in (0.2, 0.5, 0.9))


def test_a_scene_keeps_its_sharpness_where_a_plain_dissolve_loses_it() -> None:
    first, second, _ = PAIRS["a small motion"]
    made = Passage(first, second, None, OPTIONS).at(0.5)
    plain = np.rint(first * 0.5 + second * 0.5).astype(np.uint8)
    ends = (sharpness(first) + sharpness(second)) / 2.0
    assert sharpness(made) > 0.95 * ends > sharpness(plain)


def test_a_border_that_one_picture_lacks_is_filled_from_the_other() -> None:
    scene = photo(ASTRONAUT)[60:280]
    first, second = (np.ascontiguousarray(scene[:, left : left + 300]) for left in (20, 120))
    homography = np.array([[1.0, 0.0, -100.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    passage = Passage(first, second, homography, OPTIONS)
    for t in (0.3, 0.5, 0.7):
        left = 20 + round(100 * t)
        assert cv2.PSNR(passage.at(t), np.ascontiguousarray(scene[:, left : left + 300])) > 35.0


def test_homographies_between_frames_follow_what_is_seen() -> None:
    first, second, homography = PAIRS["a turn"]
    passage = Passage(first, second, homography, OPTIONS)
    steps = passage.between((0.0, 0.4, 0.7, 1.0))
    whole = np.eye(3)
    for step in steps:
        assert step is not None
        whole = step @ whole
    assert homography is not None
    np.testing.assert_allclose(whole / whole[2, 2], homography, atol=1e-6)
    assert steps[1] is not None
    warped = cv2.warpPerspective(passage.at(0.4), steps[1], (300, 220), flags=cv2.INTER_CUBIC)
    assert cv2.PSNR(warped[60:-60, 80:-80], passage.at(0.7)[60:-60, 80:-80]) > 30.0


def test_without_a_camera_there_are_no_homographies() -> None:
    assert Passage(*PAIRS["two photos"], OPTIONS).between((0.0, 0.5, 1.0)) == (None, None)


def test_the_crop_and_the_colours_can_be_left_alone() -> None:
    plain = TransitionSettings(common_crop=False, match_colour=False)
    first, second, homography = PAIRS["a turn"]
    (step,) = Passage(first, second, homography, plain).between((0.0, 0.5))
    assert step is not None
    assert np.linalg.det(step[:2, :2]) == pytest.approx(1.2, rel=1e-3)


def test_the_bands_it_is_made_in_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    passage = Passage(*PAIRS["a turn"], OPTIONS)
    in_bands = passage.at(0.4)
    monkeypatch.setattr(render, "_BAND", 1000)
    assert np.abs(passage.at(0.4).astype(int) - in_bands).max() <= 1


def test_threads_may_share_it() -> None:
    times = [0.1, 0.3, 0.5, 0.7, 0.9] * 2
    passage = Passage(*PAIRS["a small motion"], OPTIONS)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(passage.at, times))
    alone = Passage(*PAIRS["a small motion"], OPTIONS)
    assert all((frame == alone.at(t)).all() for frame, t in zip(together, times, strict=True))


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (200, 16), (101, 57)])
@pytest.mark.parametrize("aligned", [True, False])
def test_pictures_of_any_size_will_do(size: tuple[int, int], aligned: bool) -> None:
    first, second = (
        np.asarray(cv2.resize(photo(name), size, interpolation=cv2.INTER_AREA), np.uint8) for name in (COFFEE, CHELSEA)
    )
    passage = Passage(first, second, np.eye(3) if aligned else None, OPTIONS)
    assert passage.at(0.5).shape == first.shape
    assert (passage.at(0.0) == first).all()


def test_sizes_and_times_that_do_not_fit_are_refused() -> None:
    first = turned(photo(COFFEE), 0.0)
    with pytest.raises(ValueError, match="one size"):
        Passage(first, first[:-1], None, OPTIONS)
    with pytest.raises(ValueError, match="from 0 to 1"):
        Passage(first, first, None, OPTIONS).at(1.01)


def test_a_maker_is_given_the_scene_from_where_the_camera_is_and_in_one_light() -> None:
    first, second = turned(photo(ASTRONAUT), 0.0), turned(photo(ASTRONAUT), 30.0)
    given: list[tuple[Frame, Frame, float]] = []

    def make(frame0: Frame, frame1: Frame, time: float) -> Frame:
        given.append((frame0, frame1, time))
        return frame0

    passage = Passage(first, (second * 0.7).astype(np.uint8), turn(30.0), OPTIONS, make)
    assert passage.method == "camera"
    made = passage.at(0.4)
    (frame0, frame1, time) = given[0]
    assert (time, made is frame0) == (0.4, True)
    (step,) = passage.between((0.0, 0.4))
    assert step is not None
    truth = turned(photo(ASTRONAUT), 30.0 * 0.4, math.sqrt(np.linalg.det(step[:2, :2])))
    between = (truth * (1.0 - 0.3 * 0.4)).astype(np.uint8)
    assert cv2.PSNR(frame0, frame1) > 30.0
    assert cv2.PSNR(frame1, between) > 27.0


def test_a_maker_is_given_pictures_that_have_nothing_in_common_as_they_are() -> None:
    first, second = turned(photo(CHELSEA), 0.0), turned(photo(COFFEE), 0.0)
    passage = Passage(first, second, None, OPTIONS, lambda frame0, frame1, time: frame0 if time < 0.5 else frame1)
    assert (passage.at(0.4) == first).all()
    assert (passage.at(0.6) == second).all()
