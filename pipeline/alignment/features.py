"""Keypoints that look alike whatever the light, the distance and the turn of the camera."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.alignment.answer import Points
from pipeline.optical_flow import Grey

Descriptors = NDArray[np.float32]
"""RootSIFT descriptors, of unit length, shape (n, 128)."""

CONTRAST = 0.02
"""SIFT's threshold for contrast: half of the published one, so that haze and shade keep keypoints."""

FAINT, FEW = 0.007, 1500
"""The threshold for pictures in which the first one leaves fewer keypoints than this."""

TREES, CHECKS = 4, 192
"""Of FLANN's kd-trees: with these, 19 of 20 nearest neighbours are the true ones, four times quicker than all pairs."""

RATIO = 0.8
"""Lowe's ratio test (2004): the best match must be this much nearer than the second best."""

SEED = 20041101
"""FLANN draws its trees at random; one seed makes its answers repeatable."""


@dataclass(frozen=True)
class Features:
    """Keypoints of one image. `places` are in pixels of the image they were found in."""

    places: Points
    descriptors: Descriptors

    def __len__(self) -> int:
        return len(self.places)


def find_features(picture: Grey, count: int) -> Features:
    """SIFT keypoints with RootSIFT descriptors (Arandjelovic and Zisserman, CVPR 2012), the `count` strongest."""
    for contrast in (CONTRAST, FAINT):
        sift = cv2.SIFT.create(nfeatures=count, contrastThreshold=contrast, enable_precise_upscale=True)
        found, descriptors = sift.detectAndCompute(picture, None)
        if len(found) >= FEW:
            break
    return _features(found, descriptors)


def find_affine_features(picture: Grey, tilt: float, roll: float, count: int) -> Features:
    """Keypoints as they look with the camera tilted (Morel and Yu, "ASIFT", 2009), in pixels of the picture itself.

    `tilt` is 1 / cos of the angle that the camera is moved aside, `roll` the turn before it in degrees.
    """
    if tilt == 1.0:
        return find_features(picture, count)
    there, size = _tilted(picture.shape, tilt, roll)
    seen = cv2.warpAffine(_blurred(picture, tilt, roll), there, size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpAffine(np.full_like(picture, 255), there, size, flags=cv2.INTER_NEAREST)
    inside = cv2.erode(inside, np.ones((9, 9), np.uint8))
    sift = cv2.SIFT.create(nfeatures=count, contrastThreshold=CONTRAST, enable_precise_upscale=True)
    features = _features(*sift.detectAndCompute(seen, inside))
    back = np.asarray(cv2.invertAffineTransform(there), np.float64)
    return Features(_moved(features.places, back), features.descriptors)


def in_pairs(work: Callable[[Grey], Features], first: Grey, second: Grey) -> tuple[Features, Features]:
    """The features of two pictures, found at the same time."""
    with ThreadPoolExecutor(2, thread_name_prefix="features") as pool:
        found = list(pool.map(work, (first, second)))
    return found[0], found[1]


def match(first: Features, second: Features) -> tuple[Points, Points]:
    """Pairs of places that are each other's best match, and clearly better than the second best. The same each time.

    At most one pair for each place: SIFT gives one place several keypoints where its direction is not clear.
    """
    if min(len(first), len(second)) < 2:  # knnMatch throws where there is no second best
        nothing = np.empty((0, 2), np.float32)
        return nothing, nothing
    there, better = _nearest(first, second)
    back, _ = _nearest(second, first)
    own = np.arange(len(first))
    chosen = own[(back[there] == own) & better]
    points0, points1 = first.places[chosen], second.places[there[chosen]]
    return _distinct(points0, points1)


def _nearest(first: Features, second: Features) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The number of the nearest neighbour of each feature, and whether it passes the ratio test."""
    cv2.setRNGSeed(SEED)  # of this thread alone
    matcher = cv2.FlannBasedMatcher({"algorithm": 1, "trees": TREES}, {"checks": CHECKS})
    pairs = matcher.knnMatch(first.descriptors, second.descriptors, k=2)
    best = np.array([pair[0].trainIdx if pair else 0 for pair in pairs])
    clear = np.array([len(pair) == 2 and pair[0].distance < RATIO * pair[1].distance for pair in pairs])
    return best, clear


def _distinct(points0: Points, points1: Points) -> tuple[Points, Points]:
    """One pair for each pair of places, a pixel apart."""
    _, kept = np.unique(np.round(np.hstack([points0, points1])), axis=0, return_index=True)
    kept.sort()
    return points0[kept], points1[kept]


def _features(found: Sequence[cv2.KeyPoint], descriptors: Any) -> Features:
    """What SIFT returns; its descriptors are None where it finds nothing."""
    if descriptors is None or not found:
        return Features(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32))
    total = descriptors.sum(axis=1, keepdims=True)
    rooted = np.sqrt(descriptors / np.maximum(total, 1e-9), dtype=np.float32)
    return Features(np.array(cv2.KeyPoint.convert(found), np.float32), rooted)


def _tilted(shape: tuple[int, ...], tilt: float, roll: float) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The affine map of a tilted view, and the size of a picture that holds all of it."""
    height, width = shape[:2]
    turn = np.deg2rad(roll)
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear[0] /= tilt
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]) @ linear.T
    low = corners.min(axis=0)
    size = np.ceil(corners.max(axis=0) - low + 1).astype(int)
    return np.hstack([linear, -low[:, None]]), (int(size[0]), int(size[1]))


def _blurred(picture: Grey, tilt: float, roll: float) -> Grey:
    """The picture without what the tilt would alias: blurred along the direction in which it is pressed together.

    0.8 sqrt(tilt^2 - 1) is the standard deviation of the authors.
    """
    sigma = 0.8 * np.sqrt(tilt**2 - 1)
    turn = np.deg2rad(roll)
    radius = int(np.ceil(3 * sigma))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float64)
    along, across = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    kernel = np.exp(-(along**2) / (2 * sigma**2)) * np.exp(-(across**2) / (2 * 0.3**2))
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)


def _moved(places: Points, matrix: NDArray[np.float64]) -> Points:
    return np.asarray(places @ matrix[:, :2].T + matrix[:, 2], np.float32)
