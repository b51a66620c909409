"""Whether a video shows the world, or lines and figures that were drawn for a model to follow."""

from collections.abc import Sequence

import numpy as np

from pipeline.frames import Frame

BLACK, DRAWN = 24, 96
"""Levels of the brightest channel up to which a pixel is background, and from which it is drawn. Compression and smooth
edges leave some in between."""

BACKGROUND, CLEAR = 0.7, 0.5
"""Share of background in every frame of a map, and of drawn pixels among the others of all of them."""

LEAST = 5e-4
"""Share of the frames that is drawn at the least: black frames are no map."""


def is_rendered(frames: Sequence[Frame]) -> bool:
    """Whether all frames are lines or figures on black, as poses and edges are drawn. Depth maps are not."""
    brightest = [frame.max(axis=2) for frame in frames]
    background = [float((each <= BLACK).mean()) for each in brightest]
    drawn = float(np.mean([(each >= DRAWN).mean() for each in brightest])) if frames else 0.0
    if drawn < LEAST or min(background) < BACKGROUND:
        return False
    return drawn >= CLEAR * (1.0 - float(np.mean(background)))
