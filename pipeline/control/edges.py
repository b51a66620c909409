"""The edges of a picture, which a ControlNet holds while it is painted over."""

import cv2
import numpy as np

from pipeline.frames import Frame
from pipeline.optical_flow import luma

EDGE_SHARE = 0.1
"""Share of the pixels, those with the steepest gradients, from which edges are followed."""

FOLLOWED = 0.4
"""Steepness down to which an edge is followed, in that of its beginning."""

FLATTEST = 40.0
"""No edge begins where the gradient (L2 norm of Sobel's, 3 x 3, of 8-bit luma) is smaller: there it is noise."""


def canny(picture: Frame) -> Frame:
    """White edges on black, a frame of the picture's size: Canny (PAMI 1986) on its slightly smoothed luma.

    The thresholds follow the picture's own gradients, so that a hazy or dark one has its edges as well.
    """
    grey = cv2.GaussianBlur(luma(picture), (0, 0), 1.0)
    across, down = (cv2.Sobel(grey, cv2.CV_16S, *order, ksize=3) for order in ((1, 0), (0, 1)))
    steepness = np.hypot(across.astype(np.float32), down.astype(np.float32))
    begin = max(float(np.quantile(steepness, 1.0 - EDGE_SHARE)), FLATTEST)
    edges = cv2.Canny(across, down, FOLLOWED * begin, begin, L2gradient=True)
    return np.repeat(edges[..., None], 3, axis=2).astype(np.uint8)
