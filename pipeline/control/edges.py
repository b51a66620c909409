"""The edges of a picture, which a control network holds while it paints, or of all frames of a clip alike."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.optical_flow import luma

EDGE_SHARE = 0.1
"""Share of the pixels, those with the steepest gradients, from which edges are followed."""

FOLLOWED = 0.4
"""Steepness down to which an edge is followed, in that of its beginning."""

FLATTEST = 40.0
"""No edge begins where the gradient (L2 norm of Sobel's, 3 x 3, of 8-bit luma) is smaller: there it is noise."""

CLIP_FOLLOWED = 0.3
"""The same in a clip: outlines that come and go are worse there than a few too many."""

LOOKED_AT = 16
"""Frames of a clip, spread over it, whose gradients decide where edges begin in all of them."""

_Plane = NDArray[np.int16]


def canny(picture: Frame) -> Frame:
    """White edges on black, a frame of the picture's size: Canny (PAMI 1986) on its slightly smoothed luma.

    The thresholds follow the picture's own gradients, so that a hazy or dark one has its edges as well.
    """
    across, down = _gradients(luma(picture))
    begin = _beginning(_steepness(across, down))
    return _followed(across, down, FOLLOWED * begin, begin)


def canny_clip(frames: Sequence[Frame]) -> list[Frame]:
    """The same for the frames of one clip, with the thresholds of the clip: what is an edge once stays one.

    Each place counts with the channel that is steepest there, so that colours of one brightness part as well.
    """
    step = -(-len(frames) // LOOKED_AT)
    looked_at = [_steepness(*_steepest(frame))[::2, ::2] for frame in frames[::step]]
    begin = _beginning(np.stack(looked_at))
    return [_followed(*_steepest(frame), CLIP_FOLLOWED * begin, begin) for frame in frames]


def _gradients(plane: NDArray[np.uint8]) -> tuple[_Plane, _Plane]:
    """Sobel's derivatives, across and down, of a slightly smoothed plane, or of each channel of a picture."""
    smooth = cv2.GaussianBlur(plane, (0, 0), 1.0)
    across, down = (np.asarray(cv2.Sobel(smooth, cv2.CV_16S, dx, 1 - dx, ksize=3), np.int16) for dx in (1, 0))
    return across, down


def _steepest(frame: Frame) -> tuple[_Plane, _Plane]:
    """The derivatives of the channel that is steepest at each place."""
    across, down = _gradients(frame)
    channel = _steepness(across, down).argmax(axis=2)[..., None]
    chosen = (np.take_along_axis(each, channel, axis=2)[..., 0] for each in (across, down))
    first, second = (np.ascontiguousarray(each) for each in chosen)
    return first, second


def _steepness(across: _Plane, down: _Plane) -> NDArray[np.float32]:
    return np.hypot(across.astype(np.float32), down.astype(np.float32))


def _beginning(steepness: NDArray[np.float32]) -> float:
    return max(float(np.quantile(steepness, 1.0 - EDGE_SHARE)), FLATTEST)


def _followed(across: _Plane, down: _Plane, least: float, begin: float) -> Frame:
    edges = cv2.Canny(across, down, least, begin, L2gradient=True)
    return np.repeat(edges[..., None], 3, axis=2).astype(np.uint8)
