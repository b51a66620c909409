"""Which way the lines of a picture run, and brushes that follow them."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.optical_flow import pixel_places, sample

Plane = NDArray[np.float32]
"""Values over a picture, float32, shape (height, width)."""

_CALM_TENSOR = np.float32(60.0)
"""How much a given direction counts in the tensor: more than the noise of a flat surface, which has no direction."""

_SECTORS = 8
_SHARPNESS = 4.0
"""How much the calmest side is preferred: the exponent of Papari, Petkov and Campisi, "Artistic edge and corner
enhancing smoothing" (IEEE TIP 2007), chosen here by eye."""

_CALM = 8.0
"""Deviation in 8-bit levels below which all sides are equally calm: what is left there is noise."""


@dataclass(frozen=True)
class Grain:
    """The direction along the lines of a picture, from its structure tensor blurred by `blur` pixels.

    Where there are no lines they run as `calm` says, shape (height, width, 2), or to the right. J. Kyprianidis and J.
    Doellner, "Image abstraction by structure adaptive filtering" (2008).
    """

    grey: Plane
    blur: float
    calm: Plane | None = None

    @cached_property
    def direction(self) -> NDArray[np.float32]:
        """Unit vectors x, y along the lines, shape (height, width, 2); their sign is arbitrary but steady."""
        across, down = (cv2.Sobel(self.grey, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
        parts = cv2.merge((across * across - down * down, 2 * across * down))
        double = cv2.GaussianBlur(parts, (0, 0), self.blur, borderType=cv2.BORDER_REFLECT)
        calm = np.array([-1, 0], np.float32) if self.calm is None else self.calm
        double = np.asarray(double + _CALM_TENSOR * calm, np.float32)
        # The tensor tells twice the angle across the lines.
        angle = cv2.phase(double[..., 0], double[..., 1]) / 2 + np.float32(np.pi / 2)
        return np.asarray(cv2.merge((np.cos(angle), np.sin(angle))), np.float32)

    def smear(self, picture: Plane, length: float) -> Plane:
        """A picture or plane averaged along the lines, over about `length` pixels to either side.

        Line integral convolution (B. Cabral and L. Leedom, SIGGRAPH 1993). Two averages over short straight lines
        follow a curve as one over a long bent line does, in a fraction of the time.
        """
        places = pixel_places(range(picture.shape[0]), picture.shape[1])
        for _ in range(2):
            total = picture.astype(np.float32)
            for step in (-3, -2, -1, 1, 2, 3):
                reach = np.float32(step * length / 6)
                total += sample(picture, places + reach * self.direction, cv2.INTER_LINEAR, cv2.BORDER_REFLECT)
            picture = total / np.float32(7)
        return picture


def dabs(frame: Frame, radius: float) -> Frame:
    """The picture in flat dabs of paint of `radius` pixels with sharp edges between them.

    The generalised Kuwahara filter of Papari et al. with Gaussian sectors: each pixel takes the mean of the sides
    around it, the calmest of them most.
    """
    blur = max(0.6 * radius, 0.5)
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    mean = cv2.GaussianBlur(frame, (0, 0), blur).astype(np.float32)
    middle = cv2.GaussianBlur(grey, (0, 0), blur)
    spread = np.maximum(cv2.GaussianBlur(grey * grey, (0, 0), blur) - middle * middle, 0)
    weight = np.asarray((1 + spread / np.float32(_CALM**2)) ** np.float32(-_SHARPNESS / 2), np.float32)
    sides = np.dstack([mean * weight[..., None], weight])
    total = np.zeros_like(sides)
    for sector in range(_SECTORS):
        angle = 2 * np.pi * sector / _SECTORS
        total += shifted(sides, radius * float(np.cos(angle)), radius * float(np.sin(angle)))
    return np.asarray(np.clip(np.rint(total[..., :3] / total[..., 3:]), 0, 255), np.uint8)


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
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (width, 1.6 * width))
    edge = (fine - np.float32(0.98) * coarse) / np.float32(255.0)
    return np.asarray(np.where(edge >= 0, 1.0, 1.0 + np.tanh(np.float32(sharpness) * edge)), np.float32)
