"""Flames."""

import cv2
import numpy as np

from pipeline.engines.motion.areas.look import Look, components, filled, grade, hue_within, ramp
from pipeline.engines.motion.areas.sky import Sky
from pipeline.engines.motion.areas.water import Found


def find_fire(look: Look, _: Sky) -> Found:
    """Find flames: a core from yellow to white in an orange hem, dark around, and restless within."""
    hem = hue_within(look, 30, 95, 10) * ramp(look.chroma, 35, 55) * ramp(look.lightness, 30, 45)
    core = ramp(look.lightness, 78, 88) * hue_within(look, 50, 115, 10) * ramp(look.chroma, 8, 16)
    near_core = cv2.dilate(core, np.ones((9, 9), np.uint8))
    near_hem = cv2.dilate(hem, np.ones((9, 9), np.uint8))
    flame = np.maximum(hem * np.maximum(0.4, near_core), core * near_hem) > 0.35
    flame = cv2.morphologyEx(flame.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
    area = np.zeros_like(flame)
    for part in components(flame, 0.002):
        ring = (cv2.dilate(part.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0) & ~flame
        bright_core = float((core[part] > 0.5).mean())
        dark_around = float(np.median(look.lightness[ring])) if ring.any() else 100.0
        restless = float(np.std(look.lightness[part]))
        if bright_core > 0.04 and dark_around < 38.0 and restless > 9.0:
            area |= part
    area = filled(area, 0.002)
    around = cv2.dilate(area.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return Found(around, 0.75 * grade(float(area.mean()), 0.002, 0.008))
