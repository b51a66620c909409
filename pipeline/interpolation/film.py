"""A film with frames at other times than it has: read, made and handed on frame by frame.

Memory does not grow with the number of frames: what is held are the frames under way, a few that are looked ahead to,
and at most CHUNK new frames for each worker.
"""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction

from pipeline.frames import Frame
from pipeline.interpolation.around import ALONE, Around, Step
from pipeline.interpolation.method import Method
from pipeline.interpolation.scenes import Found, Marked, Sight, with_cuts, without_repeats
from pipeline.workers import in_order

CHUNK = 4
"""New frames that are made in one go: more would share the search for motion, fewer take less memory and keep more
cores busy when there are only two frames."""

_Job = Callable[[], list[Frame]]


@dataclass(frozen=True)
class Passage:
    """Two successive frames, and whether a new scene begins with the second. The last frame of a film has no second."""

    first: Sight
    second: Sight | None
    around: Around = ALONE
    cut: bool = False

    def has(self, time: Fraction) -> bool:
        """Whether a time, not before the first frame, lies before the second."""
        return self.second is None or time < self.second.time


def passages(sights: Iterable[Sight], found: Found, repeats: bool = True, cuts: bool = True) -> Iterator[Passage]:
    """The passages of a film, whose frames come in the order of their times.

    `repeats` takes repeated frames out, and `cuts` looks for new scenes; `found` counts both.
    """
    kept = without_repeats(sights, found) if repeats else iter(sights)
    marked = with_cuts(kept, found) if cuts else (Marked(sight) for sight in kept)
    before, first, second = None, next(marked, None), next(marked, None)
    into, over = None, _step(first, second)
    while first is not None:
        after = next(marked, None)
        out = _step(second, after)
        yield _passage(before, first, second, after, (into, over, out))
        before, first, second = first, second, after
        into, over = over, out


def retimed(
    rows: Iterable[Passage], times: Iterable[Fraction], method: Method, workers: int | None = None
) -> Generator[Frame]:
    """The frames of a film at `times`, in seconds, which ascend from its first frame's on.

    A frame whose time comes up is handed on as it is. Between two scenes the nearer frame is repeated; after the last
    frame it is held. `workers` threads make frames, one for each core if empty. Closing it early closes what it reads.
    """
    with closing(in_order(_done, _jobs(iter(rows), times, method), workers or os.cpu_count() or 1)) as made:
        for frames in made:
            yield from frames


def _done(job: _Job) -> list[Frame]:
    return job()


def _step(first: Marked | None, second: Marked | None) -> Step | None:
    return None if first is None or second is None else Step(first.sight.frame, second.sight.frame)


def _passage(
    before: Marked | None,
    first: Marked,
    second: Marked | None,
    after: Marked | None,
    steps: tuple[Step | None, Step | None, Step | None],
) -> Passage:
    """The passage between the middle ones of four successive frames, and the steps between these.

    What lies beyond a cut is not around it.
    """
    start, (into, over, out) = first.sight, steps
    if second is None or over is None:
        return Passage(start, None)
    length = second.sight.time - start.time
    around = Around(steps=(into, over, out))
    if before is not None and not first.new_scene:
        at = float((before.sight.time - start.time) / length)
        around = replace(around, before=before.sight.frame, before_time=at)
    if after is not None and not after.new_scene:
        at = float((after.sight.time - start.time) / length)
        around = replace(around, after=after.sight.frame, after_time=at)
    return Passage(start, second.sight, around, second.new_scene)


def _jobs(rows: Iterator[Passage], times: Iterable[Fraction], method: Method) -> Iterator[_Job]:
    """What makes the frames at all times, in order; passages are read only as far as needed."""
    row = next(rows, None)
    if row is None:
        raise ValueError("a film without frames cannot be shown at another rate")
    due: list[Fraction] = []
    for time in times:
        while not row.has(time):
            if due:
                yield _job(row, due, method)
                due = []
            row = next(rows)
        if len(due) == CHUNK:
            yield _job(row, due, method)
            due = []
        due.append(time)
    if due:
        yield _job(row, due, method)


def _job(row: Passage, due: list[Fraction], method: Method) -> _Job:
    """What makes the frames of one passage at some times."""
    start, second = row.first, row.second
    if second is None:
        return lambda: [start.frame] * len(due)
    length = second.time - start.time
    parts = [float((time - start.time) / length) for time in due]
    if row.cut:
        return lambda: [start.frame if part < 0.5 else second.frame for part in parts]
    given = [start.frame] if parts[0] == 0.0 else []
    between = parts[len(given) :]

    def make() -> list[Frame]:
        return given + (method.frames(start.frame, second.frame, between, row.around) if between else [])

    return make
