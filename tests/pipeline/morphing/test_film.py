"""A film through several pictures: each where it belongs, made while it is read."""

from itertools import pairwise

import numpy as np
import pytest

from pipeline.context import MIXED
from pipeline.errors import Cancelled
from pipeline.frames import Frame
from pipeline.morphing import Film
from pipeline.transition_settings import TransitionSettings
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, photo

OPTIONS = TransitionSettings()
SAME = np.eye(3)


def window(name: str, right: int = 0) -> Frame:
    return np.ascontiguousarray(photo(name)[100:190, 120 + right : 260 + right])


def unchecked() -> None:
    """A run that nobody stops."""


def test_every_picture_is_passed_exactly_and_in_order() -> None:
    anchors = [window(ASTRONAUT), window(COFFEE), window(CHELSEA)]
    film = Film(anchors, [None, None], OPTIONS)
    frames = list(film.frames([0.0, 0.25, 0.5, 0.75, 1.0], 2, unchecked))
    for index, anchor in zip((0, 2, 4), anchors, strict=True):
        assert (frames[index] == anchor).all()
    for index in (1, 3):
        assert all((frames[index] != anchor).any() for anchor in anchors)


def test_frames_near_a_picture_are_near_it() -> None:
    anchors = [window(ASTRONAUT), window(COFFEE), window(CHELSEA)]
    film = Film(anchors, [None, None], OPTIONS)
    before, after = film.frames([0.4999, 0.5001], 1, unchecked)
    for frame in (before, after):
        assert np.abs(frame.astype(int) - anchors[1]).mean() < 1.0


def test_the_number_of_threads_changes_nothing() -> None:
    film = Film([window(COFFEE), window(COFFEE, 8)], [None], OPTIONS)
    times = [0.0, 0.2, 0.5, 0.9, 1.0]
    alone, together = list(film.frames(times, 1, unchecked)), list(film.frames(times, 4, unchecked))
    assert all((one == other).all() for one, other in zip(alone, together, strict=True))


def test_the_same_picture_again_stands_still() -> None:
    film = Film([window(CHELSEA)] * 2, [SAME], OPTIONS)
    frames = list(film.frames([0.0, 0.3, 0.7, 1.0], 1, unchecked))
    assert all((before == after).all() for before, after in pairwise(frames))


def test_frames_are_new_memory_for_whoever_writes_into_them() -> None:
    anchor = window(CHELSEA)
    film = Film([anchor, window(COFFEE)], [None], OPTIONS)
    first = next(iter(film.frames([0.0], 1, unchecked)))
    first[:] = 0
    assert anchor.any()


def test_what_stops_the_run_stops_the_film() -> None:
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise Cancelled

    film = Film([window(COFFEE), window(COFFEE, 8)], [None], OPTIONS)
    frames = film.frames([index / 99 for index in range(100)], 1, stop)
    with pytest.raises(Cancelled):
        list(frames)
    assert calls < 10


def test_parts_that_pass_in_different_ways_are_told_apart() -> None:
    film = Film([window(COFFEE), window(COFFEE, 8), window(CHELSEA)], [np.array(SAME), None], OPTIONS)
    assert film.method == MIXED
    assert film.reason.count("1 of 2 parts: ") == 2
    alike = Film([window(COFFEE), window(CHELSEA), window(ASTRONAUT)], [None, None], OPTIONS)
    assert alike.method == "dissolve"


@pytest.mark.parametrize(("pictures", "homographies"), [(1, 0), (2, 0), (2, 2), (0, 0)])
def test_pictures_and_homographies_must_fit(pictures: int, homographies: int) -> None:
    with pytest.raises(ValueError, match="two or more pictures"):
        Film([window(COFFEE)] * pictures, [None] * homographies, OPTIONS)


def test_pictures_must_have_one_size() -> None:
    with pytest.raises(ValueError, match="of one size"):
        Film([window(COFFEE), window(CHELSEA)[:-1]], [None], OPTIONS)
