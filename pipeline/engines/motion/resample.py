"""Renders the views of a camera path from a picture: sub-pixel exact and without aliasing.

OpenCV's own smooth kernels will not do. Its cubic and Lanczos warps round positions to 1/32 px, its cubic kernel
(a = -0.75) bends straight ramps by 0.05 px in every pixel, and they cost 30 and 120 ms a 1080p frame. Its bilinear warp
(since 5.0) is exact and costs 12 ms, but is soft on its own. So a frame is a bilinear warp of a plate that was refined
to at least twice its density as a cubic B-spline, which is exact as well and sharper than a cubic warp.

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
from pipeline.rows import cut
from pipeline.workers import once

SLACK = 1.12
"""Plate pixels per video pixel, either way, that count neither as aliased nor as soft."""

SMOOTH_DENSITY = 1.6
"""Plate pixels per video pixel from which a view shows the low-passed plate alone."""

MIN_REFINED_DENSITY = 0.75
"""Refined plate pixels per video pixel below which bilinear interpolation would show its facets."""

MAX_REFINED_PIXELS = 48_000_000
"""Size that a refined plate should not exceed: 144 MB."""

MAP_STEP = 8
"""Grid, in pixels, on which the bent views of a dolly zoom are exact; bilinear between, error under 0.01 px."""

_MARGIN = 8
"""Plate pixels around a piece that the refining and the warp may read."""

_BAND = 128
"""Plate rows that are refined at a time."""


@dataclass(frozen=True)
class _Layer:
    """A piece of the plate: its pixels, how many of them a plate pixel is wide, and the plate pixel it begins at."""

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
        self.path = path
        density = 1.0 if path.is_still else working_density(path, plate.shape[1] / path.width)
        self.plate = resized(plate, path.width, path.height, density)
        if path.is_still:
            return
        self._density = self.plate.shape[1] / path.width
        self._doublings = _doublings(path, self.plate)
        self._prefilter = interpolation_prefilter(self._doublings)

    @once
    def _still_fine(self) -> _Layer:
        """The plate refined: 25 MB at 1080p that a plate with moving regions has no use for."""
        return self._refined(self.plate, 0, 0)

    @once
    def _still_smooth(self) -> _Layer:
        """The plate low-passed: only wide views show it."""
        return _Layer(_low_passed(self.plate))

    def fit_mask(self, mask: Mask) -> Mask:
        """The mask of the picture in the working size."""
        height, width = self.plate.shape[:2]
        method = cv2.INTER_AREA if width < mask.shape[1] else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(mask, (width, height), interpolation=method), np.uint8)

    def render(self, plate: Frame, index: int) -> Frame:
        """Frame `index` of the path, seen on `plate`: `self.plate`, or a picture of its size that moves by itself."""
        if self.path.is_still:
            return plate
        view = self.path.view(index)
        share = self._smooth_share(view)
        if share <= 0:
            return self._warped(self._fine(plate, view), view)
        smooth = self._warped(self._smooth(plate), view)
        if share >= 1:
            return smooth
        fine = self._warped(self._fine(plate, view), view)
        return np.asarray(cv2.addWeighted(fine, 1 - share, smooth, share, 0), np.uint8)

    def _smooth_share(self, view: View) -> float:
        """How much of the low-passed plate a view is mixed with: none up to SLACK, all from SMOOTH_DENSITY."""
        seen = self._density / (view.magnification * math.sqrt(1 + view.strength))
        return min(max(math.log(seen / SLACK) / math.log(SMOOTH_DENSITY / SLACK), 0.0), 1.0)

    def _smooth(self, plate: Frame) -> _Layer:
        """The low-passed plate."""
        return self._still_smooth if plate is self.plate else _Layer(_low_passed(plate))

    def _fine(self, plate: Frame, view: View) -> _Layer:
        """The refined plate; of a plate that moves, only the piece that the view shows."""
        if plate is self.plate:
            return self._still_fine
        left, top, right, bottom = self._seen_box(view)
        return self._refined(plate[top:bottom, left:right], left, top)

    def _refined(self, piece: Frame, left: int, top: int) -> _Layer:
        """A piece of the plate in the density for the warp, made band by band, which stays small and in the cache."""
        factor = 2**self._doublings
        rows, columns = piece.shape[:2]
        fine = np.empty((rows * factor, columns * factor, 3), np.uint8)
        for band in cut(rows, _BAND, _MARGIN):
            done = doubled(piece[band.needed], self._prefilter, self._doublings)
            fine[_times(band.own, factor)] = done[_times(band.inner, factor)]
        return _Layer(fine, factor, left, top)

    def _seen_box(self, view: View) -> tuple[int, int, int, int]:
        """The plate pixels, from left and top up to right and bottom, that a view reads."""
        seen = view.source(self.path.outline)
        height, width = self.plate.shape[:2]
        x = (seen.real / self.path.width + 0.5) * width
        y = (seen.imag / self.path.height + 0.5) * height
        return (
            max(math.floor(x.min()) - _MARGIN, 0),
            max(math.floor(y.min()) - _MARGIN, 0),
            min(math.ceil(x.max()) + _MARGIN, width),
            min(math.ceil(y.max()) + _MARGIN, height),
        )

    def _warped(self, layer: _Layer, view: View) -> Frame:
        if view.dolly is None:
            return self._warped_by_matrix(layer, view)
        width, height = self.path.width, self.path.height
        source = view.source(screen_grid(width, height))
        x, y = self._pixels(layer, source)
        map_x, map_y = (spread_over(part.astype(np.float32), width, height) for part in (x, y))
        warped = cv2.remap(layer.pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, np.uint8)

    def _warped_by_matrix(self, layer: _Layer, view: View) -> Frame:
        width, height = self.path.width, self.path.height
        first = complex(0.5 - width / 2, 0.5 - height / 2)
        x, y = self._pixels(layer, view.source(np.array([first, first + 1, first + 1j])))
        matrix = np.array([[x[1] - x[0], x[2] - x[0], x[0]], [y[1] - y[0], y[2] - y[0], y[0]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpAffine(layer.pixels, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, np.uint8)

    def _pixels(self, layer: _Layer, source: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Points of the picture as positions among the pixels of a layer."""
        height, width = self.plate.shape[:2]
        x = (source.real / self.path.width + 0.5) * width - 0.5 - layer.left
        y = (source.imag / self.path.height + 0.5) * height - 0.5 - layer.top
        return x * layer.factor, y * layer.factor


def _times(rows: slice, factor: int) -> slice:
    return slice(rows.start * factor, rows.stop * factor)


def working_density(path: CameraPath, available: float) -> float:
    """Plate pixels per pixel of the video, at magnification 1, that suit the path: no more than there are."""
    widest, tightest = path.magnifications
    wanted = max(tightest / SLACK, math.sqrt(widest * tightest))
    affordable = math.sqrt(MAX_REFINED_PIXELS / (4 * path.width * path.height))
    return min(available, wanted, max(affordable, 1.0))


def _doublings(path: CameraPath, plate: Frame) -> int:
    """How often the plate is doubled: once, or twice where the camera comes close and memory allows."""
    height, width = plate.shape[:2]
    close = path.magnifications[1] * path.width * MIN_REFINED_DENSITY > 2 * width
    return 2 if close and 16 * width * height <= MAX_REFINED_PIXELS else 1


def interpolation_prefilter(doublings: int, taps: int = 7) -> NDArray[np.float64]:
    """The kernel before `doublings` of cv2.pyrUp and a bilinear warp that brings them closest to ideal interpolation.

    pyrUp inserts zeros and smooths with the cubic B-spline [1 4 6 4 1] / 8: of a frequency w (radians a plate pixel)
    and its images w + 2 pi m, doubling j passes cos^4((w + 2 pi m) / 2^(j + 1)). The best response to w, in the mean
    square over all sub-pixel positions, is then <ideal, basis> / <basis, basis> (Unser, "Sampling - 50 years after
    Shannon", 2000), fitted by a few taps with the weight of photographs, whose amplitudes fall as 1 / w.
    """
    w = np.linspace(0.02, 1, 50) * math.pi
    images = w + 2 * math.pi * np.arange(2**doublings)[:, None]
    gain = np.prod([np.cos(images / 2 ** (j + 1)) ** 4 for j in range(1, doublings + 1)], axis=0)
    fine = images / 2**doublings
    power = np.sum(gain**2 * (2 + np.cos(fine)) / 3, axis=0)
    response = gain[0] * np.sinc(fine[0] / (2 * math.pi)) ** 2 / power
    waves = 2 * np.cos(w[:, None] * np.arange(1, taps // 2 + 1)) - 2
    side = np.linalg.lstsq(waves / w[:, None], (response - 1) / w, rcond=None)[0]
    return np.concatenate([side[::-1], [1 - 2 * side.sum()], side])


def resized(plate: Frame, width: int, height: int, density: float) -> Frame:
    """The plate with `density` pixels for each of a video of this size; itself where it has no more than that."""
    size = (round(width * density), round(height * density))
    if size[0] >= plate.shape[1]:
        return plate
    return np.asarray(Image.fromarray(plate).resize(size, Image.Resampling.LANCZOS))


def doubled(piece: Frame, prefilter: NDArray[np.float64], doublings: int) -> Frame:
    """The piece as a cubic B-spline. Its coefficients, unlike the result, go far beyond 0 to 255."""
    fine = cv2.sepFilter2D(piece, cv2.CV_16S, prefilter, prefilter)
    for _ in range(doublings):
        fine = cv2.pyrUp(fine)
    return np.asarray(cv2.add(fine, np.zeros(4), dtype=cv2.CV_8U), np.uint8)


def _low_passed(plate: Frame) -> Frame:
    """The plate without the detail that half its density could not hold: Lanczos' kernel with 2 lobes."""
    x = np.arange(-3, 4)
    kernel = np.sinc(x / 2) * np.sinc(x / 4)
    kernel /= kernel.sum()
    return np.asarray(cv2.sepFilter2D(plate, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def screen_grid(width: int, height: int) -> Points:
    """Centres of MAP_STEP x MAP_STEP blocks of the screen, one block more than needed on every side."""
    x = (np.arange(-1, -(-width // MAP_STEP) + 1) + 0.5) * MAP_STEP - width / 2
    y = (np.arange(-1, -(-height // MAP_STEP) + 1) + 0.5) * MAP_STEP - height / 2
    return x + 1j * y[:, None]


def spread_over(values: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Values on the grid to values on every pixel."""
    rows, columns = values.shape
    whole = cv2.resize(values, (columns * MAP_STEP, rows * MAP_STEP), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole[MAP_STEP : MAP_STEP + height, MAP_STEP : MAP_STEP + width], np.float32)
