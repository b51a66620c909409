"""Dense optical flow between two pictures, where every pixel of the first is found in the second, and what it carries.

Dense inverse search (Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016) from OpenCV, in its
medium preset: quick on a processor, exact to a few hundredths of a pixel, and with no weights to download.
"""

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
"""Luma, uint8, shape (height, width)."""

Flow = NDArray[np.float32]
"""Displacements in pixels, right and down positive, float32, shape (height, width, 2)."""

_Value = TypeVar("_Value", np.uint8, np.float32)

_SMALLEST_SIDE = 32
"""OpenCV's search reads outside of pictures with a shorter side, and may end the program; they are padded to this."""


def luma(frame: NDArray[np.uint8]) -> Grey:
    """The luma of an RGB picture."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def dense_flow(first: Grey, second: Grey, finest_scale: int = 1, quick: bool = False) -> Flow:
    """Return the flow F with first(x) seen at second(x + F(x)), of the pictures' own size.

    `finest_scale` is the level of the pyramid at which the search ends: 0 the full size, 1 half of it, and so on; what
    lies below is interpolated. `quick` takes a quarter of the time, by sparser patches, fewer steps and no variational
    refinement; between frames made from it, fine detail suffers, and large pictures next to nothing. Pictures of any
    size will do, as long as both have the same. May be called from several threads at once.
    """
    height, width = first.shape
    down, right = max(_SMALLEST_SIDE - height, 0), max(_SMALLEST_SIDE - width, 0)
    first, second = (_padded(picture, down, right) for picture in (first, second))
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(finest_scale)
    if quick:
        search.setPatchStride(4)
        search.setGradientDescentIterations(12)
        search.setVariationalRefinementIterations(0)
    flow = search.calc(first, second, None)  # type: ignore[call-overload]  # a given array would be taken for a guess
    return np.asarray(flow[:height, :width], np.float32)


def pixel_places(rows: range, width: int) -> Flow:
    """The coordinates x, y of every pixel of some rows, shape (rows, width, 2)."""
    first = np.stack([np.arange(width), np.full(width, rows.start)], axis=-1).astype(np.float32)
    places = np.repeat(first[None], len(rows), axis=0)
    places[..., 1] += np.arange(len(rows), dtype=np.float32)[:, None]
    return places


def sample(
    picture: NDArray[_Value], places: Flow, kernel: int = cv2.INTER_LINEAR, border: int = cv2.BORDER_REPLICATE
) -> NDArray[_Value]:
    """The values of a picture, or of a flow, at places between its pixels. `kernel` and `border` are OpenCV's."""
    # An empty array for the second map is not the same: OpenCV 5 then reads wrong places.
    no_map: Any = None
    return np.asarray(cv2.remap(picture, places, no_map, kernel, borderMode=border), picture.dtype)


def _padded(picture: Grey, down: int, right: int) -> Grey:
    """The picture with its last row and column repeated, in one piece of memory, which the search insists on."""
    if not (down or right):
        return np.ascontiguousarray(picture)
    return np.asarray(cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)
