"""Points of light in a dark sky: finding them, and taking them out of the picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame, Mask

MAX_POINTS = 3000
"""More stars than this are not told apart by the eye; the brightest are kept."""


@dataclass(frozen=True)
class Points:
    """Points of light: centres (count, 2) as x and y, radii and peak brightness over their surroundings (count,)."""

    centres: NDArray[np.float32]
    radii: NDArray[np.float32]
    peaks: NDArray[np.float32]


def find_points(picture: Frame, mask: Mask, unit: float) -> Points:
    """Find small round spots in `mask` that are clearly brighter than what surrounds them.

    `unit` is the square root of the plate's area in pixels. A spot stands out if it exceeds the local background by 5
    robust deviations of the picture's own fine texture, and by at least 14 levels.
    """
    excess = light_excess(picture, unit)
    excess[mask == 0] = 0
    inside = excess[mask > 0]
    if inside.size == 0:
        return _no_points()
    grain = float(np.median(inside[inside > 0])) if (inside > 0).any() else 0.0
    threshold = max(14.0, 5.0 * grain)
    count, labels, stats, centroids = cv2.connectedComponentsWithStats((excess > threshold).astype(np.uint8))
    if count <= 1:
        return _no_points()
    peaks = np.zeros(count, dtype=np.float32)
    np.maximum.at(peaks, labels.ravel(), excess.ravel().astype(np.float32))
    area, width, height = (stats[:, part] for part in (cv2.CC_STAT_AREA, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT))
    largest = max(6.0, 0.022 * unit)
    round_enough = (np.maximum(width, height) <= 2.5 * np.minimum(width, height) + 1) & (area >= 0.3 * width * height)
    good = np.flatnonzero(round_enough & (np.maximum(width, height) <= largest) & (np.arange(count) > 0))
    good = good[np.argsort(-peaks[good], kind="stable")][:MAX_POINTS]
    radii = np.maximum(np.sqrt(area[good] / np.pi), 0.7)
    return Points(centroids[good].astype(np.float32), radii.astype(np.float32), peaks[good])


def light_excess(picture: Frame, unit: float) -> NDArray[np.uint8]:
    """How much brighter each pixel is than its surroundings: the white top-hat of the luminance."""
    size = max(5, round(0.024 * unit)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    luminance = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.morphologyEx(luminance, cv2.MORPH_TOPHAT, kernel), dtype=np.uint8)


def without_points(picture: Frame, points: Points) -> Frame:
    """The picture with every point filled from around it."""
    holes = np.zeros(picture.shape[:2], dtype=np.uint8)
    for (x, y), radius in zip(points.centres, points.radii, strict=True):
        cv2.circle(holes, (round(float(x)), round(float(y))), int(np.ceil(2.0 * radius + 1.5)), 255, -1)
    return np.asarray(cv2.inpaint(picture, holes, 3, cv2.INPAINT_TELEA), dtype=np.uint8)


def _no_points() -> Points:
    empty = np.zeros(0, dtype=np.float32)
    return Points(empty.reshape(0, 2), empty, empty)
