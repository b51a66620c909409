"""Measures of pictures: plain functions, each of one thing. docs/quality.md says what they mean to people."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.optical_flow import Flow, Grey, luma, pixel_places, sample

BEST_PSNR = 99.0
"""dB, in place of infinity for pictures that are equal."""

SMALL = 256
"""Pictures are made smaller by a whole factor that brings them nearest to the area of 256 x 256 pixels. That is the
scale at which the authors of SSIM advise to use it, and what moves can still be seen."""

POINTS = 96
"""Points across and down at which every frame is looked at."""

_BLOCK = 16
"""Side in pixels, in the small picture, of the blocks whose brightness is followed."""

_SOBEL_GAIN = 8
"""What Sobel's operator of 3 x 3 makes of a ramp that rises by one level a pixel."""

_LEAST_DETAIL = 0.1
"""Gradient, in levels per pixel, that counts as none: keeps the sharpness of plain pictures a number."""


def shrink_factor(width: int, height: int) -> int:
    """The whole number that a picture of this size is divided by."""
    return max(1, round(math.sqrt(width * height) / SMALL))


def shrink(grey: Grey, factor: int) -> Grey:
    """The picture made smaller by averaging; rows and columns that are over are left out."""
    height, width = (max(side // factor, 1) for side in grey.shape)
    whole = grey[: height * factor, : width * factor]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def points(frame: Frame) -> NDArray[np.uint8]:
    """Pixels of a frame on an even grid of at most 2 * POINTS a side, shape (rows, columns, 3)."""
    steps = [max(1, side // POINTS) for side in frame.shape[:2]]
    return np.ascontiguousarray(frame[steps[0] // 2 :: steps[0], steps[1] // 2 :: steps[1]])


def psnr(frame: Frame, reference: Frame) -> float:
    """Peak signal-to-noise ratio of RGB in dB, 10 log10(255^2 / MSE), at most BEST_PSNR."""
    return min(float(cv2.PSNR(frame, reference)), BEST_PSNR)


def ssim(first: Grey, second: Grey) -> float:
    """Structural similarity of two lumas, 1 for equal ones.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Transactions on Image
    Processing 13 (4), 2004: Gaussian window of 11 x 11 with sigma 1.5, K1 = 0.01, K2 = 0.03; the mean over the windows
    that lie wholly inside, or over all where the picture is smaller than one.
    """
    x, y = first.astype(np.float32), second.astype(np.float32)
    mean_x, mean_y = _windowed(x), _windowed(y)
    var_x, var_y = _windowed(x * x) - mean_x**2, _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similar = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similar /= (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    inside = similar[5:-5, 5:-5]
    return float((inside if inside.size else similar).mean(dtype=np.float64))


def _windowed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float32)


def detail(frame: Frame) -> float:
    """Root mean square gradient of luma, in 8-bit levels per pixel: the finer the picture, the larger.

    The focus measure of Tenenbaum with Sobel's operator (Krotkov, "Focusing", International Journal of Computer Vision
    1, 1987). Noise and rounding hardly move it, while they swamp a Laplacian.
    """
    grey = luma(frame)
    across, down = (cv2.norm(cv2.Sobel(grey, cv2.CV_16S, dx, dy)) for dx, dy in ((1, 0), (0, 1)))
    return math.hypot(across, down) / _SOBEL_GAIN / math.sqrt(grey.size)


def relative_sharpness(detail_now: float, detail_before: float) -> float:
    """How sharp a picture is beside another, from the detail of both: 1 is as sharp.

    On photos a Gaussian blur of sigma 0.5, 1 and 2 pixels leaves about 0.89, 0.68 and 0.48.
    """
    return (detail_now + _LEAST_DETAIL) / (detail_before + _LEAST_DETAIL)


def mean_lab(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The mean colour of sRGB pixels, shape (..., 3), in CIELAB under D65: L from 0 to 100, a, b."""
    row = (pixels.reshape(1, -1, 3) / np.float32(255)).astype(np.float32)
    return np.asarray(cv2.cvtColor(row, cv2.COLOR_RGB2Lab).reshape(-1, 3).mean(axis=0, dtype=np.float64))


def delta_e(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The distance of two colours in CIELAB (CIE 1976); 2.3 can just be noticed (Mahy et al., 1994)."""
    return float(np.linalg.norm(first - second))


def local_flicker(before: Grey, now: Grey, after: Grey, flow: Flow) -> float:
    """How far the brightness of places in a picture stands apart from what it was and will be, in 8-bit levels.

    Each place is followed along `flow`, from `now` to `after`, and back along the same motion; what is left are changes
    of light that no steady motion explains. Mean over blocks of 16 x 16 pixels, so that noise averages out. Frames that
    are brighter and darker in turn by a level in all have a flicker of one level.
    """
    height, width = now.shape
    places = pixel_places(range(height), width)
    everywhere = np.ones(now.shape, np.float32)
    apart, seen = now.astype(np.float32), everywhere.copy()
    for picture, at in ((before, places - flow), (after, places + flow)):
        apart -= np.float32(0.5) * sample(picture.astype(np.float32), at)
        seen *= sample(everywhere, at, border=cv2.BORDER_CONSTANT)
    blocks = max(1, width // _BLOCK), max(1, height // _BLOCK)
    summed, weights = (cv2.resize(v, blocks, interpolation=cv2.INTER_AREA) for v in (apart * seen, seen))
    known = weights > 0.5
    return float(np.abs(summed[known] / weights[known]).mean()) if known.any() else 0.0
