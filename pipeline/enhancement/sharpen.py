"""Mild sharpening of the luma: an unsharp mask that leaves grain alone and makes no halos."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.rows import cut

RADIUS = 1.0
"""Standard deviation of the blur in pixels: finer than this is detail."""

GAIN = 1.2
"""How many times a detail is added to itself at full strength."""

GRAIN = 4.0
"""Levels at which a detail counts half: grain and banding are weaker, textures and edges stronger."""

HALO = 5.0
"""Levels by which a pixel may leave the range of its neighbours at full strength, so that edges get no bright rim."""

_ROWS, _REACH = 128, 3 * RADIUS + 1
"""Rows at a time, for the sake of memory, and how far they look: OpenCV's filter of 8 bits goes to 3 deviations."""


def sharpened(frame: Frame, amount: float) -> Frame:
    """The frame with its details strengthened; `amount` is from 0 (the frame itself) to 1.

    The same is added to all three channels, so hues stay. Safe to call from several threads at once.
    """
    if amount == 0.0:
        return frame
    made = np.empty_like(frame)
    for rows in cut(len(frame), _ROWS, _REACH):
        made[rows.own] = _sharpened(frame[rows.needed], amount)[rows.inner]
    return made


def _sharpened(frame: Frame, amount: float) -> Frame:
    luma = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
    detail = cv2.subtract(luma, cv2.GaussianBlur(luma, (0, 0), RADIUS), dtype=cv2.CV_8S)
    boost = cv2.LUT(np.asarray(detail).view(np.uint8), _boost(amount).view(np.uint8)).view(np.int8)
    boosted = cv2.add(luma, boost, dtype=cv2.CV_8U)
    cross = np.ones((3, 3), np.uint8)
    margin = np.full_like(luma, round(HALO * amount))
    ceiling, floor = cv2.add(cv2.dilate(luma, cross), margin), cv2.subtract(cv2.erode(luma, cross), margin)
    wanted = cv2.min(cv2.max(boosted, floor), ceiling)
    brighter, darker = (cv2.merge((part,) * 3) for part in (cv2.subtract(wanted, luma), cv2.subtract(luma, wanted)))
    return np.asarray(cv2.subtract(cv2.add(frame, brighter), darker), np.uint8)


def _boost(amount: float) -> NDArray[np.int8]:
    """What is added for each strength of a detail, in the order of their bytes: 0 to 127, then -128 to -1."""
    detail = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.float64)
    cored = detail**3 / (detail**2 + GRAIN**2)
    return np.asarray(np.clip(np.rint(GAIN * amount * cored), -128, 127), np.int8)
