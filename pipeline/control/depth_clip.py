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

AROUND = 3
"""Frames to either side over which estimates of a foreground are averaged: an outline that is guessed anew each time
flickers."""

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

    `check` is called before each frame and may raise.
    """
    found: list[Nearness | None] = []
    for frame in frames:
        check()
        width, height = _small_size(frame)
        depth = estimate_depth(np.asarray(cv2.resize(frame, (2 * width, 2 * height), interpolation=cv2.INTER_AREA)))
        found.append(None if depth is None else depth.nearness)
    if sum(each is not None for each in found) < FOUND * len(found):
        return None
    return [_mean(found, place).astype(np.float16) for place in range(len(found))]


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


def _mean(found: Sequence[Nearness | None], place: int) -> Nearness:
    """The mean of the estimates around a place; of the nearest one where none is so near."""
    near = [each for each in found[max(place - AROUND, 0) : place + AROUND + 1] if each is not None]
    if not near:
        known = [number for number, each in enumerate(found) if each is not None]
        nearest = found[min(known, key=lambda number: abs(number - place))]
        near = [nearest] if nearest is not None else []
    return np.asarray(np.mean(near, axis=0), np.float32)
