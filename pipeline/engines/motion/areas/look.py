"""What a picture looks like at a small size: colour, texture and edges, from which areas are told apart."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame, Mask

LONG_SIDE = 448
"""Pixels of the longer side of the picture that is looked at: large enough for leaves, small enough for a second."""

Values = NDArray[np.float32]
"""One number a pixel of the small picture: float32, shape (height, width)."""


@dataclass(frozen=True)
class Look:
    """The small picture and what is measured on it. All fields have its height and width."""

    picture: Frame
    lightness: Values
    """L* of CIELAB, 0 to 100."""
    red_green: Values
    """a* of CIELAB: red is positive, green negative."""
    yellow_blue: Values
    """b* of CIELAB: yellow is positive, blue negative."""
    chroma: Values
    hue: Values
    """Angle of (a*, b*) in degrees, 0 to 360: 40 orange, 90 yellow, 130 leaf green, 260 sky blue."""
    edges: Values
    """Length of the gradient of L*, a*, b* together, in units a pixel."""
    texture: Values
    """Deviation of L* within about 9 pixels around, where large shapes are taken away first."""
    speckle: Values
    """Small bright and dark spots side by side, in spots a pixel: leaves and grass have 0.015 and more."""
    streaks: Values
    """Share of the gradient's energy nearby that is vertical: 0.5 has no direction, 1 is all horizontal lines."""

    @property
    def height(self) -> int:
        """Height of the small picture."""
        return int(self.picture.shape[0])

    @property
    def width(self) -> int:
        """Width of the small picture."""
        return int(self.picture.shape[1])

    def down(self) -> Values:
        """How far down each pixel lies: 0 at the top, 1 at the bottom."""
        rows = np.linspace(0.0, 1.0, self.height, dtype=np.float32)
        return np.repeat(rows[:, None], self.width, axis=1)


def look_at(plate: Frame) -> Look:
    """Measure `plate` at a size of at most LONG_SIDE."""
    picture = smaller(plate)
    lab = cv2.cvtColor(picture.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    lightness, red_green, yellow_blue = (np.asarray(part, dtype=np.float32) for part in cv2.split(lab))
    smooth = cv2.GaussianBlur(lab, (0, 0), 1.0)
    along_x, along_y = (cv2.Scharr(smooth, cv2.CV_32F, *step) / np.float32(32) for step in ((1, 0), (0, 1)))
    fine = lightness - cv2.GaussianBlur(lightness, (0, 0), 4.0)
    energy_x, energy_y = (cv2.blur((part**2).sum(axis=2), (25, 25)) for part in (along_x, along_y))
    return Look(
        picture=picture,
        lightness=lightness,
        red_green=red_green,
        yellow_blue=yellow_blue,
        chroma=np.hypot(red_green, yellow_blue),
        hue=np.degrees(np.arctan2(yellow_blue, red_green)) % np.float32(360),
        edges=np.sqrt((along_x**2 + along_y**2).sum(axis=2)),
        texture=np.sqrt(np.maximum(cv2.blur(fine**2, (9, 9)), 0)),
        speckle=_speckle(lightness),
        streaks=energy_y / (energy_x + energy_y + np.float32(1e-3)),
    )


def _speckle(lightness: Values) -> Values:
    """Density of local extremes that stand out by 2.5 in L*: of bright or dark ones, whichever are fewer."""
    smooth = cv2.GaussianBlur(lightness, (0, 0), 0.7)
    above = smooth - cv2.blur(smooth, (7, 7))
    kernel = np.ones((3, 3), np.uint8)
    bright = (smooth >= cv2.dilate(smooth, kernel)) & (above > 2.5)
    dark = (smooth <= cv2.erode(smooth, kernel)) & (above < -2.5)
    density = [cv2.blur(spots.astype(np.float32), (17, 17)) for spots in (bright, dark)]
    return np.asarray(cv2.blur(np.minimum(*density), (9, 9)), dtype=np.float32)


def smaller(plate: Frame) -> Frame:
    """`plate` with its longer side at most LONG_SIDE pixels."""
    scale = LONG_SIDE / max(plate.shape[:2])
    if scale >= 1.0:
        return plate
    size = (max(1, round(plate.shape[1] * scale)), max(1, round(plate.shape[0] * scale)))
    return np.asarray(cv2.resize(plate, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def ramp(values: Values, start: float, end: float) -> Values:
    """0 up to `start`, 1 from `end` on, linear between; `start` may be the larger one."""
    return np.asarray(np.clip((values - start) / (end - start), 0.0, 1.0), dtype=np.float32)


def grade(value: float, start: float, end: float) -> float:
    """The same for one number."""
    return min(1.0, max(0.0, (value - start) / (end - start)))


def hue_within(look: Look, low: float, high: float, slack: float = 15.0) -> Values:
    """1 where the hue lies between `low` and `high` degrees, falling to 0 within `slack` beyond."""
    middle, half = (low + high) / 2.0, (high - low) / 2.0
    away = np.abs((look.hue - middle + 180.0) % 360.0 - 180.0)
    return ramp(np.asarray(away, dtype=np.float32), half + slack, half)


def components(inside: NDArray[np.bool_], smallest: float) -> list[NDArray[np.bool_]]:
    """Connected parts that cover at least the share `smallest` of the picture, the largest first."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA]
    order = [label for label in np.argsort(-areas, kind="stable") if label and areas[label] >= smallest * inside.size]
    return [labels == label for label in order[: count - 1]]


def filled(inside: NDArray[np.bool_], largest: float) -> NDArray[np.bool_]:
    """`inside` without holes that cover less than the share `largest` of the picture."""
    result = inside.copy()
    for hole in components(~inside, 0.0):
        if hole.mean() < largest:
            result |= hole
    return result


def cut_out(
    look: Look, sure: NDArray[np.bool_], likely: NDArray[np.bool_], never: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Colour models of inside and outside, and the cheapest border between them (Rother et al., "GrabCut", 2004)."""
    trimap = np.where(likely, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_PR_BGD))
    trimap[never] = cv2.GC_BGD
    trimap[sure] = cv2.GC_FGD
    if not likely.any() or likely.all() or sure.all() or never.all():
        return likely
    cv2.setRNGSeed(0)
    inner, outer = np.zeros((1, 65)), np.zeros((1, 65))
    result, _, _ = cv2.grabCut(look.picture, trimap, (0, 0, 0, 0), outer, inner, 3, cv2.GC_INIT_WITH_MASK)
    return np.asarray((result == cv2.GC_FGD) | (result == cv2.GC_PR_FGD))


def to_plate(inside: NDArray[np.bool_], plate: Frame) -> Mask:
    """The area in the plate's size, its border drawn along the plate's edges (He et al., "Guided image filtering")."""
    small = smaller(plate)
    soft = cv2.ximgproc.guidedFilter(small, inside.astype(np.float32), 4, 40.0)
    large = cv2.resize(soft, (plate.shape[1], plate.shape[0]), interpolation=cv2.INTER_LINEAR)
    radius = max(2, round(3.0 * max(plate.shape[:2]) / LONG_SIDE))
    guide = plate if max(plate.shape[:2]) > LONG_SIDE else small
    fine = cv2.ximgproc.guidedFilter(guide, large.astype(np.float32), radius, 60.0)
    return (ramp(np.asarray(fine, dtype=np.float32), 0.3, 0.8) * 255.0 + 0.5).astype(np.uint8)
