"""More or fewer frames over the same duration."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from pipeline.frames import Frame, render_in_order
from pipeline.interpolation.between import Between


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
    made = render_in_order(_Renderer(frames, count, target), target, workers or os.cpu_count() or 1)
    return _checked(made, check)


def _checked(frames: Iterator[Frame], check: Callable[[], None]) -> Iterator[Frame]:
    for frame in frames:
        check()
        yield frame


class _Renderer:
    """Renders frame k of the result. Frames are asked for in nearly ascending order, by several threads."""

    def __init__(self, frames: Iterable[Frame], count: int, target: int) -> None:
        self._jobs = _jobs(frames, count, target)
        self._drawn: dict[int, Callable[[], Frame]] = {}
        self._next = 0
        self._lock = threading.Lock()

    def __call__(self, index: int) -> Frame:
        with self._lock:
            # Whoever comes first reads the input for those before it as well.
            while self._next <= index:
                self._drawn[self._next] = next(self._jobs)
                self._next += 1
            job = self._drawn.pop(index)
        return job()


def _jobs(frames: Iterable[Frame], count: int, target: int) -> Iterator[Callable[[], Frame]]:
    """What makes each frame of the result, in order; reads the given frames only as far as needed."""
    source = iter(frames)
    place, lower, upper = 0, _read(source), None
    between: Between | None = None
    for index in range(target):
        wanted, part = divmod(index * (count - 1), max(target - 1, 1))
        while place < wanted:
            lower, upper, between = upper if upper is not None else _read(source), None, None
            place += 1
        if part == 0:
            yield partial(_itself, lower)
            continue
        if between is None:
            upper = _read(source)
            between = Between(lower, upper)
        yield partial(between.at, part / (target - 1))


def _itself(frame: Frame) -> Frame:
    return frame


def _read(source: Iterator[Frame]) -> Frame:
    frame = next(source, None)
    if frame is None:
        raise ValueError("the film holds fewer frames than it promised")
    return frame
