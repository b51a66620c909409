"""More or fewer frames over the same duration: timing, streaming, stopping."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Cancelled
from pipeline.frames import Frame
from pipeline.interpolation import spread
from pipeline.interpolation.film import CHUNK


def nothing() -> None:
    return None


def plain(value: float) -> Frame:
    return np.full((24, 32, 3), round(value), np.uint8)


def film(count: int) -> list[Frame]:
    """Frames that brighten evenly, so that a level tells a time."""
    return [plain(10 + 6 * index) for index in range(count)]


@given(st.integers(1, 30), st.integers(1, 60), st.integers(1, 3))
@settings(max_examples=40)
def test_every_frame_stands_at_its_time_and_given_ones_pass_unchanged(count: int, target: int, workers: int) -> None:
    given_frames = film(count)
    made = list(spread(iter(given_frames), count, target, nothing, workers))
    assert len(made) == target
    for index, frame in enumerate(made):
        place, part = divmod(index * (count - 1), max(target - 1, 1))
        if part == 0:
            assert frame is given_frames[place]
        else:
            level = 10 + 6 * (place + part / (target - 1))
            assert np.abs(frame.astype(float) - level).max() <= 1.0
    assert made[0] is given_frames[0]
    if target > 1:
        assert made[-1] is given_frames[-1]


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    frames = np.random.default_rng(3).integers(0, 256, (5, 40, 50, 3), np.uint8)
    one, many = (list(spread(frames, 5, 13, nothing, workers)) for workers in (1, 4))
    assert all((a == b).all() for a, b in zip(one, many, strict=True))


@pytest.mark.parametrize("target", [7, 40, 400])
def test_a_long_film_is_never_held_as_a_whole(target: int) -> None:
    read = 0

    def frames() -> Iterator[Frame]:
        nonlocal read
        for index in range(100):
            read += 1
            yield plain(index)

    made = spread(frames(), 100, target, nothing, 2)
    for index in range(target):
        next(made)
        # At most three chunks are under way ahead of the reader; the last one needs the two frames after its time.
        assert read <= (index + 3 * CHUNK) * 99 / (target - 1) + 3


def test_it_stops_when_the_check_says_so() -> None:
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 4:
            raise Cancelled("The run was stopped.")

    made: list[Frame] = []
    with pytest.raises(Cancelled):
        made.extend(spread(film(3), 3, 30, check, 2))
    assert asked == 4


def test_closing_it_early_closes_what_it_reads() -> None:
    closed = []

    def frames() -> Iterator[Frame]:
        try:
            yield from film(20)
        finally:
            closed.append(True)

    made = spread(frames(), 20, 60, nothing, 2)
    next(made)
    made.close()  # type: ignore[attr-defined]
    del made
    assert closed == [True]


def test_an_error_of_the_source_passes_through() -> None:
    def frames() -> Iterator[Frame]:
        yield plain(1)
        raise OSError("the source's own")

    with pytest.raises(OSError, match="the source's own"):
        list(spread(frames(), 5, 9, nothing))


def test_a_film_with_too_few_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer frames than it promised"):
        list(spread(film(3), 4, 9, nothing))


@pytest.mark.parametrize(("count", "target"), [(0, 5), (5, 0)])
def test_numbers_below_one_are_refused_at_once(count: int, target: int) -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        spread(film(5), count, target, nothing)
