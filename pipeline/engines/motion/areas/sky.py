"""The sky by day and by night, with its clouds and its stars."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.engines.motion.areas.look import Look, Values, components, cut_out, filled, grade, hue_within, ramp

Area = NDArray[np.bool_]


@dataclass(frozen=True)
class Sky:
    """The sky of a small picture: its area and how sure that is, 0 to 1."""

    area: Area
    confidence: float
    night: bool


def find_sky(look: Look) -> Sky:
    """Grow the sky from the top of the picture down to the first strong edges, as far as colours allow."""
    likeness = _likeness(look)
    likeness[_below_ridges(look)] = 0.0
    reached = _one_sky(look, _reached_from_top(look, likeness), likeness)
    if reached.mean() < 0.02:
        return Sky(reached, 0.0, night=False)
    rim = cv2.erode(reached.astype(np.uint8), np.ones((7, 7), np.uint8), borderValue=1) > 0
    never = (likeness < 0.05) | (look.down() > 0.97)
    area = cut_out(look, rim, reached, never & ~reached)
    area = _one_sky(look, _from_top(area & (likeness > 0.05)), likeness)
    area = filled(area, 0.004)
    if area.mean() < 0.02:
        return Sky(area, 0.0, night=False)
    return Sky(area, _confidence(look, area), night=float(np.median(look.lightness[area])) < 42.0)


def cloudiness(look: Look, sky: Sky) -> float:
    """Deviation of L* in the sky from a smooth gradient: 0 is a clear sky, small clouds begin at 1."""
    down, across = np.nonzero(sky.area)
    x, y = across / look.width, down / look.height
    terms = np.stack([np.ones_like(x), x, y, x * y, x**2, y**2], axis=1)
    calm = cv2.GaussianBlur(cv2.medianBlur(look.lightness, 5), (0, 0), 1.5)[sky.area]
    fit, *_ = np.linalg.lstsq(terms, calm.astype(np.float64), rcond=None)
    return float(np.std(calm - terms @ fit))


def _below_ridges(look: Look) -> Area:
    """What lies below a long edge at which the picture becomes darker than the sky above it is anywhere: land in haze.

    A blue gap below a cloud is darker than the cloud too, but no darker than the rest of the sky above.
    """
    blurred, blue = (cv2.GaussianBlur(part, (0, 0), 6.0, sigmaY=1.5) for part in (look.lightness, look.yellow_blue))
    step = max(3, look.height // 80)
    above, below = blurred[: -2 * step], blurred[2 * step :]
    darker = (below < np.minimum.accumulate(above, axis=0) - 2.5) & (below < above - 2.5)
    elsewhere = np.minimum.accumulate(np.percentile(above, 20, axis=1, keepdims=True), axis=0)
    bluer_or_dark = (blue[2 * step :] < blue[: -2 * step] - 1.0) | (above < 45.0)
    gap = bluer_or_dark & (below > elsewhere - 2.5)
    ridges = np.zeros(blurred.shape, dtype=bool)
    edge = np.pad(darker & ~gap, ((step, step), (0, 0)))
    edge[: look.height // 10] = False  # too little sky above to compare with
    for part in components(edge, 0.0005):
        if part.any(axis=0).mean() > 0.18:
            ridges |= part
    return np.asarray(np.logical_or.accumulate(ridges | _horizon(look), axis=0))


def _horizon(look: Look) -> Area:
    """A straight, nearly level line across the picture below which it is darker: the sea's, also under a low sun."""
    calm = cv2.GaussianBlur(look.lightness, (0, 0), 8.0, sigmaY=0.8)
    drop = np.zeros(calm.shape, dtype=bool)
    drop[2:-2] = calm[:-4] - calm[4:] > 2.5
    drop = cv2.dilate(drop.astype(np.uint8), np.ones((3, 1), np.uint8)) > 0
    rows, columns = np.mgrid[: look.height, : look.width]
    line = np.zeros(calm.shape, dtype=bool)
    for slope in np.linspace(-0.06, 0.06, 13):
        tilted = np.clip(rows + np.rint(slope * (columns - look.width / 2)).astype(int), 0, look.height - 1)
        full = np.take_along_axis(drop, tilted, axis=0).mean(axis=1) > 0.85
        full[: look.height // 10] = False
        line[tilted[full], columns[full]] = True
    return line


def _one_sky(look: Look, parts: Area, likeness: Values) -> Area:
    """The part that is most like a sky, and others of its colours, seen past a tree; another colour is a wall."""
    candidates = components(parts, 0.002)
    if not candidates:
        return np.zeros_like(parts)
    lab = np.dstack([look.lightness, look.red_green, look.yellow_blue])
    main = max(candidates, key=lambda part: float((likeness * (0.3 + look.lightness / 100.0))[part].sum()))
    middle = np.median(lab[main], axis=0)
    spread = np.percentile(np.linalg.norm(lab[main] - middle, axis=1), 90)
    result = main.copy()
    for part in candidates:
        if np.linalg.norm(np.median(lab[part], axis=0) - middle) < spread + 12.0:
            result |= part
    return result


def _likeness(look: Look) -> Values:
    """How far colour and smoothness of each pixel could be the sky's, 0 to 1."""
    blue = hue_within(look, 215, 305, 20) * ramp(look.chroma, 2, 6)
    pale = ramp(look.chroma, 16, 8) * ramp(look.lightness, 45, 65)
    dark = (
        ramp(look.lightness, 45, 30)
        * ramp(look.chroma, 30, 15)
        * (1.0 - hue_within(look, 60, 170, 10) * ramp(look.chroma, 5, 9))
    )
    warm = hue_within(look, 0, 85, 10) * ramp(look.lightness, 40, 60)
    dusk = hue_within(look, 300, 360, 10) * ramp(look.lightness, 15, 35)
    colour = np.max([blue, pale, dark, 0.6 * warm, 0.8 * dusk], axis=0)
    smooth = ramp(_lasting_texture(look), 9.0, 3.0)
    return np.asarray(colour * (0.25 + 0.75 * smooth), dtype=np.float32)


def _lasting_texture(look: Look) -> Values:
    """Texture without lone bright points: stars do not make a sky rough."""
    without = cv2.morphologyEx(look.lightness, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    without = cv2.medianBlur(without, 5)
    fine = without - cv2.GaussianBlur(without, (0, 0), 4.0)
    return np.asarray(np.sqrt(np.maximum(cv2.blur(fine**2, (9, 9)), 0)), dtype=np.float32)


def _reached_from_top(look: Look, likeness: Values) -> Area:
    """Pixels that a path from the top row reaches without crossing an edge stronger than the sky's own."""
    calm = cv2.medianBlur(look.picture, 5)
    lab = cv2.cvtColor(calm.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    gradient = sum(cv2.Scharr(lab, cv2.CV_32F, *step) ** 2 for step in ((1, 0), (0, 1)))
    edges = np.sqrt(np.asarray(gradient).sum(axis=2)) / 32.0
    open_ground = (edges < 4.0) & (likeness > 0.25)
    thin = cv2.morphologyEx(open_ground.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return _from_top(thin)


def _from_top(inside: Area) -> Area:
    """The connected parts that touch the first rows over a fair length, and large ones beside them."""
    result = np.zeros_like(inside)
    for part in components(inside, 0.002):
        if part[: max(2, inside.shape[0] // 50)].any(axis=0).mean() > 0.04:
            result |= part
    return result


def _confidence(look: Look, area: Area) -> float:
    """How sure it is that `area` is sky: colours, smoothness, brightness against the rest, hold on the top border."""
    top = float(area[: max(2, look.height // 50)].any(axis=0).mean())
    lightness, chroma = float(np.median(look.lightness[area])), float(np.median(look.chroma[area]))
    blue = float((hue_within(look, 215, 305, 15) * ramp(look.chroma, 3, 8))[area].mean())
    rest = ~area
    contrast = lightness - float(np.median(look.lightness[rest])) if rest.mean() > 0.03 else 0.0
    pale = grade(lightness, 60, 80) * grade(contrast, 5, 22) * grade(chroma, 14, 7)
    warm = _warm_glow(look, area) * grade(contrast, 0, 10) * grade(top, 0.5, 0.8)
    night = grade(lightness, 40, 25) * max(blue, _starriness(look, area))
    smooth = grade(float(np.median(_lasting_texture(look)[area])), 6.0, 3.0)
    return max(blue, pale, warm, night) * smooth * grade(top, 0.1, 0.3) * grade(float(area.mean()), 0.02, 0.06)


def _warm_glow(look: Look, area: Area) -> float:
    """Sunset and dawn: warm colours that change smoothly and grow much lighter towards the horizon."""
    rows = [float(np.median(look.lightness[row][area[row]])) for row in range(look.height) if area[row].sum() > 8]
    if len(rows) < 10:
        return 0.0
    hue_spread = float(np.std(look.yellow_blue[area]) + np.std(look.red_green[area]))
    third = len(rows) // 3
    brighter = float(np.mean(rows[-third:]) - np.mean(rows[:third]))
    return grade(brighter, 3, 12) * grade(hue_spread, 5, 14)


def _starriness(look: Look, area: Area) -> float:
    """Share in which a dark area looks strewn with stars: many small lone spots on calm ground."""
    calm = grade(float(np.median(_lasting_texture(look)[area])), 1.5, 0.8)
    small, all_of_them = _spots(look, area)
    return calm * min(1.0, small / 25.0) * grade(small / max(1, all_of_them), 0.6, 0.85)


def count_stars(look: Look, sky: Sky) -> int:
    """Number of points of light in a dark sky; a bright one has none."""
    return _spots(look, sky.area)[0] if sky.night else 0


def _spots(look: Look, area: Area) -> tuple[int, int]:
    """Number of small bright spots, and of all that stands out."""
    hat = cv2.morphologyEx(look.lightness, cv2.MORPH_TOPHAT, np.ones((7, 7), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(((hat > 8.0) & area).astype(np.uint8))
    size = np.maximum(stats[1:count, cv2.CC_STAT_WIDTH], stats[1:count, cv2.CC_STAT_HEIGHT])
    return int((size <= 7).sum()), count - 1
