"""A homography fitted to matches, and what speaks for it."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.alignment.answer import Homography, Points
from pipeline.alignment.geometry import Geometry, Size, examine, residuals, seen, transfer
from pipeline.optical_flow import Grey

THRESHOLD = 1.5
"""Largest noise scale of MAGSAC++ in pixels of the working size."""

AGREES = 3.0
"""A match within this many pixels, both ways, agrees with a homography."""

CELLS = 40
"""Cells along the longer side of a picture: inliers that crowd into few of them say little."""

FOLDS = 3
"""A third of the matches is held out in turn, to see whether a fit to the others foretells them."""

FEWEST = 8
"""Fewest matches worth fitting: a homography goes through any four."""

AXES = np.array([[1.0, 0.3], [-0.3, 1.0]], np.float32)
"""Directions along which thirds of the picture are left out, aslant to what people build."""

WINDOW = 15
"""Side in pixels of the windows in which the two pictures are compared."""

_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """What speaks for a homography.

    `inliers` marks the matches that agree. `cells` is the number of places, in cells of both pictures, that they
    are spread over. `foretold` is the share of held-out matches that agree with fits to the others, of those that
    agree in the end. `likeness` is the median correlation of small windows of the two pictures laid over each other,
    -1 to 1, where both show something. `doubt` says how far, on average over what both show, the fit moves when
    a third of the picture is left out, the worst of six thirds, as a share of the second picture's diagonal.
    """

    homography: Homography
    inliers: _Mask
    cells: int
    foretold: float
    likeness: float
    doubt: float
    geometry: Geometry

    @property
    def ratio(self) -> float:
        """Share of the matches that agree."""
        return float(self.inliers.mean())


def gather(pictures: tuple[Grey, Grey], points0: Points, points1: Points) -> Evidence | None:
    """Fit a homography by MAGSAC++ (Barath et al., CVPR 2020) and look at it; None where no fit is possible."""
    homography = fit(points0, points1)
    if homography is None:
        return None
    return weigh(homography, pictures, points0, points1)


def weigh(homography: Homography, pictures: tuple[Grey, Grey], points0: Points, points1: Points) -> Evidence:
    """What speaks for a homography."""
    agreeing = residuals(homography, points0, points1) <= AGREES
    sizes = _size(pictures[0]), _size(pictures[1])
    return Evidence(
        homography=homography,
        inliers=agreeing,
        cells=min(_cells(points0[agreeing], sizes[0]), _cells(points1[agreeing], sizes[1])),
        foretold=_foretold(points0, points1, agreeing),
        likeness=likeness(homography, *pictures),
        doubt=_doubt(homography, points0[agreeing], points1[agreeing], sizes),
        geometry=examine(homography, *sizes),
    )


def fit(points0: Points, points1: Points) -> Homography | None:
    """The homography that most matches agree with, scaled to H[2, 2] = 1; None where there is none. Repeatable."""
    if len(points0) < FEWEST:
        return None
    found: Any = cv2.findHomography(points0, points1, cv2.USAC_MAGSAC, THRESHOLD, None, 10_000, 0.9999)[0]
    if found is None or not np.isfinite(found).all() or abs(found[2, 2]) < 1e-12 or abs(np.linalg.det(found)) < 1e-12:
        return None
    return np.asarray(found / found[2, 2], np.float64)


def likeness(homography: Homography, first: Grey, second: Grey) -> float:
    """Median correlation of windows of the first picture, laid over the second one, with that one."""
    height, width = second.shape
    laid = cv2.warpPerspective(first, homography, (width, height), flags=cv2.INTER_LINEAR)
    shown = cv2.warpPerspective(np.full_like(first, 255), homography, (width, height), flags=cv2.INTER_NEAREST)
    shown = cv2.erode(shown, np.ones((WINDOW, WINDOW), np.uint8))
    correlation, textured = _correlation(laid.astype(np.float32), second.astype(np.float32))
    compared = (shown > 0) & textured
    return float(np.median(correlation[compared])) if compared.sum() >= WINDOW**2 else 0.0


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> tuple[NDArray[np.float32], _Mask]:
    """Correlation in a window around each pixel, and where either picture shows anything in it."""

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.boxFilter(values, -1, (WINDOW, WINDOW)), np.float32)

    mean0, mean1 = mean(first), mean(second)
    spread0, spread1 = mean(first * first) - mean0**2, mean(second * second) - mean1**2
    joint = mean(first * second) - mean0 * mean1
    correlation = np.asarray(joint / np.sqrt(np.maximum(spread0 * spread1, 1.0)), np.float32)
    return correlation, np.asarray(np.maximum(spread0, spread1) > 16.0)


def _foretold(points0: Points, points1: Points, agreeing: _Mask) -> float:
    """How many of the matches that agree are foretold by fits to the others."""
    hits = 0
    for fold in range(FOLDS):
        held = np.arange(len(points0)) % FOLDS == fold
        homography = fit(points0[~held], points1[~held])
        if homography is not None:
            hits += int((residuals(homography, points0[held & agreeing], points1[held & agreeing]) <= AGREES).sum())
    return hits / max(int(agreeing.sum()), 1)


def _doubt(homography: Homography, points0: Points, points1: Points, sizes: tuple[Size, Size]) -> float:
    """How far a fit to the matches moves when those of a third of the picture, along one axis, are left out."""
    places = seen(homography, *sizes)
    if not len(places) or len(points0) < FEWEST:
        return 1.0
    there = transfer(places, homography)
    moves = []
    for axis in AXES:
        order = np.argsort(points1 @ axis)
        for third in np.array_split(order, 3):
            kept = np.ones(len(order), np.bool_)
            kept[third] = False
            other: Any = cv2.findHomography(points0[kept], points1[kept], 0)[0]
            moved = 1e9 if other is None else np.linalg.norm(transfer(places, other) - there, axis=1).mean()
            moves.append(float(moved))
    return max(moves) / float(np.hypot(*sizes[1]))


def _cells(points: Points, size: Size) -> int:
    side = max(size) / CELLS
    return len(np.unique((points // side).astype(int), axis=0))


def _size(picture: Grey) -> Size:
    return picture.shape[1], picture.shape[0]
