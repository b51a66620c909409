"""What is known of how near things are, and how a coarse map is made to follow the edges of its picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.context import Way
from pipeline.frames import Frame

Nearness = NDArray[np.float32]
"""Relative inverse depth: float32, shape (height, width), 0 is the farthest and 1 the nearest point."""

EDGE_RADIUS = 0.008
"""Radius of the guided filter, as a fraction of the picture's longer side: how far edges may have strayed.

It is at least one and a half pixels of the coarse map.
"""

EDGE_CONTRAST = 2e-3
"""The guided filter's epsilon, a variance of values from 0 to 1: weaker edges of the picture count for nothing."""

JUMP = 0.08
"""Difference of nearness across an edge from which the pixels between belong to either side."""

STEP_VARIANCE = 0.1
"""Variance in a window, in squares of its range, from which it shows two depths: an even slope has 1/12."""


@dataclass(frozen=True)
class Depth:
    """How near every pixel of a picture is. `way` says in one sentence where this is known from."""

    nearness: Nearness
    way: Way

    is_guessed: bool = False
    """Whether it is an estimate of a foreground and a ground, and no measurement."""

    @property
    def is_flat(self) -> bool:
        """Whether everything is equally far."""
        return float(np.ptp(self.nearness)) < 1e-3


def stretched(values: NDArray[np.float32]) -> Nearness:
    """Values of any range brought to 0 to 1, without the outermost thousandth at either end; constant ones to 0.5."""
    low, high = (float(each) for each in np.quantile(values, [0.001, 0.999]))
    if high - low < 1e-6:
        low, high = float(values.min()), float(values.max())  # a tiny object is no outlier
    if high - low < 1e-6:
        return np.full_like(values, 0.5, np.float32)
    return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0), np.float32)


def aligned(nearness: Nearness, image: Frame) -> Nearness:
    """A map of any size, in the size of `image` and with its steps on the edges of the image.

    He, Sun and Tang, "Guided Image Filtering" (2013), moves the steps. What it and the enlargement leave between two
    depths would stretch like rubber between the two things, so each such pixel then takes the nearer of the two values.
    """
    height, width = image.shape[:2]
    enlarged = max(height / nearness.shape[0], width / nearness.shape[1])
    method = cv2.INTER_AREA if enlarged < 1 else cv2.INTER_LINEAR
    fitted = cv2.resize(nearness, (width, height), interpolation=method)
    radius = max(round(EDGE_RADIUS * max(height, width)), round(1.5 * enlarged), 2)
    if min(height, width) > 2 * radius:
        guide = image.astype(np.float32) / 255
        fitted = cv2.ximgproc.guidedFilter(guide, fitted, radius, EDGE_CONTRAST)
    return parted(np.clip(fitted, 0.0, 1.0).astype(np.float32), radius)


def parted(nearness: Nearness, radius: int) -> Nearness:
    """The map with steps instead of ramps that are up to `2 * radius` pixels wide and higher than JUMP."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    low, high = cv2.erode(nearness, kernel), cv2.dilate(nearness, kernel)
    side = 4 * radius + 1
    variance = cv2.blur(nearness**2, (side, side)) - cv2.blur(nearness, (side, side)) ** 2
    wide = np.ones((side, side), np.uint8)
    span = cv2.dilate(nearness, wide) - cv2.erode(nearness, wide)
    is_step = (high - low > JUMP) & (variance > STEP_VARIANCE * span**2)
    sides = np.where(nearness - low > high - nearness, high, low)
    return np.asarray(np.where(is_step, sides, nearness), np.float32)
