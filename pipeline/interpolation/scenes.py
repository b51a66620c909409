"""What is told from small pictures of successive frames: that one repeats another, and that a new scene begins."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.optical_flow import Flow, Grey, dense_flow, luma, pixel_places, sample

SIDE = 256
"""Longer side in pixels of the small pictures."""

LEAST_STEP = 6.0
"""Mean difference, in 8-bit levels, that a repeated frame stays below in every block. Frames repeated before x264 was
given them have up to 2.1 at CRF 18 and 5.9 at CRF 28."""

LARGER = 4.0
"""How many times larger the difference to the next new frame must be: slow motion differs little too, but evenly."""

MOST_REPEATS = 4
"""Repeats in a row that are taken for a lower frame rate (4: 12 frames per second in 60). More are a still scene."""

SAME_SCENE = 0.11
"""Share of what changed that motion explains, from which two frames show one scene. Of 180 pairs of real clips, with 2
to 8 frames left out between them, brightened and faded, 2% have less, all with 5 or 8 left out; of 182 pairs of
different clips and photos, some darkened or with black bars, none has more than 0.09."""

FLASH = 4
"""Frames that a flash, or whatever passes before the lens, may last without making a new scene."""

_BLOCK = 4
"""Side in pixels of the blocks of a small picture in which differences are averaged."""

_CHANGED, _LEAST_CHANGED = 6.0, 0.01
"""Difference in 8-bit levels from which a place counts as changed, and share of changed places with texture below
which nothing can be told, and no new scene is assumed."""

_TEXTURE = 16.0
"""Variance, in squared 8-bit levels, from which a place has a texture that can be compared."""

_ALIKE, _WINDOW = 0.7, 9
"""Normalized cross-correlation from which two places look alike, and the side of the window in which it is taken."""

_Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Sight:
    """A frame, when it is shown in seconds, and its small picture."""

    time: Fraction
    frame: Frame

    @cached_property
    def small(self) -> Grey:
        """The luma, at most SIDE pixels a side."""
        height, width = self.frame.shape[:2]
        shrink = max(1.0, max(height, width) / SIDE)
        size = max(1, round(width / shrink)), max(1, round(height / shrink))
        return np.asarray(cv2.resize(luma(self.frame), size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True)
class Marked:
    """A frame, and whether a new scene begins with it."""

    sight: Sight
    new_scene: bool = False


@dataclass
class Found:
    """What was found in a film so far: new scenes, and repeated frames that were taken out."""

    cuts: int = 0
    repeats: int = 0


def without_repeats(sights: Iterable[Sight], found: Found) -> Iterator[Sight]:
    """Leave out frames that only repeat the one before, as where a film was brought to a higher rate by doubling.

    A scene in which nothing moves keeps all of its frames, and so does one that is cut off while a frame is held.
    At most MOST_REPEATS + 1 frames are held back.
    """
    run: list[Sight] = []
    still = False
    for sight in sights:
        if run and difference(run[0], sight) < LEAST_STEP:
            run.append(sight)
            if still or len(run) > MOST_REPEATS + 1:
                still = True
                yield from run[:-1]
                del run[:-1]
            continue
        if not still and _repeats(run, sight):
            found.repeats += len(run) - 1
            del run[1:]
        yield from run
        run, still = [sight], False
    yield from run


def _repeats(run: list[Sight], after: Sight) -> bool:
    """Whether the frames of a run are one frame that was repeated, given the next frame that differs."""
    if len(run) < 2:
        return False
    largest = max(difference(run[0], sight) for sight in run[1:])
    return difference(run[-1], after) >= LARGER * largest and same_scene(run[-1], after)


def with_cuts(sights: Iterable[Sight], found: Found) -> Iterator[Marked]:
    """Say of each frame whether a new scene begins with it.

    That is so where motion does not explain how it came from the one before, unless the scene of before is back within
    FLASH frames. At most FLASH frames are held back.
    """
    source = iter(sights)
    behind: deque[Sight] = deque(maxlen=FLASH)
    ahead: deque[Sight] = deque()
    while True:
        while len(ahead) <= FLASH and (sight := next(source, None)) is not None:
            ahead.append(sight)
        if not ahead:
            return
        new = bool(behind) and _is_cut(list(behind), list(ahead))
        if new:
            found.cuts += 1
            behind.clear()
        behind.append(ahead.popleft())
        yield Marked(behind[-1], new)


def _is_cut(behind: list[Sight], ahead: list[Sight]) -> bool:
    if same_scene(behind[-1], ahead[0]):
        return False
    # A flash at the cut's very place hides nothing: all that is asked is whether the old scene goes on after it.
    pairs = [(behind[-1], sight) for sight in ahead[1:]] + [(sight, ahead[0]) for sight in behind[:-1]]
    return not any(same_scene(*pair) for pair in pairs)


def difference(one: Sight, other: Sight) -> float:
    """The largest difference of two frames in any block, in 8-bit levels. Infinite for frames of two sizes."""
    if one.small.shape != other.small.shape:
        return float("inf")
    apart = cv2.absdiff(one.small, other.small).astype(np.float32)
    height, width = apart.shape
    size = max(1, width // _BLOCK), max(1, height // _BLOCK)
    return float(cv2.resize(apart, size, interpolation=cv2.INTER_AREA).max())


def same_scene(one: Sight, other: Sight) -> bool:
    """Whether the second frame may come from the first by motion, by a change of light, or by both."""
    first, second = one.small, other.small
    changed = cv2.blur(cv2.absdiff(first, second).astype(np.float32), (5, 5)) > _CHANGED
    if changed.mean() < _LEAST_CHANGED:
        return True
    forward, backward = dense_flow(first, second, quick=True), dense_flow(second, first, quick=True)
    places = pixel_places(range(len(first)), first.shape[1]) + forward
    likeness, textured = _likeness(first.astype(np.float32), sample(second, places).astype(np.float32))
    counted = changed & textured & _inside(places)
    if counted.mean() < _LEAST_CHANGED:
        return True
    explained = (likeness > _ALIKE) & _returns(forward, backward, places)
    return bool(explained[counted].mean() >= SAME_SCENE)


def _inside(places: Flow) -> NDArray[np.bool_]:
    height, width = places.shape[:2]
    return np.asarray(((places >= 0) & (places <= [width - 1, height - 1])).all(axis=-1))


def _returns(forward: Flow, backward: Flow, places: Flow) -> NDArray[np.bool_]:
    """Where the flow there and the flow back lead to within a pixel, and a tenth of the way, of where they began."""
    missed, way = (np.linalg.norm(vectors, axis=-1) for vectors in (forward + sample(backward, places), forward))
    return np.asarray(missed <= 1.0 + 0.1 * way)


def _likeness(first: _Plane, second: _Plane) -> tuple[_Plane, NDArray[np.bool_]]:
    """The normalized cross-correlation around each place, which light does not change, and whether there is texture."""

    def mean(plane: _Plane) -> _Plane:
        return np.asarray(cv2.blur(plane, (_WINDOW, _WINDOW)), np.float32)

    mean0, mean1 = mean(first), mean(second)
    variance0, variance1 = mean(first * first) - mean0**2, mean(second * second) - mean1**2
    floor = np.float32(_TEXTURE / 4)  # keeps noise on plain areas from being compared
    shared = mean(first * second) - mean0 * mean1 + floor
    likeness = shared / np.sqrt((np.maximum(variance0, 0) + floor) * (np.maximum(variance1, 0) + floor))
    return np.asarray(likeness, np.float32), np.asarray(np.maximum(variance0, variance1) > _TEXTURE)
