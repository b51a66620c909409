"""The tone of a painted frame, led back to that of the morph, so that the passage does not pump."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame

CONTRAST = 1.25
"""The most that contrast is raised or lowered: what was painted anew may well have another one."""

_Lab = NDArray[np.float32]


def match_tone(painted: Frame, morph: Frame) -> Frame:
    """The painted frame with the mean of the morph in each channel of CIE L*a*b*, and nearly its spread.

    After Reinhard et al., "Color transfer between images" (2001), within bounds. Both frames have the same size.
    """
    lab, wanted = _to_lab(painted), _to_lab(morph)
    mean, spread = lab.mean(axis=(0, 1)), lab.std(axis=(0, 1))
    gain = np.clip(wanted.std(axis=(0, 1)) / np.maximum(spread, 1e-3), 1.0 / CONTRAST, CONTRAST)
    matched = (lab - mean) * gain + wanted.mean(axis=(0, 1))
    rgb = cv2.cvtColor(matched.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.rint(np.clip(rgb, 0.0, 1.0) * 255.0), np.uint8)


def _to_lab(frame: Frame) -> _Lab:
    unit = frame.astype(np.float32) / np.float32(255.0)
    return np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2LAB), np.float32)
