"""Depth over a clip: maps that were seen one by one, brought to one scale, so that nothing pulses."""

from collections.abc import Callable, Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.depth import Nearness, estimate_depth
from pipeline.frames import Frame
from pipeline.optical_flow import Grey, luma

SIDE = 160
"""Longer side in pixels of the small maps by which two frames are compared."""

UNCHANGED = 6
"""Levels of luma up to which a place shows the same thing in two frames."""

ENOUGH = 0.05
"""Share of unchanged places that two frames are compared by; with fewer, they are compared as wholes."""

LARGEST_STEP = 2.0
"""Most that the scale changes from one frame to the next: what is more than that is another view, not another scale."""

EVERY = 3
"""Frames from one in which a foreground is looked for to the next: it takes about half a second, and is soft anyway."""

FOUND = 0.5
"""Share of the frames in which something must stand out."""

_Half = NDArray[np.float16]


def steadied(maps: Iterable[Nearness], frames: Iterable[Frame]) -> list[_Half]:
    """The maps of a clip in the scale of its first.

    A network tells depth up to a scale and an offset, which differ from frame to frame. They are found again where
    nothing has changed between two frames, from the medians and the mean deviations of both maps, which unlike least
    squares does not flatten them a little more with every frame.
    """
    made: list[_Half] = []
    before: tuple[Nearness, Grey] | None = None
    for nearness, frame in zip(maps, frames, strict=True):
        size = _small_size(frame)
        small = np.asarray(cv2.resize(nearness, size, interpolation=cv2.INTER_AREA), np.float32)
        grey = np.asarray(cv2.resize(luma(frame), size, interpolation=cv2.INTER_AREA), np.uint8)
        scale, offset = (1.0, 0.0) if before is None else _scale(small, grey, *before)
        made.append((nearness * scale + offset).astype(np.float16))
        before = small * np.float32(scale) + np.float32(offset), grey
    return made


def estimated(frames: Sequence[Frame], check: Callable[[], None]) -> list[_Half] | None:
    """A soft estimate of a foreground and a ground in each frame; None where too rarely anything stands out.

    An outline that is guessed anew each time flickers, so it is led over from one estimate to the next. `check` is
    called before each of them and may raise.
    """
    places, found = [], []
    looked_at = range(0, len(frames), EVERY)
    for place in looked_at:
        check()
        depth = estimate_depth(_reduced(frames[place]))
        if depth is not None:
            places.append(place)
            found.append(depth.nearness)
    if len(found) < FOUND * len(looked_at):
        return None
    return [_between(places, found, place).astype(np.float16) for place in range(len(frames))]


def depth_frames(maps: Sequence[_Half], size: tuple[int, int]) -> list[Frame]:
    """Maps as grey frames of `size` (width, height), nearer is brighter: one range for all, black to white."""
    sample = np.concatenate([each[::4, ::4].ravel() for each in maps]).astype(np.float32)
    low, high = (float(each) for each in np.quantile(sample, [0.005, 0.995]))
    span = max(high - low, 1e-6)
    return [_shown((each.astype(np.float32) - low) / span, size) for each in maps]


def _shown(unit: Nearness, size: tuple[int, int]) -> Frame:
    fitted = cv2.resize(unit, size, interpolation=cv2.INTER_LINEAR)
    grey = np.rint(np.clip(fitted, 0.0, 1.0) * 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _small_size(frame: Frame) -> tuple[int, int]:
    shrink = max(1.0, max(frame.shape[:2]) / SIDE)
    return max(1, round(frame.shape[1] / shrink)), max(1, round(frame.shape[0] / shrink))


def _scale(small: Nearness, grey: Grey, small_before: Nearness, grey_before: Grey) -> tuple[float, float]:
    """The scale and the offset that bring a map to that of the frame before."""
    same = cv2.absdiff(grey, grey_before) <= UNCHANGED
    if same.mean() < ENOUGH:
        same = np.ones_like(same)
    now, then = small[same], small_before[same]
    middle_now, middle_then = float(np.median(now)), float(np.median(then))
    spread_now, spread_then = float(np.abs(now - middle_now).mean()), float(np.abs(then - middle_then).mean())
    scale = spread_then / spread_now if min(spread_now, spread_then) > 1e-4 else 1.0
    scale = min(max(scale, 1 / LARGEST_STEP), LARGEST_STEP)
    return scale, middle_then - scale * middle_now


def _reduced(frame: Frame) -> Frame:
    width, height = _small_size(frame)
    return np.asarray(cv2.resize(frame, (2 * width, 2 * height), interpolation=cv2.INTER_AREA), np.uint8)


def _between(places: Sequence[int], found: Sequence[Nearness], place: int) -> Nearness:
    """The estimate for a place: between the two around it, each of which is the mean of itself and its neighbours."""
    at = float(np.interp(place, places, range(len(places))))
    low = int(at)
    high, part = min(low + 1, len(found) - 1), np.float32(at - low)
    return _smooth(found, low) * (1 - part) + _smooth(found, high) * part


def _smooth(found: Sequence[Nearness], number: int) -> Nearness:
    return np.asarray(np.mean(found[max(number - 1, 0) : number + 2], axis=0), np.float32)
