"""Renders the views of a camera path from a picture: sub-pixel exact and without aliasing.

OpenCV's cubic and Lanczos warps round positions to 1/32 px and cost 30 and 120 ms a 1080p frame; its bilinear warp
(since 5.0) is exact and costs 12 ms, but is soft on its own. So a frame is a bilinear warp of a plate that was refined
to at least twice its density by cubic interpolation: exact, sharper than a cubic warp, and cheaper.

The plate has the density that suits the tightest views. Where a view is so wide that it would skip plate pixels, it is
mixed with the same view of a low-passed plate, in a share that changes smoothly with the magnification: nothing
shimmers and nothing pops.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.engines.motion.camera import CameraPath, Points, View
from pipeline.frames import Frame, Mask

SLACK = 1.12
"""Plate pixels per video pixel, either way, that count neither as aliased nor as soft."""

SMOOTH_DENSITY = 1.6
"""Plate pixels per video pixel from which a view shows the low-passed plate alone."""

MIN_REFINED_DENSITY = 0.75
"""Refined plate pixels per video pixel below which bilinear interpolation would show its facets."""

MAX_REFINED_PIXELS = 48_000_000
"""Size that a refined plate should not exceed: 144 MB."""

SHARPENING = 0.05
"""Weight w of the kernel [-w, 1 + 2 w, -w] that makes up for what refining and warping take off fine detail."""

MAP_STEP = 8
"""Grid, in pixels, on which the bent views of a dolly zoom are exact; bilinear between, error under 0.01 px."""

_MARGIN = 3
"""Plate pixels around a view that the refining and the warp may read."""


@dataclass(frozen=True)
class _Layer:
    """A piece of the plate: its pixels, how many of them make a plate pixel, and the plate pixel it begins at."""

    pixels: Frame
    factor: int = 1
    left: int = 0
    top: int = 0


class CameraRenderer:
    """Turns a plate into the frames that a camera path sees.

    `plate` is the picture in the working size of the path. Make masks fit it with `fit_mask`, let regions move on it,
    and hand the result to `render`. Every method may be called from several threads at once.
    """

    plate: Frame

    def __init__(self, path: CameraPath, plate: Frame) -> None:
        """`plate` shows the whole picture, in the aspect of the video and between 1 and 2 times its size."""
        self._path = path
        density = 1.0 if path.is_still else _working_density(path, plate.shape[1] / path.width)
        self.plate = _resized(plate, path.width, path.height, density)
        if path.is_still:
            return
        self.plate = _sharpened(self.plate)
        self._density = self.plate.shape[1] / path.width
        self._factor = _refining_factor(path, self.plate)
        self._fine = _Layer(_refined(self.plate, self._factor), self._factor)
        self._smooth = _Layer(_low_passed(self.plate))

    def fit_mask(self, mask: Mask) -> Mask:
        """The mask of the picture in the working size."""
        height, width = self.plate.shape[:2]
        method = cv2.INTER_AREA if width < mask.shape[1] else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(mask, (width, height), interpolation=method), np.uint8)

    def render(self, plate: Frame, index: int) -> Frame:
        """Frame `index` of the path, seen on `plate`: `self.plate`, or a picture of its size that moves by itself."""
        if self._path.is_still:
            return plate
        view = self._path.view(index)
        share = self._smooth_share(view)
        if share <= 0:
            return self._warped(self._fine_layer(plate, view), view)
        smooth = self._warped(self._smooth if plate is self.plate else _Layer(_low_passed(plate)), view)
        if share >= 1:
            return smooth
        fine = self._warped(self._fine_layer(plate, view), view)
        return np.asarray(cv2.addWeighted(fine, 1 - share, smooth, share, 0), np.uint8)

    def _smooth_share(self, view: View) -> float:
        """How much of the low-passed plate a view is mixed with: none up to SLACK, all from SMOOTH_DENSITY."""
        seen = self._density / (view.magnification * math.sqrt(1 + view.strength))
        return min(max(math.log(seen / SLACK) / math.log(SMOOTH_DENSITY / SLACK), 0.0), 1.0)

    def _fine_layer(self, plate: Frame, view: View) -> _Layer:
        """The refined plate; of a plate that moves, only the piece that the view shows."""
        if plate is self.plate:
            return self._fine
        left, top, right, bottom = self._seen_box(view)
        return _Layer(_refined(plate[top:bottom, left:right], self._factor), self._factor, left, top)

    def _seen_box(self, view: View) -> tuple[int, int, int, int]:
        """The plate pixels, from left and top up to right and bottom, that a view reads."""
        seen = view.source(self._path.outline)
        height, width = self.plate.shape[:2]
        x = (seen.real / self._path.width + 0.5) * width
        y = (seen.imag / self._path.height + 0.5) * height
        return (
            max(math.floor(x.min()) - _MARGIN, 0),
            max(math.floor(y.min()) - _MARGIN, 0),
            min(math.ceil(x.max()) + _MARGIN, width),
            min(math.ceil(y.max()) + _MARGIN, height),
        )

    def _warped(self, layer: _Layer, view: View) -> Frame:
        if view.dolly is None:
            return self._warped_by_matrix(layer, view)
        width, height = self._path.width, self._path.height
        source = view.source(_grid(width, height))
        x, y = self._pixels(layer, source)
        map_x, map_y = (_spread(part.astype(np.float32), width, height) for part in (x, y))
        warped = cv2.remap(layer.pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, np.uint8)

    def _warped_by_matrix(self, layer: _Layer, view: View) -> Frame:
        width, height = self._path.width, self._path.height
        first = complex(0.5 - width / 2, 0.5 - height / 2)
        x, y = self._pixels(layer, view.source(np.array([first, first + 1, first + 1j])))
        matrix = np.array([[x[1] - x[0], x[2] - x[0], x[0]], [y[1] - y[0], y[2] - y[0], y[0]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpAffine(layer.pixels, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, np.uint8)

    def _pixels(self, layer: _Layer, source: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Points of the picture as positions among the pixels of a layer."""
        height, width = self.plate.shape[:2]
        x = (source.real / self._path.width + 0.5) * width - layer.left
        y = (source.imag / self._path.height + 0.5) * height - layer.top
        return x * layer.factor - 0.5, y * layer.factor - 0.5


def _working_density(path: CameraPath, available: float) -> float:
    """Plate pixels per pixel of the video, at magnification 1, that suit the path: no more than there are."""
    widest, tightest = path.magnifications
    wanted = max(tightest / SLACK, math.sqrt(widest * tightest))
    affordable = math.sqrt(MAX_REFINED_PIXELS / (4 * path.width * path.height))
    return min(available, wanted, max(affordable, 1.0))


def _refining_factor(path: CameraPath, plate: Frame) -> int:
    """Refined pixels per plate pixel along a side: 2, or 4 where the camera comes close and memory allows.

    Powers of two keep the positions exact in floats, so that a piece is refined to the same pixels as the whole.
    """
    height, width = plate.shape[:2]
    close = path.magnifications[1] * path.width * MIN_REFINED_DENSITY > 2 * width
    return 4 if close and 16 * width * height <= MAX_REFINED_PIXELS else 2


def _resized(plate: Frame, width: int, height: int, density: float) -> Frame:
    size = (round(width * density), round(height * density))
    if size[0] >= plate.shape[1]:
        return plate
    return np.asarray(Image.fromarray(plate).resize(size, Image.Resampling.LANCZOS))


def _refined(plate: Frame, factor: int) -> Frame:
    return np.asarray(cv2.resize(plate, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8)


def _sharpened(plate: Frame) -> Frame:
    kernel = np.array([-SHARPENING, 1 + 2 * SHARPENING, -SHARPENING])
    return np.asarray(cv2.sepFilter2D(plate, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def _low_passed(plate: Frame) -> Frame:
    """The plate without the detail that half its density could not hold: Lanczos' kernel with 2 lobes."""
    x = np.arange(-3, 4)
    kernel = np.sinc(x / 2) * np.sinc(x / 4)
    kernel /= kernel.sum()
    return np.asarray(cv2.sepFilter2D(plate, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def _grid(width: int, height: int) -> Points:
    """Centres of MAP_STEP x MAP_STEP blocks of the screen, one block more than needed on every side."""
    x = (np.arange(-1, -(-width // MAP_STEP) + 1) + 0.5) * MAP_STEP - width / 2
    y = (np.arange(-1, -(-height // MAP_STEP) + 1) + 0.5) * MAP_STEP - height / 2
    return x + 1j * y[:, None]


def _spread(values: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Values on the grid to values on every pixel."""
    rows, columns = values.shape
    whole = cv2.resize(values, (columns * MAP_STEP, rows * MAP_STEP), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole[MAP_STEP : MAP_STEP + height, MAP_STEP : MAP_STEP + width], np.float32)
