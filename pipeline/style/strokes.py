"""Which way the lines of a picture run, and brushes that follow them."""

import math
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.optical_flow import Grey, sample

Plane = NDArray[np.float32]
"""Values over a picture, float32, shape (height, width)."""

Direction = NDArray[np.float32]
"""Unit vectors x, y along the lines of a picture, float32, shape (height, width, 2). Their sign is arbitrary."""

Tensor = NDArray[np.float32]
"""A structure tensor's difference and product, shape (height, width, 2): twice the angle across the lines."""

_Value = TypeVar("_Value", np.uint8, np.float32)

GAUSSIAN = 3
"""Deviations that `blurred` reaches to."""

SMEARED = 1.0
"""How far `smear` reaches, in its lengths: two averages of half of one each."""

_CALM_TENSOR = np.float32(60.0)
"""How much a given direction counts in the tensor: more than the noise of a flat surface, which has no direction."""

_SECTORS = 8
_SHARPNESS = 4.0
"""How much the calmest side is preferred: the exponent of Papari, Petkov and Campisi, "Artistic edge and corner
enhancing smoothing" (IEEE TIP 2007), chosen here by eye."""

_CALM = 8.0
"""Deviation in 8-bit levels below which all sides are equally calm: what is left there is noise."""

_DAB_BLUR = 0.6
"""Of each side of a dab, in its radius."""

_COARSER = 1.6
"""How many times wider the other Gaussian of a line is, as is usual (D. Marr and E. Hildreth, 1980)."""


def blurred(plane: Plane, deviation: float) -> Plane:
    """A plane or picture after a Gaussian filter."""
    side = 2 * math.ceil(GAUSSIAN * deviation) + 1
    return np.asarray(cv2.GaussianBlur(plane, (side, side), deviation, borderType=cv2.BORDER_REFLECT), np.float32)


def structure_tensor(grey: Grey | Plane, blur: float) -> Tensor:
    """The structure tensor of a picture, blurred by `blur` pixels.

    J. Kyprianidis and J. Doellner, "Image abstraction by structure adaptive filtering" (2008).
    """
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    parts = cv2.merge((across * across - down * down, 2 * across * down))
    return blurred(np.asarray(parts, np.float32), blur)


def along(tensor: Tensor, calm: NDArray[np.float32] | None = None) -> Direction:
    """The direction along the lines. Where there are none they run as `calm` says, or to the right.

    `calm` is a tensor of length about 1, of the same shape.
    """
    double = tensor + _CALM_TENSOR * (np.array([-1, 0], np.float32) if calm is None else calm)
    angle = cv2.phase(double[..., 0], double[..., 1]) / 2 + np.float32(np.pi / 2)
    return np.asarray(cv2.merge((np.cos(angle), np.sin(angle))), np.float32)


def smear(picture: NDArray[_Value], direction: Direction, length: float) -> Plane:
    """A picture or plane averaged along the lines, over about `length` pixels to either side.

    Line integral convolution (B. Cabral and L. Leedom, SIGGRAPH 1993). Two averages over short straight lines follow a
    curve as one over a long bent line does, in a fraction of the time.
    """
    first = _drawn(picture, direction, length)
    return _drawn(np.asarray(rounded(first) if picture.dtype == np.uint8 else first, picture.dtype), direction, length)


def _drawn(picture: NDArray[_Value], direction: Direction, length: float) -> Plane:
    """The mean of seven places along a straight line, over half of `length` pixels to either side."""
    total, away = picture.astype(np.float32), np.empty_like(direction)
    for step in (-3, -2, -1, 1, 2, 3):
        np.multiply(direction, np.float32(step * length / 6), out=away)
        cv2.accumulate(sample(picture, away, cv2.INTER_LINEAR | cv2.WARP_RELATIVE_MAP, cv2.BORDER_REFLECT), total)
    total /= np.float32(7)
    return total


def dabs(frame: Frame, radius: float) -> Frame:
    """The picture in flat dabs of paint of `radius` pixels with sharp edges between them.

    The generalised Kuwahara filter of Papari et al. with Gaussian sectors: each pixel takes the mean of the sides
    around it, the calmest of them most.
    """
    blur = _dab_blur(radius)
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    middle = blurred(grey, blur)
    spread = np.maximum(blurred(grey * grey, blur) - middle * middle, 0)
    weight = cv2.pow(1 + spread / np.float32(_CALM**2), -_SHARPNESS / 2)
    mean = cv2.GaussianBlur(frame, (0, 0), blur).astype(np.float32)  # of 8 bits: to 3 deviations
    mean *= weight[..., None]
    sides = np.asarray(cv2.merge((*cv2.split(mean), weight)), np.float32)
    total = np.zeros_like(sides)
    for sector in range(_SECTORS):
        angle = 2 * np.pi * sector / _SECTORS
        total += shifted(sides, radius * float(np.cos(angle)), radius * float(np.sin(angle)))
    return rounded(total[..., :3] / total[..., 3:])


def rounded(picture: Plane) -> Frame:
    """A picture in whole levels, from 0 to 255. The plane given is changed."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(picture, 0, out=picture)), np.uint8)


def dabs_reach(radius: float) -> float:
    """How far in pixels a pixel of `dabs` depends on those around it."""
    return radius + GAUSSIAN * _dab_blur(radius) + 2


def _dab_blur(radius: float) -> float:
    return max(_DAB_BLUR * radius, 0.5)


def shifted(picture: Plane, right: float, down: float) -> Plane:
    """The picture as seen that many pixels further on, to fractions of one."""
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = picture.shape[1], picture.shape[0]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def lines(grey: Plane, width: float, sharpness: float) -> Plane:
    """Lines as a pen draws them: 1 on paper, 0 in a line, `width` pixels wide.

    The extended difference of Gaussians with a soft threshold (H. Winnemoeller, J. Kyprianidis and S. Olsen, "XDoG",
    Computers & Graphics 2012). `grey` has 8-bit levels, `sharpness` is the slope of the threshold.
    """
    fine, coarse = (blurred(grey, sigma) for sigma in (width, _COARSER * width))
    edge = (fine - np.float32(0.98) * coarse) / np.float32(255.0)
    return np.asarray(1.0 + np.tanh(np.float32(sharpness) * np.minimum(edge, 0)), np.float32)


def lines_reach(width: float) -> float:
    """How far in pixels a pixel of `lines` depends on those around it."""
    return GAUSSIAN * _COARSER * width + 2
