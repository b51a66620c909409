"""Seas, lakes and rivers."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.engines.motion.areas.look import Look, Values, components, cut_out, filled, grade, hue_within, ramp
from pipeline.engines.motion.areas.sky import Sky

Area = NDArray[np.bool_]


@dataclass(frozen=True)
class Found:
    """An area of a small picture and how sure it is, 0 to 1."""

    area: Area
    confidence: float


def find_water(look: Look, sky: Sky) -> Found:
    """Find level surfaces that are coloured like water and drawn in horizontal lines, below the sky."""
    likeness = _over_superpixels(look, _likeness(look, sky))
    area = np.zeros(likeness.shape, dtype=bool)
    for part in components(likeness > 0.45, 0.015):
        area |= part
    if not area.any():
        return Found(area, 0.0)
    sure = cv2.erode((area & (likeness > 0.6)).astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1) > 0
    area = cut_out(look, sure, area, (likeness < 0.3) | sky.area & (sky.confidence > 0.3))
    opened = cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    kept = np.zeros_like(area)
    parts = components(opened, 0.01)
    for part in parts:
        if part.sum() > 0.15 * parts[0].sum():
            kept |= part
    kept = _under_waterline(_with_foam(look, filled(kept, 0.012)))
    return Found(kept, _confidence(look, sky, kept, likeness))


def _likeness(look: Look, sky: Sky) -> Values:
    """How far each pixel could be water, by colour, direction of its lines and height in the picture."""
    blue = hue_within(look, 180, 300, 20) * ramp(look.chroma, 3, 8)
    earthen = hue_within(look, 20, 110, 10) * ramp(look.chroma, 3, 7)
    grey = ramp(look.chroma, 12, 7) * (1.0 - 0.7 * earthen)
    teal = hue_within(look, 158, 200, 20) * ramp(look.chroma, 40, 20)
    lines = ramp(look.streaks, 0.5, 0.72)
    below = _below_the_sky(look, sky)
    if float((blue * lines * below > 0.4).mean()) > 0.04:
        grey *= 0.35  # where there is blue water, what is grey is a shore or a boat
    colour = np.max([blue, 0.8 * grey, 0.8 * teal, 0.8 * like_the_sky(look, sky)], axis=0)
    flat = ramp(look.texture, 12.0, 7.0)
    level = colour * (0.25 * blue + (1.0 - 0.25 * blue) * lines) * (0.4 + 0.6 * flat)
    return np.asarray(level * below, dtype=np.float32)


def _under_waterline(area: Area) -> Area:
    """The area without what rises from it, such as hulls and bushes at the shore, where its upper border is a line."""
    columns = np.flatnonzero(area.any(axis=0))
    if columns.size < 2:
        return area
    top = np.argmax(area[:, columns], axis=0)
    x, y = columns.astype(np.float32), top.astype(np.float32)
    dx, dy, x0, y0 = cv2.fitLine(np.stack([x, y], axis=1), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
    if abs(dx) < 3.0 * abs(dy):
        return area
    height = area.shape[0]
    line = y0 + (np.arange(area.shape[1]) - x0) * dy / dx
    on_it = np.abs(y - line[columns]) < 0.03 * height
    if on_it.mean() < 0.55:
        return area
    return np.asarray(area & (np.arange(height)[:, None] > line[None, :] - 0.02 * height))


def _with_foam(look: Look, area: Area) -> Area:
    """The area with the white caps that lie in it: pale and wider than high, as sails and hulls seldom are."""
    pale = (look.chroma < 14.0) & (look.lightness > 62.0)
    result = area.copy()
    for hole in components(~area, 0.0):
        rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
        if hole.mean() < 0.02 and columns.size > 2.0 * rows.size and float(pale[hole].mean()) > 0.8:
            result |= hole
    return result


def like_the_sky(look: Look, sky: Sky) -> Values:
    """Likeness of colour to the sky, which water mirrors."""
    if sky.confidence < 0.3:
        return np.zeros_like(look.lightness)
    bands = np.array_split(np.flatnonzero(sky.area.any(axis=1)), 6)
    nearest = np.full(look.lightness.shape, np.inf, dtype=np.float32)
    for band in bands:
        inside = sky.area[band]
        if inside.any():
            a, b = (float(np.median(part[band][inside])) for part in (look.red_green, look.yellow_blue))
            nearest = np.minimum(nearest, np.hypot(look.red_green - a, look.yellow_blue - b))
    return ramp(nearest, 16, 8)


def _below_the_sky(look: Look, sky: Sky) -> Values:
    """0 in the sky and above where it ends, 1 below; without a sky, doubtful near the top."""
    if sky.confidence < 0.3:
        return ramp(look.down(), 0.0, 0.3)
    result = np.ones_like(look.lightness)
    result[sky.area] = 0.0
    lowest = np.where(sky.area.any(axis=0), look.height - np.argmax(sky.area[::-1], axis=0), 0)
    horizon = float(np.percentile(lowest[lowest > 0], 30))
    result[: max(0, round(horizon) - 2)] = 0.0
    return result


def _over_superpixels(look: Look, values: Values) -> Values:
    """`values` averaged over small patches of one colour."""
    slic = cv2.ximgproc.createSuperpixelSLIC(
        cv2.cvtColor(look.picture, cv2.COLOR_RGB2LAB), cv2.ximgproc.SLICO, max(6, min(look.width, look.height) // 24)
    )
    slic.iterate(6)
    labels = slic.getLabels().ravel()
    total = np.bincount(labels, weights=values.ravel().astype(np.float64))
    mean = total / np.maximum(np.bincount(labels), 1)
    return np.asarray(mean[labels].reshape(values.shape), dtype=np.float32)


def _confidence(look: Look, sky: Sky, area: Area, likeness: Values) -> float:
    """How sure: blue and drawn in lines, or the mirror of a sky of the same colour; broad; with a level horizon."""
    if not area.any():
        return 0.0
    blue = float((hue_within(look, 170, 300, 15) * ramp(look.chroma, 3, 8))[area].mean())
    lines, rough = float(np.median(look.streaks[area])), float(np.median(look.texture[area]))
    bluish = grade(blue, 0.25, 0.4) * grade(lines, 0.6, 0.7) * grade(rough, 0.6, 1.2)
    one_piece = float(components(area, 0.0)[0].any(axis=0).mean())
    broad = grade(one_piece, 0.2, 0.45) if sky.confidence > 0.3 else grade(one_piece, 0.45, 0.65)
    broad *= grade(float(area.mean()), 0.015, 0.05)
    character = max(bluish, _mirror(look, sky, area) * grade(lines, 0.6, 0.68) * grade(rough, 0.9, 1.6))
    return math.sqrt(float(likeness[area].mean())) * character * broad * _level_horizon(sky, area)


def _mirror(look: Look, sky: Sky, area: Area) -> float:
    """How far the area has the sky's colours, and not much less light than it."""
    if sky.confidence < 0.3:
        return 0.0
    light = float(np.median(look.lightness[sky.area]) - np.median(look.lightness[area]))
    return float(np.median(like_the_sky(look, sky)[area])) * grade(light, 60.0, 50.0)


def _level_horizon(sky: Sky, area: Area) -> float:
    """1 unless the area meets the sky in anything but a straight line: hills in haze do not."""
    columns = np.flatnonzero(area.any(axis=0))
    top = np.argmax(area[:, columns], axis=0)
    above = np.maximum(top - 7, 0)
    meets = sky.area[above, columns] & (top > 7)
    if sky.confidence < 0.3 or meets.mean() < 0.3:
        return 1.0
    x, y = columns[meets].astype(np.float32), top[meets].astype(np.float32)
    dx, dy, x0, y0 = cv2.fitLine(np.stack([x, y], axis=1), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
    if abs(dy) > 0.12 * abs(dx):
        return 0.0
    away = np.abs((y - y0) - (x - x0) * dy / dx)
    return grade(float(np.percentile(away, 70)), 4.0, 2.0)
