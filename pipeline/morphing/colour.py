"""How the colours of two pictures of one scene differ, smoothly from place to place, to be led over on the way."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.optical_flow import Flow, pixel_places, sample

Field = NDArray[np.float32]
"""Difference of colours in 8-bit levels, second picture less first, shape (height, width, 3)."""

FIELD_SIDE = 96
"""The longer side of a field in cells: what changes more quickly over a picture is its content, not its light."""


def colour_field(
    picture0: Frame, picture1: Frame, forward: Flow | None, weight: NDArray[np.float32], blur: float
) -> Field:
    """The difference of colours through the plane of two pictures, blurred to `blur` of its longer side.

    Where `weight` is 0 (nothing is known) the field goes on from around.
    """
    height, width = weight.shape
    if forward is not None:
        picture1 = sample(picture1, pixel_places(range(height), width) + forward)
    difference = picture1.astype(np.float32) - picture0
    scale = FIELD_SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    weighted = cv2.resize(difference * weight[..., None], size, interpolation=cv2.INTER_AREA)
    weights = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    return _blurred(np.asarray(weighted, np.float32), np.asarray(weights, np.float32), blur * max(size))


def _blurred(weighted: Field, weights: NDArray[np.float32], sigma: float) -> Field:
    """Normalised convolution, ever wider where too little is known."""
    mean = weighted.sum(axis=(0, 1)) / max(float(weights.sum()), 1e-6)
    field = np.broadcast_to(mean, weighted.shape).astype(np.float32)
    for widening in (8.0, 4.0, 2.0, 1.0):
        total = cv2.GaussianBlur(weighted, (0, 0), sigma * widening, borderType=cv2.BORDER_REPLICATE)
        known = cv2.GaussianBlur(weights, (0, 0), sigma * widening, borderType=cv2.BORDER_REPLICATE)[..., None]
        field = np.asarray((total + 0.1 * field) / (known + 0.1), np.float32)
    return field
