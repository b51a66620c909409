"""Cuts and repeated frames: found where they are, and not in fades, flashes, fast motion and stills."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.interpolation.scenes import MOST_REPEATS, Found, Sight, same_scene, with_cuts, without_repeats
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, ROCKET, photo

SIZE = (320, 240)


def view(name: str, right: float, down: float = 0.0) -> Frame:
    matrix = np.array([[1.0, 0.0, 30.0 + right], [0.0, 1.0, 20.0 + down]])
    return np.asarray(
        cv2.warpAffine(photo(name), matrix, SIZE, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.uint8
    )


def pan(name: str, count: int, speed: float = 2.0) -> list[Frame]:
    return [view(name, speed * index, index / 2) for index in range(count)]


def lit(frame: Frame, gain: float, more: float = 0.0) -> Frame:
    return np.asarray(np.clip(frame * gain + more, 0, 255), np.uint8)


def coded(frame: Frame, quality: int) -> Frame:
    """The frame with the errors of a lossy coder."""
    done, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def sights(frames: Sequence[Frame]) -> list[Sight]:
    return [Sight(Fraction(index), frame) for index, frame in enumerate(frames)]


def cuts(frames: Sequence[Frame]) -> list[int]:
    found = Found()
    marked = list(with_cuts(sights(frames), found))
    assert [mark.sight.frame is frame for mark, frame in zip(marked, frames, strict=True)] == [True] * len(frames)
    places = [index for index, mark in enumerate(marked) if mark.new_scene]
    assert found.cuts == len(places)
    return places


def kept(frames: Sequence[Frame]) -> list[int]:
    found = Found()
    times = [int(sight.time) for sight in without_repeats(sights(frames), found)]
    assert found.repeats == len(frames) - len(times)
    return times


def test_three_hard_cuts_are_found() -> None:
    names = (ASTRONAUT, COFFEE, CHELSEA, ROCKET)
    assert cuts([frame for name in names for frame in pan(name, 6)]) == [6, 12, 18]


def test_cuts_of_one_frame_scenes_are_found() -> None:
    assert cuts([view(name, 0.0) for name in (ASTRONAUT, COFFEE, CHELSEA)]) == [1, 2]


def test_black_bars_and_darkness_hide_no_cut() -> None:
    frames = [lit(frame, 0.35) for name in (ASTRONAUT, COFFEE) for frame in pan(name, 4)]
    for frame in frames:
        frame[:40], frame[-40:] = 0, 0
    assert cuts(frames) == [4]


@pytest.mark.parametrize("speed", [1.0, 12.0, 30.0])
def test_motion_is_no_cut(speed: float) -> None:
    assert cuts(pan(ASTRONAUT, 6, speed)) == []


def test_fades_are_no_cuts() -> None:
    out = [lit(frame, gain) for frame, gain in zip(pan(COFFEE, 10), np.linspace(1, 0, 10), strict=True)]
    assert cuts([*pan(COFFEE, 3), *out, *out[::-1]]) == []


def test_a_slow_dissolve_is_no_cut() -> None:
    one, other = pan(COFFEE, 16), pan(CHELSEA, 16)
    shares = np.linspace(0, 1, 16)
    mixed = [lit(a, 1 - s) + lit(b, s) for a, b, s in zip(one, other, shares, strict=True)]
    assert cuts(mixed) == []


@pytest.mark.parametrize("length", [1, 3])
def test_a_flash_is_no_cut(length: int) -> None:
    frames = pan(ASTRONAUT, 12)
    for index in range(5, 5 + length):
        frames[index] = lit(frames[index], 0.05, 245)
    assert cuts(frames) == []


def test_nothing_is_told_of_plain_pictures() -> None:
    plain = [np.full((*SIZE[::-1], 3), level, np.uint8) for level in (0, 200, 20)]
    assert all(same_scene(*pair) for pair in pairwise(sights(plain)))
    assert cuts(plain) == []


@pytest.mark.parametrize("times", [2, 3, MOST_REPEATS + 1])
@pytest.mark.parametrize("quality", [100, 85])
def test_a_film_of_a_lower_rate_loses_its_repeats(times: int, quality: int) -> None:
    frames = [frame for frame in pan(COFFEE, 6) for _ in range(times)]
    noisy = [coded(frame, quality + index % 2) if quality < 100 else frame for index, frame in enumerate(frames)]
    expected = list(range(0, 5 * times, times)) + list(range(5 * times, 6 * times))  # what ends the film stays
    assert kept(noisy) == expected


def test_uneven_repeats_are_found() -> None:
    frames = pan(CHELSEA, 6)
    pulled = [frames[index] for index in (0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5)]
    assert kept(pulled) == [0, 2, 5, 7, 10, 12]


def test_a_still_scene_keeps_its_frames() -> None:
    still = [view(ASTRONAUT, 0.0)] * 20
    assert kept(still) == list(range(20))
    assert kept([*still, *pan(ASTRONAUT, 4)[1:]]) == list(range(23))


def test_a_frame_held_before_a_cut_stays() -> None:
    scene = pan(ASTRONAUT, 3)
    assert kept([*scene, scene[-1], *pan(COFFEE, 3)]) == list(range(7))


@pytest.mark.parametrize("speed", [0.02, 0.1, 0.5])
def test_slow_motion_is_no_repetition(speed: float) -> None:
    assert kept([view(ASTRONAUT, speed * index) for index in range(12)]) == list(range(12))


def test_what_moves_in_one_corner_is_no_repetition() -> None:
    frames = [view(CHELSEA, 0.0).copy() for _ in range(8)]
    for index, frame in enumerate(frames):
        frame[200:212, 10 + 3 * index : 22 + 3 * index] = 255
    assert kept(frames) == list(range(8))


def test_few_frames_are_held_back() -> None:
    read = 0

    def source() -> "list[Sight]":
        nonlocal read
        read += 1
        return sights([view(ASTRONAUT, 0.0)])

    found = Found()
    stream = without_repeats((source()[0] for _ in range(40)), found)
    for count, _ in enumerate(stream, start=1):
        assert read <= count + MOST_REPEATS + 2
