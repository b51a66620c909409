"""The rectangle around a mask, and the coarse grid on which motion inside it is described."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame, Mask

Field = NDArray[np.float32]
"""Numbers on the coarse grid: float32, shape (rows, columns) or (rows, columns, components)."""

MIN_CELL = 4
MAX_CELLS_A_SIDE = 256


class Patch:
    """The bounding box of a mask in a plate.

    Motion varies smoothly, so it is computed on a grid of cells of at least 4x4 pixels and enlarged to pixels at the
    end. `unit` is the square root of the plate's area in pixels: lengths given as fractions of it look alike at every
    size of the video.
    """

    def __init__(self, plate: Frame, mask: Mask) -> None:
        """Find the box of `mask` (uint8, the plate's height and width, not empty)."""
        left, top, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
        self.left, self.top, self.width, self.height = left, top, width, height
        self.unit = math.sqrt(plate.shape[0] * plate.shape[1])
        self.mask = np.ascontiguousarray(mask[self._box])
        self.inside = np.where(self.mask > 0, np.uint8(255), np.uint8(0))
        cell = max(MIN_CELL, max(width, height) / MAX_CELLS_A_SIDE)
        self.columns = max(2, round(width / cell))
        self.rows = max(2, round(height / cell))
        self._depth = _distance_to_edge(mask)[self._box]
        x, y = np.meshgrid(np.arange(left, left + width), np.arange(top, top + height))
        self._pixels = np.dstack([x, y]).astype(np.float32)

    @property
    def _box(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def crop(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of a picture of the plate's size that lies in the box, as a view."""
        return picture[self._box]

    def warp(self, plate: Frame, offset: Field) -> Frame:
        """The box, each pixel taken from `plate` at its place plus `offset`, (rows, columns, 2) on the grid, in pixels.

        Beyond the picture's border its mirror image goes on.
        """
        where = cv2.add(self.to_pixels(offset), self._pixels)
        moved = cv2.remap(plate, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)  # type: ignore[call-overload]
        return np.asarray(moved, dtype=np.uint8)

    def write(self, moved: Frame, canvas: Frame) -> None:
        """Put a picture of the box into `canvas`, a picture of the plate's size, where the mask is not 0."""
        cv2.copyTo(moved, self.inside, self.crop(canvas))

    def to_grid(self, picture: Field) -> Field:
        """Average a picture of the box's size over the cells."""
        small = cv2.resize(picture, (self.columns, self.rows), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.float32)

    def to_pixels(self, field: Field) -> Field:
        """Enlarge a field of the grid to the box's pixels, linearly."""
        large = cv2.resize(field, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(large, dtype=np.float32)

    def centres(self) -> tuple[Field, Field]:
        """The x and y of the cells' centres, in pixels of the plate."""
        x = self.left + (np.arange(self.columns) + 0.5) * self.width / self.columns - 0.5
        y = self.top + (np.arange(self.rows) + 0.5) * self.height / self.rows - 0.5
        grid_x, grid_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
        return grid_x, grid_y

    def softness(self, edge: float) -> Field:
        """How freely each cell moves: 0 at the mask's edge, 1 from `edge` units inwards; a weak mask moves less.

        Where the mask meets the border of the picture there is no edge: what moves goes on outside. In a small area the
        edge takes up at most half of the way to its middle.
        """
        reach = min(edge * self.unit, 0.5 * float(self._depth.max()))
        ramp = (self._depth - np.float32(1.0)) / np.float32(max(reach, 1.0))
        return self.to_grid(smoothstep(ramp) * (self.mask.astype(np.float32) / np.float32(255)))


def blend(first: Frame, second: Frame, share: Field) -> Frame:
    """`share` of the first picture and the rest of the second; shares (height, width) beyond 0 and 1 exaggerate."""
    return np.asarray(cv2.blendLinear(first, second, share, 1.0 - share), dtype=np.uint8)


def smoothstep(values: Field) -> Field:
    """Smooth ramp from 0 at 0 to 1 at 1, level outside."""
    clipped = np.clip(values, 0.0, 1.0).astype(np.float32)
    return np.asarray(clipped * clipped * (3.0 - 2.0 * clipped), dtype=np.float32)


def _distance_to_edge(mask: Mask) -> Field:
    """Distance of each pixel to the nearest one outside the mask, in pixels; the picture's border is no edge."""
    distance = cv2.distanceTransform((mask > 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(np.minimum(distance, np.float32(max(mask.shape))), dtype=np.float32)
