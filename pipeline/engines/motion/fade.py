"""Fades from and to a colour."""

import cv2
import numpy as np

from pipeline.frames import Frame
from pipeline.motion_plan import MotionPlan


def fade_level(plan: MotionPlan, index: int, count: int) -> float:
    """How much of the fade colour covers frame `index` of `count`: 0 is all picture, 1 all colour.

    The first frame of a fade-in and the last of a fade-out are all colour; fades that overlap multiply. In a loop the
    fade-out ends in the frame after the last one, which is the first, and a fade at one end only is taken for both
    (see `fade_advice`).
    """
    fade_in, fade_out = plan.fade_in, plan.fade_out
    if plan.loop:
        fade_in, fade_out = fade_in or fade_out, fade_out or fade_in
    time = index / max(count if plan.loop else count - 1, 1)
    risen = _smooth(time / fade_in) if fade_in else 1.0
    fallen = _smooth((1 - time) / fade_out) if fade_out else 1.0
    return 1 - risen * fallen


def fade_advice(plan: MotionPlan) -> str | None:
    """A sentence for the user where the fades are not quite those of the plan."""
    if plan.loop and bool(plan.fade_in) != bool(plan.fade_out):
        return "A loop that fades at one end only would jump at its join, so both ends fade."
    return None


def fade_to(frame: Frame, colour: str, level: float) -> Frame:
    """The frame under `level` (0 to 1) of a colour, #RRGGBB. At level 0 it is the frame itself, else a new one."""
    if level <= 0:
        return frame
    channels = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8)
    levels = np.arange(256)[:, None] * (1 - level) + channels * level
    return np.asarray(cv2.LUT(frame, np.rint(levels).astype(np.uint8)[None]), np.uint8)


def _smooth(part: float) -> float:
    """Smoothstep: 0 to 1 without a corner at either end."""
    part = min(max(part, 0.0), 1.0)
    return part * part * (3 - 2 * part)
