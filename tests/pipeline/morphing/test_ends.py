"""A film that is given its ends begins and ends with them, and comes near them in light before it is there."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest

from pipeline.frames import Frame, FrameStream
from pipeline.morphing import with_ends
from tests.photos import CHELSEA, photo

COUNT = 9


def picture(gain: float = 1.0) -> Frame:
    return np.asarray(np.clip(photo(CHELSEA)[60:156, 100:228] * gain, 0, 255), np.uint8)


def film(make: Callable[[int], Frame], count: int = COUNT) -> FrameStream:
    def frames() -> Iterator[Frame]:
        return (make(index) for index in range(count))

    return FrameStream(frames(), 128, 96, Fraction(16), count, again=frames)


def test_the_ends_are_exact_and_keyframes() -> None:
    first, last = picture(), picture(0.8)
    ended = with_ends(film(lambda _: picture(0.9)), first, last)
    frames = list(ended.frames)
    assert len(frames) == ended.count == COUNT
    assert (frames[0] == first).all()
    assert (frames[-1] == last).all()
    assert ended.keyframes == {0, COUNT - 1}


def test_light_is_led_over_without_a_jump() -> None:
    ended = with_ends(film(lambda _: picture(0.7)), picture(), picture(0.5))
    means = [float(frame.mean()) for frame in ended.frames]
    steps = np.diff(means)
    assert (steps < 0.5).all()
    assert np.abs(steps).max() < 2.5 * np.abs(steps).mean()


def test_a_film_that_has_its_ends_is_left_as_it_is() -> None:
    ended = with_ends(film(lambda _: picture()), picture(), picture())
    assert all((frame == picture()).all() for frame in ended.frames)


def test_it_can_be_read_again() -> None:
    ended = with_ends(film(lambda index: picture(0.5 + 0.05 * index)), picture(), picture(0.8))
    assert ended.again is not None
    for one, other in zip(ended.frames, ended.again(), strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("size", [(96, 128), (1, 1), (95, 127)])
def test_films_of_any_size_have_light(size: tuple[int, int]) -> None:
    height, width = size
    grey = np.full((height, width, 3), 100, np.uint8)

    def frames() -> Iterator[Frame]:
        return iter([grey] * 3)

    stream = FrameStream(frames(), width, height, Fraction(8), 3, again=frames)
    middle = list(with_ends(stream, grey + np.uint8(20), grey + np.uint8(40)).frames)[1]
    assert np.abs(middle.astype(int) - 130).max() <= 1


def test_what_cannot_be_ended_is_refused() -> None:
    once = FrameStream(iter([picture()] * 3), 128, 96, Fraction(8), 3)
    with pytest.raises(ValueError, match="readable twice"):
        with_ends(once, picture(), picture())
    with pytest.raises(ValueError, match="two frames or more"):
        with_ends(film(lambda _: picture(), 1), picture(), picture())
    with pytest.raises(ValueError, match="must be 128x96"):
        with_ends(film(lambda _: picture()), picture()[:-1], picture())
