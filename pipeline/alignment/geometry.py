"""What a homography does to a picture, and whether a camera could have done it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.alignment.answer import Box, Homography, Points

Size = tuple[int, int]
"""Width and height in pixels."""

STEPS = 24
"""Points along each side of the grid that stands for a picture."""

LARGEST_SCALE = 10.0
"""More than this much larger or smaller, nothing of the one view is found in the other."""

LARGEST_SQUEEZE = 20.0
"""Seen from so far aside (87 degrees), a plane shows nothing."""


@dataclass(frozen=True)
class Geometry:
    """What a homography does to the part of the first picture that the second one shows.

    `overlap` is that part's share of the first picture, `overlap_back` its share of the second. `orientation` is the
    share of it that keeps its sense of rotation; `scales` are the smallest and largest linear scale; `squeeze` is the
    median ratio of the scales along two directions in one place.
    """

    overlap: float
    overlap_back: float
    orientation: float
    scales: tuple[float, float]
    squeeze: float

    @property
    def fault(self) -> str | None:
        """Why no camera sees this, in words; None where one could."""
        if self.overlap <= 0 or self.overlap_back <= 0:
            return "the best fit puts one image beside the other"
        if self.orientation < 0.5:
            return "one image is mirrored, which no camera does"
        if self.orientation < 1.0:
            return "the best fit folds the picture over"
        if self.scales[0] < 1 / LARGEST_SCALE or self.scales[1] > LARGEST_SCALE:
            return "the best fit is too much larger or smaller"
        if self.squeeze > LARGEST_SQUEEZE:
            return "the best fit squeezes the picture flat"
        return None


def transfer(points: Points | NDArray[np.float64], homography: Homography) -> NDArray[np.float64]:
    """Where places go, shape (n, 2); far away where they have no place."""
    if not len(points):
        return np.empty((0, 2))
    there = cv2.perspectiveTransform(np.asarray(points, np.float64).reshape(-1, 1, 2), homography)
    return np.asarray(there.reshape(-1, 2), np.float64)


def zoom(across: float, down: float) -> Homography:
    """From pixels of a picture to those of one so many times as large: x becomes (x + 0.5) s - 0.5."""
    return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]], np.float64)


def inverse(homography: Homography) -> Homography:
    """The homography that leads back."""
    return np.asarray(np.linalg.inv(homography), np.float64)


def residuals(homography: Homography, points0: Points, points1: Points) -> NDArray[np.float64]:
    """How far in pixels the homography misses each match, there or back, whichever is more."""
    there = np.linalg.norm(transfer(points0, homography) - points1, axis=1)
    back = np.linalg.norm(transfer(points1, inverse(homography)) - points0, axis=1)
    return np.asarray(np.nan_to_num(np.maximum(there, back), nan=1e9, posinf=1e9))


def examine(homography: Homography, size0: Size, size1: Size) -> Geometry:
    """Look at what a homography does, on a grid of places of the first picture and one of the second."""
    grid = _grid(size0)
    shown = _shown(grid, homography, size1)
    back = inverse(homography)
    grid1 = _grid(size1)
    shown_back = _shown(grid1, back, size0)
    if not shown.any():
        return Geometry(0.0, float(shown_back.mean()), 1.0, (1.0, 1.0), 1.0)
    jacobians = _jacobians(grid[shown], homography)
    signs = np.linalg.det(jacobians) > 0
    values = np.linalg.svd(jacobians, compute_uv=False)
    scales = np.sqrt(values[:, 0] * values[:, 1])
    squeeze = values[:, 0] / np.maximum(values[:, 1], 1e-9)
    return Geometry(
        overlap=float(shown.mean()),
        overlap_back=float(shown_back.mean()),
        orientation=float(signs.mean()),
        scales=(float(scales.min()), float(scales.max())),
        squeeze=float(np.median(squeeze)),
    )


def common_crop(homography: Homography, size0: Size, size1: Size) -> Box | None:
    """The largest part of the first picture, in its own aspect, that the second one shows; None where there is none.

    Searched for on a grid: the largest centred box for each place of its centre, by how far it is to what is not shown.
    """
    grid = _grid(size0)
    shown = _shown(grid, homography, size1).reshape(STEPS, STEPS)
    if not shown.any():
        return None
    padded = np.pad(shown.astype(np.uint8), 1)
    reach = cv2.distanceTransform(padded, cv2.DIST_C, 3)[1:-1, 1:-1]  # steps to what is not shown, along both axes
    row, column = np.unravel_index(int(reach.argmax()), reach.shape)
    half = float(reach[row, column]) - 1
    across, down = (size0[0] - 1) / (STEPS - 1), (size0[1] - 1) / (STEPS - 1)
    left, top = max(column - half, 0) * across, max(row - half, 0) * down
    right, bottom = min(column + half, STEPS - 1) * across, min(row + half, STEPS - 1) * down
    return float(left), float(top), float(right), float(bottom)


def seen(homography: Homography, size0: Size, size1: Size) -> NDArray[np.float64]:
    """Places of the first picture, on a grid, that the second one shows, shape (n, 2)."""
    grid = _grid(size0)
    return grid[_shown(grid, homography, size1)]


def _shown(places: NDArray[np.float64], homography: Homography, size: Size) -> NDArray[np.bool_]:
    return _in_front(places, homography) & _inside(transfer(places, homography), size)


def _grid(size: Size) -> NDArray[np.float64]:
    x, y = np.meshgrid(np.linspace(0, size[0] - 1, STEPS), np.linspace(0, size[1] - 1, STEPS))
    return np.stack([x.ravel(), y.ravel()], axis=1)


def _in_front(points: NDArray[np.float64], homography: Homography) -> NDArray[np.bool_]:
    """Whether places lie on the camera's side of the horizon: where the middle of what is seen lies."""
    depth = points @ homography[2, :2] + homography[2, 2]
    return np.asarray(depth * np.sign(np.median(depth)) > 1e-9)


def _inside(points: NDArray[np.float64], size: Size) -> NDArray[np.bool_]:
    return np.asarray(((points >= -0.5) & (points <= np.array(size) - 0.5)).all(axis=1))


def _jacobians(points: NDArray[np.float64], homography: Homography) -> NDArray[np.float64]:
    """The linear part of the map at each place, shape (n, 2, 2)."""
    depth = points @ homography[2, :2] + homography[2, 2]
    there = transfer(points, homography)
    upper = homography[:2, :2][None] - there[:, :, None] * homography[2, :2][None, None]
    return np.asarray(upper / depth[:, None, None])
