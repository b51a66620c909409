"""From a good homography to one that is exact to fractions of a pixel."""

import cv2
import numpy as np

from pipeline.alignment.answer import Homography, Points
from pipeline.alignment.geometry import inverse, residuals, transfer, zoom
from pipeline.optical_flow import Grey

LEVELS = ((0.25e6, 9, 40), (1.0e6, 3, 12))
"""Pixels of the pictures, side in pixels of the Gaussian that gradients are taken with, and most iterations.

The first level reaches farther and is quick, the second is exact and has little left to do.
"""

ENOUGH = 1e-6
"""Change of the correlation below which an iteration ends it."""

FARTHEST = 5.0
"""Largest shift of a corner of the overlap, in pixels, that is still a refinement."""

MARGIN = 8
"""Pixels at the edge of what both show that do not count."""

LEAST = 1000
"""Fewest pixels to refine with."""

LOOSER = 0.35
"""Pixels by which matches may miss a refined homography more: the picture is more exact than few keypoints are."""

DARKEST, BRIGHTEST = 4, 251
"""Luma beyond which light and contrast are cut off, and say nothing about where a thing is."""


def refine(homography: Homography, first: Grey, second: Grey, points0: Points, points1: Points) -> Homography:
    """Refine a homography on the pictures themselves, within what both show; returned as it was where that fails.

    Maximises the enhanced correlation (Evangelidis and Psarakis, PAMI 2008), which light and contrast do not change.
    `points0` and `points1` are matches that agree with the homography: the refined one must fit them no worse.
    """
    scale = _scale(homography, first)
    # What is laid over must not be pressed together: the coarser picture is the one that the finer is compared with.
    if scale < 1.0:
        back = _correlated(inverse(homography), _smoothed(second, 1.0), _smoothed(first, 1 / scale))
        refined = None if back is None else inverse(back)
    else:
        refined = _correlated(homography, _smoothed(first, 1.0), _smoothed(second, scale))
    if refined is None:
        return homography
    refined = refined / refined[2, 2]
    return refined if _is_better(homography, refined, points0, points1) else homography


def _correlated(homography: Homography, template: Grey, picture: Grey) -> Homography | None:
    """The homography from the template's pixels to the picture's with the highest correlation."""
    for pixels, smoothing, rounds in LEVELS:
        shrink = min(1.0, float(np.sqrt(pixels / max(template.size, picture.size))))
        small = _shrunk(template, shrink), _shrunk(picture, shrink)
        zooms = [
            zoom(each.shape[1] / whole.shape[1], each.shape[0] / whole.shape[0])
            for each, whole in zip(small, (template, picture), strict=True)
        ]
        found = _climb(zooms[1] @ homography @ inverse(zooms[0]), *small, smoothing, rounds)
        if found is None:
            return None
        homography = inverse(zooms[1]) @ found @ zooms[0]
    return homography


def _climb(homography: Homography, template: Grey, picture: Grey, smoothing: int, rounds: int) -> Homography | None:
    """One level: iterate until the correlation rises no more, or as often as allowed."""
    shown = _shown(homography, template, picture)
    if cv2.countNonZero(shown) < LEAST:
        return None
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, rounds, ENOUGH)
    start = (homography / homography[2, 2]).astype(np.float32)
    try:
        _, found = cv2.findTransformECC(template, picture, start, cv2.MOTION_HOMOGRAPHY, criteria, shown, smoothing)
    except cv2.error:  # it did not converge
        return None
    return np.asarray(found, np.float64) if np.isfinite(found).all() else None


def _shrunk(picture: Grey, shrink: float) -> Grey:
    if shrink == 1.0:
        return picture
    height, width = picture.shape
    size = max(round(width * shrink), 1), max(round(height * shrink), 1)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _shown(homography: Homography, template: Grey, picture: Grey) -> Grey:
    """Where the picture shows what the template shows, without a margin: smoothing brings in what lies beyond."""
    height, width = picture.shape

    def laid_over(mask: Grey) -> Grey:
        return np.asarray(cv2.warpPerspective(mask, homography, (width, height), flags=cv2.INTER_NEAREST), np.uint8)

    shown = laid_over(np.full_like(template, 255))
    shown[[0, -1]] = 0
    shown[:, [0, -1]] = 0
    shown = np.asarray(cv2.erode(shown, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8)), np.uint8)
    return np.asarray(shown & laid_over(_exposed(template)) & _exposed(picture), np.uint8)


def _exposed(picture: Grey) -> Grey:
    """255 where a picture is neither black nor white all around; single pixels are noise."""
    cut = cv2.bitwise_not(cv2.inRange(picture, DARKEST, BRIGHTEST))
    areas = cv2.dilate(cv2.morphologyEx(cut, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)), np.ones((9, 9), np.uint8))
    return np.asarray(cv2.bitwise_not(areas), np.uint8)


def _is_better(before: Homography, after: Homography, points0: Points, points1: Points) -> bool:
    """Whether a refined homography stays near, and fits the matches no worse."""
    if np.linalg.norm(transfer(points0, after) - transfer(points0, before), axis=1).max() > FARTHEST:
        return False
    old, new = (np.median(residuals(each, points0, points1)) for each in (before, after))
    return bool(new <= max(1.25 * old, old + LOOSER))


def _smoothed(picture: Grey, scale: float) -> Grey:
    """The picture without what a reduction by `scale` would alias."""
    if scale <= 1.2:
        return picture
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.5 * float(np.sqrt(scale**2 - 1))), np.uint8)


def _scale(homography: Homography, first: Grey) -> float:
    """Linear scale of the map in the middle of the first picture."""
    height, width = first.shape
    middle = np.array([width / 2, height / 2])
    corners = transfer(middle + np.array([[0, 0], [1, 0], [0, 1]]), homography)
    return float(np.sqrt(abs(np.linalg.det(np.stack([corners[1] - corners[0], corners[2] - corners[0]])))))
