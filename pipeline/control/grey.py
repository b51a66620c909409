"""Frames without their colours."""

from collections.abc import Sequence

import numpy as np

from pipeline.frames import Frame
from pipeline.optical_flow import luma


def grey_clip(frames: Sequence[Frame]) -> list[Frame]:
    """The luma of each frame, as a frame: what is where, and how light, is kept to the pixel."""
    return [np.repeat(luma(frame)[..., None], 3, axis=2) for frame in frames]
