"""What the aligner answers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Homography = NDArray[np.float64]
"""A 3x3 matrix from pixels of one image to pixels of another; pixel centres have whole coordinates."""

Points = NDArray[np.float32]
"""Places in pixels, x and y, shape (n, 2)."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""


@dataclass(frozen=True)
class Matches:
    """Pairs of places that look alike: `points0` in pixels of the first image, `points1` of the second.

    `inliers` marks those that agree with the homography, dtype bool, shape (n,).
    """

    points0: Points
    points1: Points
    inliers: NDArray[np.bool_]

    @staticmethod
    def none() -> "Matches":
        """No matches at all."""
        nothing = np.empty((0, 2), np.float32)
        return Matches(nothing, nothing, np.empty(0, np.bool_))


@dataclass(frozen=True)
class Alignment:
    """How one image maps to another, or why it does not.

    `reason` is one sentence in words. `homography` leads from pixels of the first image to pixels of the second, with
    H[2, 2] = 1; None when it was refused. `method` is "identical", "sift", "affine-sift" or "none". `overlap` is the
    share of the first image that the second one shows, 0 to 1. `crop` is the largest part of the first image, in its
    own aspect, that both show.
    """

    status: Literal["aligned", "refused"]
    reason: str
    homography: Homography | None
    method: str
    keypoints: tuple[int, int]
    matches: Matches
    inlier_ratio: float
    overlap: float
    crop: Box | None
    seconds: float
    is_complete: bool = True
    """Whether the time sufficed for all tries: the answer is then the same on every machine."""

    @property
    def inliers(self) -> int:
        """Number of matches that agree with the homography."""
        return int(self.matches.inliers.sum())
