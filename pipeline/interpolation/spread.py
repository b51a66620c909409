"""More or fewer frames over the same duration."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

from pipeline.frames import Frame
from pipeline.interpolation.film import passages, retimed
from pipeline.interpolation.method import FlowMethod
from pipeline.interpolation.scenes import Found, Sight


def spread(
    frames: Iterable[Frame], count: int, target: int, check: Callable[[], None], workers: int | None = None
) -> Iterator[Frame]:
    """Make `target` frames from `count` frames, over the same duration, while they are read.

    Frame k of the result lies at k * (count - 1) / (target - 1) of the given ones: the first and the last stay what
    they are, and so does every given frame whose time comes up exactly. `check` is called before each frame and may
    raise. `workers` threads render, one for each core if empty; memory does not grow with the number of frames.
    Raises ValueError when a number is below 1 or `frames` holds fewer than `count`.
    """
    if count < 1 or target < 1:
        raise ValueError(f"at least one frame is needed on both sides, but {count} and {target} were asked for")
    rows = passages(_sights(frames, count), Found(), repeats=False, cuts=False)
    times = (Fraction(index * (count - 1), max(target - 1, 1)) for index in range(target))
    return _checked(retimed(rows, times, FlowMethod(), workers), check)


def _checked(frames: Iterator[Frame], check: Callable[[], None]) -> Iterator[Frame]:
    for frame in frames:
        check()
        yield frame


def _sights(frames: Iterable[Frame], count: int) -> Iterator[Sight]:
    place = 0
    for place, frame in enumerate(frames, start=1):
        yield Sight(Fraction(place - 1), frame)
    if place < count:
        raise ValueError("the film holds fewer frames than it promised")
