"""Points of light in a dark sky: finding them, and taking them out of the picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame, Mask

MAX_POINTS = 3000
"""More stars than this are not told apart by the eye; the brightest are kept."""


SPOT_SIZES = (0.022, 0.1)
"""Widest stars, and widest lights of a painted sky, as fractions of the square root of the plate's area."""

FEW = 6
"""With fewer points than this a sky has no stars to speak of."""


@dataclass(frozen=True)
class Points:
    """Points of light: centres (count, 2) as x and y, radii and peak brightness over their surroundings (count,)."""

    centres: NDArray[np.float32]
    radii: NDArray[np.float32]
    peaks: NDArray[np.float32]


def find_points(picture: Frame, mask: Mask, unit: float) -> Points:
    """Find small round spots in `mask` that are clearly brighter than what surrounds them.

    `unit` is the square root of the plate's area in pixels. Where there are hardly any points, as in a painted sky,
    larger lights are looked for.
    """
    points = _no_points()
    for size in SPOT_SIZES:
        points = _at_size(picture, mask, size * unit)
        if len(points.radii) >= FEW:
            return points
    return points


def _at_size(picture: Frame, mask: Mask, size: float) -> Points:
    """Spots up to `size` pixels wide, brighter than around them by 14 levels and by far more than is usual here."""
    excess = light_excess(picture, size)
    excess[mask == 0] = 0
    inside = excess[mask > 0]
    if inside.size == 0:
        return _no_points()
    threshold = max(14.0, 3.5 * float(np.percentile(inside, 70)))
    count, labels, stats, centroids = cv2.connectedComponentsWithStats((excess > threshold).astype(np.uint8))
    peaks = np.zeros(count, dtype=np.float32)
    np.maximum.at(peaks, labels.ravel(), excess.ravel().astype(np.float32))  # type: ignore[arg-type]
    area, width, height = (stats[:, part] for part in (cv2.CC_STAT_AREA, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT))
    long, short = np.maximum(width, height), np.minimum(width, height)
    compact = (long <= 3.0 * short + 2) & (area >= 0.25 * width * height) & (long <= max(6.0, size))
    good = np.flatnonzero(compact & (np.arange(count) > 0))
    good = good[np.argsort(-peaks[good], kind="stable")][:MAX_POINTS]
    radii = np.maximum(np.sqrt(area[good] / np.pi), 0.7)
    return Points(centroids[good].astype(np.float32), radii.astype(np.float32), peaks[good])


def light_excess(picture: Frame, size: float) -> NDArray[np.uint8]:
    """How much brighter each pixel is than around it: the white top-hat of the luminance over `size` pixels."""
    side = max(5, round(1.1 * size)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    luminance = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.morphologyEx(luminance, cv2.MORPH_TOPHAT, kernel), dtype=np.uint8)


def split_light(picture: Frame, points: Points) -> tuple[Frame, Frame]:
    """The picture without its points, filled from around them, and the points' light: their sum is the picture."""
    holes = np.zeros(picture.shape[:2], dtype=np.uint8)
    for (x, y), radius in zip(points.centres, points.radii, strict=True):
        cv2.circle(holes, (round(float(x)), round(float(y))), int(np.ceil(2.0 * radius + 1.5)), 255, -1)
    dark = np.minimum(picture, np.asarray(cv2.inpaint(picture, holes, 3, cv2.INPAINT_TELEA), dtype=np.uint8))
    return dark, picture - dark


def _no_points() -> Points:
    empty = np.zeros(0, dtype=np.float32)
    return Points(empty.reshape(0, 2), empty, empty)
