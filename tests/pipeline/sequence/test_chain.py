"""One film from many parts: their frames, their order, and the dissolve where they meet."""

from collections.abc import Generator

import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.sequence import Chain, Part


def grey(level: int) -> Frame:
    return np.full((2, 2, 3), level, np.uint8)


class Maker:
    """Parts of even frames: the first begins at 100, and every next one with what it is given."""

    def __init__(self, steps: list[int], counts: list[int]) -> None:
        self.steps, self.counts = steps, counts
        self.began: list[int | None] = []
        self.alive = 0

    def __call__(self, number: int, start: Frame | None) -> Generator[Frame]:
        self.began.append(None if start is None else int(start[0, 0, 0]))
        level = 100 if start is None else int(start[0, 0, 0])
        self.alive += 1
        try:
            for index in range(self.counts[number]):
                yield grey(level + index * self.steps[number])
        finally:
            self.alive -= 1


def levels(frames: Generator[Frame] | list[Frame]) -> list[int]:
    return [int(frame[0, 0, 0]) for frame in frames]


def test_without_an_overlap_the_film_goes_on_from_the_very_last_frame() -> None:
    parts = (Part(0, "", 4, 0, 4), Part(1, "", 4, 1, 3))
    made = Maker([1, -1], [4, 4])
    assert levels(list(Chain(parts, made).frames())) == [100, 101, 102, 103, 102, 101, 100]
    assert made.began == [None, 103]


def test_over_an_overlap_the_old_film_gives_way_to_the_new_one() -> None:
    parts = (Part(0, "", 10, 0, 10), Part(1, "", 10, 5, 5))
    made = Maker([4, 0], [10, 10])
    shown = levels(list(Chain(parts, made).frames()))
    assert made.began == [None, 120]
    assert shown[:6] == [100, 104, 108, 112, 116, 120]
    assert shown[10:] == [120] * 5
    steps = np.diff(shown)
    assert max(abs(steps)) <= 5  # no jump where they meet


def test_frames_beyond_what_is_shown_are_not_asked_for() -> None:
    made = Maker([1], [50])
    assert levels(list(Chain((Part(0, "", 50, 0, 3),), made).frames())) == [100, 101, 102]
    assert made.alive == 0


def test_a_film_that_is_closed_lets_go_of_its_parts() -> None:
    made = Maker([1, 1], [9, 9])
    frames = Chain((Part(0, "", 9, 0, 9), Part(1, "", 9, 1, 8)), made).frames()
    next(frames)
    assert made.alive == 1
    frames.close()
    assert made.alive == 0


@pytest.mark.parametrize("lead", [1, 2, 5])
def test_all_parts_may_be_as_short_as_their_overlap(lead: int) -> None:
    parts = (Part(0, "", 6, 0, 6), *(Part(number, "", lead + 1, lead, 1) for number in range(1, 6)))
    made = Maker([0] * 6, [6] + [lead + 1] * 5)
    assert levels(list(Chain(parts, made).frames())) == [100] * 11
