"""Powers of homographies, and the homography of pictures in units that do not depend on their size."""

import math

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
"""A homography, shape (3, 3), from pixels (x, y, 1) to pixels; pixel centres have whole coordinates."""

Points = NDArray[np.floating]
"""Places x, y, shape (n, 2)."""

_CLOSE = 0.25
"""Distance from the identity (Frobenius norm) within which the series of the logarithm converges in 24 terms."""

_SERIES_TERMS = 24
_EXPONENTIAL_TERMS = 18
_SQUARE_ROOTS = 12
_NEWTON_STEPS = 30


def transfer(matrix: Matrix, points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where a homography takes points, and their depth: the homogeneous coordinate, positive in front of the camera."""
    moved = np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float64)
    depth = moved[:, 2]
    return moved[:, :2] / np.where(np.abs(depth) < 1e-12, 1e-12, depth)[:, None], depth


def unit_matrix(width: int, height: int) -> Matrix:
    """From pixels to coordinates with the picture's centre as origin and half its diagonal as unit."""
    unit = math.hypot(width, height) / 2.0
    return np.array([[1.0, 0.0, (1 - width) / 2.0], [0.0, 1.0, (1 - height) / 2.0], [0.0, 0.0, unit]]) / unit


def logarithm(matrix: Matrix) -> Matrix | None:
    """The principal logarithm, or None where there is none that is real.

    By inverse scaling and squaring (Higham, Functions of Matrices, section 11.5).
    """
    roots = 0
    with np.errstate(all="ignore"):
        while np.linalg.norm(matrix - np.eye(3)) > _CLOSE and roots < _SQUARE_ROOTS:
            root = _square_root(matrix)
            if root is None:
                return None
            matrix, roots = root, roots + 1
    if not np.linalg.norm(matrix - np.eye(3)) <= _CLOSE:
        return None
    total, power = np.zeros((3, 3)), np.eye(3)
    for term in range(1, _SERIES_TERMS + 1):
        power = power @ (np.eye(3) - matrix)
        total -= power / term
    return np.asarray(total * 2.0**roots)


def exponential(matrix: Matrix) -> Matrix:
    """The exponential of a matrix, by scaling and squaring."""
    halvings = max(0, math.ceil(math.log2(max(float(np.linalg.norm(matrix)), 1e-9))) + 2)
    scaled = matrix / 2.0**halvings
    total, power = np.eye(3), np.eye(3)
    for term in range(1, _EXPONENTIAL_TERMS + 1):
        power = power @ scaled / term
        total = total + power
    for _ in range(halvings):
        total = total @ total
    return total


def _square_root(matrix: Matrix) -> Matrix | None:
    """The principal square root, by Denman and Beavers' iteration; None where it does not converge."""
    root, inverse = matrix, np.eye(3)
    for _ in range(_NEWTON_STEPS):
        try:
            root, inverse = (root + np.linalg.inv(inverse)) / 2.0, (inverse + np.linalg.inv(root)) / 2.0
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(root).all():
            return None
    return root if np.allclose(root @ root, matrix, rtol=1e-7, atol=1e-9) else None
