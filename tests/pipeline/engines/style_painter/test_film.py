"""A film is painted over span by span: what is painted when, that no cut is crossed, and that memory stays."""

import tracemalloc
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from pipeline.engines.style_painter import given, painted_over
from pipeline.frames import Frame
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, photo


def pan(name: str, count: int, size: tuple[int, int] = (128, 96)) -> Iterator[Frame]:
    """A camera that goes over a photo to and fro."""
    for index in range(count):
        matrix = np.array([[1, 0, -60 - 20 * np.sin(index / 15)], [0, 1, -60.0]])
        yield np.asarray(cv2.warpAffine(photo(name), matrix, size, flags=cv2.INTER_CUBIC), np.uint8)


def inverted(frame: Frame) -> Frame:
    return np.asarray(255 - frame, np.uint8)


class Inverting:
    """Paints by an exact function of each colour, and notes which frames it was given. From one on it fails."""

    def __init__(self, fails_from: int = 10**9) -> None:
        self.numbers: list[int] = []
        self._fails_from = fails_from

    def __call__(self, number: int, ground: Frame) -> Frame | None:
        self.numbers.append(number)
        return None if len(self.numbers) > self._fails_from else inverted(ground)


def test_key_frames_lie_evenly_and_on_both_sides_of_every_cut() -> None:
    shots = [*pan(CHELSEA, 9), *pan(COFFEE, 6), *pan(ASTRONAUT, 5)]
    paint = Inverting()
    made = [painting for _, painting in painted_over(given(iter(shots), iter), 4, paint, 2)]
    assert paint.numbers == [0, 4, 8, 9, 13, 14, 15, 19]
    assert len(made) == len(shots)
    for frame, painting in zip(shots, made, strict=True):
        # Another photo that shows through would be off by far more.
        assert np.abs(painting[4:-4, 4:-4].astype(float) - inverted(frame)[4:-4, 4:-4]).mean() < 3.0


def test_each_frame_comes_with_its_painting() -> None:
    shots = list(pan(CHELSEA, 7))
    pairs = list(painted_over(given(iter(shots), iter), 3, Inverting(), 2))
    assert all(each.frame is frame for (each, _), frame in zip(pairs, shots, strict=True))


@pytest.mark.parametrize("fails_from", [0, 1, 2])
def test_where_no_painting_can_be_had_the_ground_shows(fails_from: int) -> None:
    shots = list(pan(CHELSEA, 11))
    grounds = [np.full_like(shots[0], 40 + index) for index in range(11)]
    paint = Inverting(fails_from)
    film = given(iter(shots), lambda frames: (grounds[index] for index, _ in enumerate(frames)))
    made = [painting for _, painting in painted_over(film, 5, paint, 2)]
    bare_from = 5 * fails_from + 1 if fails_from else 0  # up to there the last painting fades
    assert all(map(np.array_equal, made[bare_from:], grounds[bare_from:]))
    assert fails_from == 0 or not np.array_equal(made[0], grounds[0])


def test_frames_are_read_only_as_far_as_they_are_needed() -> None:
    read = []

    def endless() -> Iterator[Frame]:
        while True:
            read.append(1)
            yield np.full((40, 60, 3), 120, np.uint8)

    made = painted_over(given(endless(), iter), 6, Inverting(), 1)
    next(made)
    made.close()
    assert len(read) <= 13  # a span, and what is looked ahead to for cuts


def test_memory_of_a_long_film_is_that_of_a_short_one() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in painted_over(given(pan(COFFEE, count, (64, 48)), iter), 8, Inverting(), 1):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(12)  # what is loaded and cached once
    assert peak(120) < 1.1 * peak(24)
