"""Trees, bushes and grass."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.engines.motion.areas.look import Look, Values, components, filled, grade, hue_within, ramp
from pipeline.engines.motion.areas.sky import Sky
from pipeline.engines.motion.areas.water import Found, like_the_sky

Area = NDArray[np.bool_]


def find_leaves(look: Look, sky: Sky) -> Found:
    """Find the crowns of trees and bushes: green or autumn colours in small pieces of light and shade."""
    likeness = np.maximum(_green(look) * ramp(look.speckle, 0.006, 0.014), _autumn(look))
    lawn = ramp(look.texture, 5.0, 3.0) * ramp(look.down(), 0.4, 0.6)
    found = _find(look, sky, likeness * (1.0 - lawn) * _of_one_colour(look))
    return Found(found.area, found.confidence * _outdoors(look, sky, found.area))


def find_crowns(look: Look, sky: Sky) -> Found:
    """Find what leaves can fall from: foliage in the upper two thirds of the picture."""
    found = find_leaves(look, sky)
    high = found.area & (look.down() < 0.66)
    return Found(high, found.confidence if high.mean() > 0.008 else 0.0)


def find_grass(look: Look, sky: Sky) -> Found:
    """Find grass: green or straw, finely textured, in the lower part of the picture or all over it."""
    straw = hue_within(look, 80, 115, 10) * ramp(look.chroma, 8, 14) * ramp(look.speckle, 0.01, 0.018)
    ground = ramp(look.down(), 0.25, 0.4)
    if float((straw + _green(look))[: look.height // 3].mean()) > 0.5:
        ground = np.ones_like(ground)
    return _find(
        look, sky, np.maximum(_green(look) * ramp(look.texture, 0.8, 2.0), straw) * ground * _of_one_colour(look)
    )


def _find(look: Look, sky: Sky, likeness: Values) -> Found:
    """Join what is alike over gaps the size of a branch, and take in a narrow rim: silhouettes are to sway too."""
    shines_through = like_the_sky(look, sky) * ramp(look.lightness, 25, 35) * ramp(likeness, 0.4, 0.1)
    spread = cv2.blur(likeness, (9, 9)) / np.maximum(0.35, cv2.blur(1.0 - shines_through, (9, 9)))
    area = np.zeros(likeness.shape, dtype=bool)
    for part in components(spread > 0.4, 0.008):
        area |= part
    area = filled(area, 0.003)
    if not area.any():
        return Found(area, 0.0)
    sure = float(spread[area].mean()) ** 0.5 * grade(float(area.mean()), 0.008, 0.03)
    return Found(cv2.dilate(area.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0, sure)


def _outdoors(look: Look, sky: Sky, area: Area) -> float:
    """1 where green or the sky says that this is out of doors; brown pieces alone may be fur, wool or wood."""
    green = _green(look) * ramp(look.speckle, 0.006, 0.014) > 0.4
    if not area.any() or float(green[area].mean()) > 0.15:
        return 1.0
    return max(float(sky.confidence > 0.5), min(1.0, float(green.mean()) / 0.03))


def _of_one_colour(look: Look) -> Values:
    """1 where neighbours share a hue, 0 in coloured noise: the mean colour keeps its strength."""
    a, b, chroma = (cv2.blur(part, (9, 9)) for part in (look.red_green, look.yellow_blue, look.chroma))
    return ramp(np.asarray(np.hypot(a, b) / (chroma + 1.0), dtype=np.float32), 0.4, 0.6)


def _green(look: Look) -> Values:
    return hue_within(look, 100, 165, 10) * ramp(look.chroma, 5, 12)


def _autumn(look: Look) -> Values:
    """Yellow, orange, red and brown leaves: many small pieces with strong light and shade, in no direction."""
    colour = hue_within(look, 5, 100, 10) * ramp(look.chroma, 5, 11)
    pieces = ramp(look.speckle, 0.014, 0.024) * ramp(look.texture, 4.5, 7.5)
    return colour * pieces * ramp(np.abs(look.streaks - np.float32(0.5)), 0.35, 0.22)
