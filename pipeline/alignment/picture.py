"""A picture of the matches, for people."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.alignment.answer import Alignment, Points
from pipeline.alignment.geometry import transfer
from pipeline.frames import Frame

SIDE = 640
"""Height in pixels of each image in the picture."""

GAP = 12
"""Pixels between the images."""

AGREEING, REJECTED, OUTLINE = (64, 196, 255), (150, 150, 150), (255, 176, 0)
"""Colours, RGB: blue and orange are told apart by everybody."""

MOST = 120
"""Lines drawn of each kind: more would hide the images."""


def draw_matches(image0: Frame, image1: Frame, alignment: Alignment) -> Frame:
    """Both images side by side, lines between matches, and around what of the first one the second shows.

    Returns uint8 RGB, SIDE pixels high. Matches that agree are blue, the others grey, the outline orange.
    """
    left, scale0 = _fitted(image0)
    right, scale1 = _fitted(image1)
    picture = np.full((SIDE, left.shape[1] + GAP + right.shape[1], 3), 24, np.uint8)
    picture[:, : left.shape[1]] = left
    picture[:, left.shape[1] + GAP :] = right
    shift = np.array([left.shape[1] + GAP, 0])
    points0, points1 = alignment.matches.points0 * scale0, alignment.matches.points1 * scale1 + shift
    agreeing = alignment.matches.inliers
    faint = picture.copy()
    _lines(faint, points0[~agreeing], points1[~agreeing], REJECTED)
    picture = np.asarray(cv2.addWeighted(faint, 0.35, picture, 0.65, 0), np.uint8)
    clear = picture.copy()
    _lines(clear, points0[agreeing], points1[agreeing], AGREEING)
    picture = np.asarray(cv2.addWeighted(clear, 0.8, picture, 0.2, 0), np.uint8)
    if alignment.homography is not None:
        height, width = image0.shape[:2]
        corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)
        there = transfer(corners, alignment.homography) * scale1 + shift
        inside = np.zeros(picture.shape, np.uint8)
        _polygon(inside, there)
        inside[:, : left.shape[1] + GAP] = 0
        drawn = inside.any(axis=2)
        picture[drawn] = inside[drawn]
    return picture


def _fitted(image: Frame) -> tuple[Frame, float]:
    height, width = image.shape[:2]
    scale = SIDE / height
    size = max(round(width * scale), 1), SIDE
    kernel = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=kernel), np.uint8), scale


def _lines(picture: Frame, points0: Points, points1: Points, colour: tuple[int, int, int]) -> None:
    """Draw lines between some of the pairs, evenly chosen, with a dot at each end."""
    for number in np.unique(np.linspace(0, len(points0) - 1, min(MOST, len(points0))).astype(int)):
        start, end = (tuple(int(value) for value in point[number]) for point in (points0, points1))
        cv2.line(picture, start, end, colour, 1, cv2.LINE_AA)
        for place in (start, end):
            cv2.circle(picture, place, 3, colour, -1, cv2.LINE_AA)


def _polygon(picture: Frame, corners: NDArray[np.float64]) -> None:
    clipped = np.clip(corners, -(2**14), 2**14).round().astype(np.int32)
    cv2.polylines(picture, [clipped.reshape(-1, 1, 2)], isClosed=True, color=OUTLINE, thickness=3, lineType=cv2.LINE_AA)
