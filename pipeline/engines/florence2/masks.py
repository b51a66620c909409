"""From outlines and boxes to masks."""

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.frames import Mask


def mask_of_polygons(polygons: Sequence[Sequence[float]], width: int, height: int) -> Mask:
    """A mask of `width` x `height` pixels: white inside any of the polygons, with smooth edges.

    A polygon is a flat row of coordinates x, y, x, y, ... in pixels. Those without an area count for nothing.
    """
    mask = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        points = np.asarray(polygon[: len(polygon) // 2 * 2], np.float32).reshape(-1, 2)
        if len(points) >= 3 and cv2.contourArea(points) > 0.0:
            cv2.fillPoly(mask, [points.round().astype(np.int32)], 255, cv2.LINE_AA)
    return mask


def mask_of_boxes(boxes: Sequence[Sequence[float]], width: int, height: int) -> Mask:
    """A mask of `width` x `height` pixels: white inside any of the boxes, each left, top, right, bottom in pixels."""
    corners = [(left, top, right, top, right, bottom, left, bottom) for left, top, right, bottom in boxes]
    return mask_of_polygons(corners, width, height)
