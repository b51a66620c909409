"""Measures a film while it passes by, at a cost that hardly grows with its length."""

import statistics
from collections import deque
from collections.abc import Generator, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.optical_flow import Grey, dense_flow, luma
from pipeline.quality.measures import (
    delta_e,
    detail,
    local_flicker,
    mean_lab,
    points,
    psnr,
    relative_sharpness,
    shrink,
    shrink_factor,
    ssim,
)

SAMPLES = 16
"""Moments of the film, evenly spaced, at which motion, flicker, sharpness and colour are measured."""

SHARPNESS_SAMPLES = 9
"""Of these, how many sharpness is measured at: it needs the frame in full size."""

CHANGED_LEVELS = 2
"""A value changes when it does by more than this; less comes from rounding and from autoencoders."""

CHANGED_SHARE = 1e-4
"""Two frames in which fewer values than this change are taken for the same: stars that twinkle change ten times it."""

_CHANGED_POINTS = 1e-3
"""Share of values at the points that leaves no doubt; below it, the whole frames are compared."""

MOVING = 0.05
"""Displacement from frame to frame, in pixels of the small picture (about 256 a side), above which a place moves."""

DARKEST = 16
"""A frame that is nowhere brighter than this is black: black of limited-range video."""

PLAIN_SPREAD = 2
"""A frame in which no channel varies by more than this has one colour."""

_DECIMALS = {"first_frame_psnr": 2, "colour_drift": 2}


class QualityMeter:
    """Watches the frames of one film, which `watch` passes on unaltered, and says in `result` how good it is.

    `reference` is the picture that the film should begin with, in the film's size, and `count` the number of frames.
    Keeps a frame, three small pictures, and some numbers for each sample.
    """

    def __init__(self, reference: Frame, count: int) -> None:
        self._reference = reference
        height, width = reference.shape[:2]
        self._factor = shrink_factor(width, height)
        self._detail = detail(reference)
        self._middles = set(_evenly(range(1, count - 1), SAMPLES)) or ({0} if count == 2 else set())
        self._needed = {index + step for index in self._middles for step in (-1, 0, 1)}
        self._sharp = set(_evenly(range(count), SHARPNESS_SAMPLES))
        self._coloured = set(_evenly(range(count), SAMPLES))
        self._small: deque[tuple[int, Grey]] = deque(maxlen=3)
        self._before: Frame | None = None
        self._points = points(reference)
        self._first: dict[str, float] = {}
        self._sharpness: list[float] = []
        self._labs: list[NDArray[np.float64]] = []
        self._motion: list[float] = []
        self._moving: list[float] = []
        self._flicker: list[float] = []
        self._seen = self._frozen = self._black = self._plain = 0

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Pass the frames on, measuring each one; closed early, it closes what it watches.

        Raises ValueError for a frame of another size.
        """
        try:
            for frame in frames:
                self._measure(frame)
                yield frame
        finally:
            if isinstance(frames, Generator):
                frames.close()

    def result(self) -> dict[str, float]:
        """The measures of the frames that came by, all finite; those that so few frames do not have are left out."""
        found = dict(self._first)
        if self._sharpness:
            found["sharpness"] = statistics.median(self._sharpness)
            found["sharpness_min"] = min(self._sharpness)
        if self._motion:
            found["motion"] = statistics.fmean(self._motion)
            found["motion_share"] = statistics.fmean(self._moving)
            found["frozen"] = self._frozen / (self._seen - 1)
        if self._flicker:
            found["flicker"] = statistics.fmean(self._flicker)
        third = len(self._labs) // 3
        if third:
            ends = (np.mean(labs, axis=0) for labs in (self._labs[:third], self._labs[-third:]))
            found["colour_drift"] = delta_e(*ends)
        if self._seen:
            found["black_frames"], found["constant_frames"] = float(self._black), float(self._plain)
        return {name: round(value, _DECIMALS.get(name, 4)) for name, value in found.items()}

    def _measure(self, frame: Frame) -> None:
        if frame.shape != self._reference.shape:
            raise ValueError(f"a frame of shape {frame.shape} came among frames of shape {self._reference.shape}")
        index = self._seen
        self._look_at_points(frame, index)
        if index in self._sharp:
            self._sharpness.append(relative_sharpness(detail(frame), self._detail))
        if index == 0 or index in self._needed:
            self._small.append((index, shrink(luma(frame), self._factor)))
        if index == 0:
            reference = shrink(luma(self._reference), self._factor)
            self._first = {
                "first_frame_psnr": psnr(frame, self._reference),
                "first_frame_ssim": ssim(self._small[-1][1], reference),
            }
        elif index - 1 in self._middles:
            self._measure_motion(index - 1)
        self._seen += 1

    def _look_at_points(self, frame: Frame, index: int) -> None:
        now = points(frame)
        if self._before is not None:
            pairs = ((now, self._points, _CHANGED_POINTS), (frame, self._before, CHANGED_SHARE))
            self._frozen += int(all(_changed_share(*pair) < limit for *pair, limit in pairs))
        self._black += int(now.max()) <= DARKEST
        self._plain += _is_plain(now)
        if index in self._coloured:
            self._labs.append(mean_lab(now))
        self._points, self._before = now, frame

    def _measure_motion(self, middle: int) -> None:
        """Measure the pair of frames from `middle`, which the last small pictures hold."""
        small = dict(self._small)
        flow = dense_flow(small[middle], small[middle + 1])
        lengths = np.hypot(flow[..., 0], flow[..., 1])
        self._motion.append(float(lengths.mean()) * self._factor)
        self._moving.append(float((lengths > MOVING).mean()))
        if middle > 0:
            self._flicker.append(local_flicker(small[middle - 1], small[middle], small[middle + 1], flow))


def _changed_share(now: Frame, before: Frame) -> float:
    """Share of the values that are not the same any more."""
    return float(np.count_nonzero(np.asarray(cv2.absdiff(now, before)) > CHANGED_LEVELS)) / now.size


def _is_plain(pixels: NDArray[np.uint8]) -> bool:
    # The deviation is quick and never more than half of the spread, which is slow to find for each channel.
    if cv2.meanStdDev(pixels)[1].max() > PLAIN_SPREAD / 2:
        return False
    return int((pixels.max(axis=(0, 1)) - pixels.min(axis=(0, 1))).max()) <= PLAIN_SPREAD


def _evenly(places: range, wanted: int) -> list[int]:
    """At most `wanted` of the places, evenly spaced, the first and the last among them."""
    if len(places) <= wanted:
        return list(places)
    return [places[round(number * (len(places) - 1) / (wanted - 1))] for number in range(wanted)]
