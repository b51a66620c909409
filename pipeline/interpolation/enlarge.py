"""A frame in another size."""

import numpy as np
from PIL import Image

from pipeline.frames import Frame


def enlarge(frame: Frame, width: int, height: int) -> Frame:
    """The whole picture in `width` x `height` pixels; the frame itself where it has that size already.

    Lanczos with three lobes, whose support grows where the picture shrinks, so nothing aliases. What overshoots at hard
    edges is cut off at black and white.
    """
    if frame.shape[:2] == (height, width):
        return frame
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.LANCZOS))
