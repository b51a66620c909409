"""OKLab, a space in which equal steps look equal and lightness, red-green and blue-yellow vary apart from each other.

B. Ottosson, "A perceptual color space for image processing" (2020); its two matrices are those published there.
"""

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.float64]
"""Colours, shape (..., 3): as sRGB from 0 to 1, as OKLab lightness from 0 to 1, a and b within about 0.4 of 0."""

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def to_oklab(srgb: Colours) -> Colours:
    """From sRGB, 0 to 1."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0.04045) + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T, np.float64)


def to_srgb(lab: Colours) -> Colours:
    """To sRGB; what lies outside of it is cut to 0 to 1."""
    linear = (lab @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_CONES).T
    curved = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.asarray(np.clip(np.where(linear <= 0.0031308, 12.92 * linear, curved), 0.0, 1.0), np.float64)
