"""The way of a camera between two views of one scene, from the homography that leads from one to the other.

A blend of two matrices shears and may collapse: half-way to a turn by 180 degrees it maps everything to a point. Here
the homography H is taken apart around the middle of the way,

    H = R(1/2) K R(1/2),        view(t) = R(t - 1/2) K^t R(1/2),

where R turns around the middle of the picture, by the angle of the similarity nearest to H, and K is what is left:
shift, zoom, stretch and perspective, of which a power is taken through its logarithm. So a turn turns, the middle of
the view moves along a straight line, a zoom grows by the same factor in the same time, and a camera that rotates in
its place does just that. The way back, from the inverse of H, is the same way.
"""

import cmath
import math

import numpy as np
from numpy.typing import NDArray

from pipeline.morphing.matrices import Matrix, Points, exponential, logarithm, transfer, unit_matrix

LARGEST_ZOOM = 2.5
"""The view is never narrowed further than this, whatever then shows at its borders."""

LEAST_OVERLAP = 0.02
"""Share of either picture that must be seen by the other for a way between them."""

STRETCH = 3.0
"""How far the scale of a place may stray, on the way, from an even growth between its ends."""

_TIMES = 33
"""At so many times, both ends among them, a way is looked at before it is trusted."""

_SIDE = 21
"""Points along each side of the grid that stands for a picture."""

_ZOOMS = np.geomspace(1.0, LARGEST_ZOOM, 185)
"""Zooms that are tried, each half a per cent more than the one before."""

_POWERS = (2.0, 3.0, 4.0, 6.0, 9.0, 14.0)
"""Of the humps that are tried, the gentlest first."""

_SPARE = 0.01
"""A gentler hump may be higher by this much of the logarithm of the zoom."""


class NoPath(ValueError):
    """No camera could make this way. The message says why, as a clause."""


class CameraPath:
    """The way from the view of one picture to that of another of the same size.

    `homography` leads from pixels of the first to pixels of the second. With `crop`, the view is narrowed on the way
    just so far that no border shows that neither picture fills. Raises NoPath where no camera leads from one to the
    other.
    """

    def __init__(self, homography: Matrix, width: int, height: int, crop: bool) -> None:
        self._unit = unit_matrix(width, height)
        self._back = _inverse(self._unit)
        self._corner = (np.array([width, height]) - 1) / math.hypot(width, height)
        whole = np.asarray(self._unit @ _upright(homography) @ self._back)
        self._angle = _turn(*self._shared(whole))
        rest = _rotation(-self._angle / 2.0) @ whole @ _rotation(-self._angle / 2.0)
        log_rest = logarithm(rest / np.cbrt(np.linalg.det(rest)))
        if log_rest is None:
            raise NoPath("the views differ by more than a camera's move")
        self._log_rest = log_rest
        self._whole = self._plain(1.0)
        self._check()
        self._hump = self._needed_hump() if crop else (0.0, 2.0)

    def from_first(self, t: float) -> Matrix:
        """From pixels of the first picture to pixels of the view at time `t`, 0 to 1."""
        return _normalised(self._back @ self._zoom(t) @ self._plain(t) @ self._unit)

    def from_second(self, t: float) -> Matrix:
        """From pixels of the second picture to pixels of the view at time `t`, 0 to 1."""
        away = self._plain(t) @ _inverse(self._whole)
        return _normalised(self._back @ self._zoom(t) @ away @ self._unit)

    def middle(self) -> tuple[Matrix, Matrix]:
        """From pixels of the first and of the second picture to those of the view half-way, which is not narrowed."""
        away = self._plain(0.5) @ _inverse(self._whole)
        first, second = (_normalised(self._back @ matrix @ self._unit) for matrix in (self._plain(0.5), away))
        return first, second

    def shared(self) -> tuple[Points, Points]:
        """Places that both pictures see, all over what they share: pixels of the first, and of the second."""
        back = self._back[:2]
        first, second = (points @ back[:, :2].T + back[:, 2] for points in self._shared(self._whole))
        return first, second

    @property
    def largest_zoom(self) -> float:
        """How far the view is narrowed on the way, 1 or more."""
        return math.exp(self._hump[0])

    def _plain(self, t: float) -> Matrix:
        """From the first picture to the view at `t` without a crop, in units of the picture."""
        before, after = _rotation(self._angle / 2.0), _rotation((t - 0.5) * self._angle)
        return np.asarray(after @ exponential(t * self._log_rest) @ before)

    def _zoom(self, t: float) -> Matrix:
        height, power = self._hump
        zoom = math.exp(height * float(_hump(t, power)))
        return np.diag([zoom, zoom, 1.0])

    def _grid(self) -> Points:
        """Points all over a picture, its borders among them."""
        x, y = (np.linspace(-end, end, _SIDE) for end in self._corner)
        return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)

    def _inside(self, matrix: Matrix, points: Points) -> NDArray[np.bool_]:
        """Which points a homography takes into a picture, or to within a thousandth of its size."""
        moved, depth = transfer(matrix, points)
        return np.asarray((np.abs(moved) <= self._corner + 1e-3).all(axis=1) & (depth > 0))

    def _shared(self, whole: Matrix) -> tuple[Points, Points]:
        """What both pictures see: its points in the first one and in the second, an even grid of either."""
        grid = self._grid()
        seen = grid[self._inside(whole, grid)]
        away = _inverse(whole)
        seen_back = grid[self._inside(away, grid)]
        if min(len(seen), len(seen_back)) < LEAST_OVERLAP * len(grid):
            raise NoPath("the views share too little")
        first = np.concatenate([seen, transfer(away, seen_back)[0]])
        return first, np.concatenate([transfer(whole, seen)[0], seen_back])

    def _check(self) -> None:
        """Whether what both pictures see keeps its orientation and grows evenly, all the way."""
        points, _ = self._shared(self._whole)
        ends = _log_scales(self._whole, points)
        for t in np.linspace(0.0, 1.0, _TIMES):
            now = _log_scales(self._plain(t), points)
            if now is None or ends is None or float(np.abs(now - t * ends).max()) > math.log(STRETCH):
                raise NoPath("the way between the views tears the picture")

    def _needed_hump(self) -> tuple[float, float]:
        """Height (logarithm of a zoom) and power of a hump over what is needed, as gentle as it can be and yet low."""
        times, grid = np.linspace(0.0, 1.0, _TIMES)[1:-1], self._grid()
        needed = np.array([self._needed_zoom(float(t), grid) for t in times])
        heights = {power: float((needed / _hump(times, power)).max()) for power in _POWERS}
        low = min(heights.values()) + _SPARE
        return next((height, power) for power, height in heights.items() if height <= low)

    def _needed_zoom(self, t: float, grid: Points) -> float:
        """Logarithm of the least zoom with which every place of the view at `t` is seen by a picture."""
        to_first = _inverse(self._plain(t))
        ways = to_first, np.asarray(self._whole @ to_first)
        for zoom in _ZOOMS:
            seen = self._inside(ways[0], grid / zoom) | self._inside(ways[1], grid / zoom)
            if seen.all():
                return math.log(zoom)
        return math.log(LARGEST_ZOOM)


def _upright(homography: Matrix) -> Matrix:
    """The same homography with a positive determinant: depths are then positive wherever orientation is kept."""
    determinant = float(np.linalg.det(homography)) if np.isfinite(homography).all() else 0.0
    if abs(determinant) < 1e-12:
        raise NoPath("the alignment is degenerate")
    return np.asarray(homography * math.copysign(1.0, determinant), np.float64)


def _turn(first: Points, second: Points) -> float:
    """Angle in radians of the similarity that leads most nearly from points to points; its inverse leads back."""
    z0, z1 = first @ np.array([1, 1j]), second @ np.array([1, 1j])
    return cmath.phase(complex(np.vdot(z0 - z0.mean(), z1 - z1.mean())))


def _rotation(angle: float) -> Matrix:
    """Around 0, in radians."""
    turn = cmath.rect(1.0, angle)
    return np.array([[turn.real, -turn.imag, 0.0], [turn.imag, turn.real, 0.0], [0.0, 0.0, 1.0]])


def _log_scales(matrix: Matrix, points: Points) -> NDArray[np.float64] | None:
    """Logarithm of a homography's linear scale at points; None where one lies behind the camera."""
    _, depth = transfer(matrix, points)
    if (depth <= 0).any():
        return None
    return np.asarray((math.log(np.linalg.det(matrix)) - 3.0 * np.log(depth)) / 2.0)


def _hump(t: NDArray[np.float64] | float, power: float) -> NDArray[np.float64]:
    """A smooth rise from 0 to 1 and back, the flatter in the middle and steeper at both ends the higher its power."""
    return np.asarray(1.0 - np.abs(2.0 * np.asarray(t) - 1.0) ** power)


def _inverse(matrix: Matrix) -> Matrix:
    return np.asarray(np.linalg.inv(matrix), np.float64)


def _normalised(matrix: Matrix) -> Matrix:
    return np.asarray(matrix / matrix[2, 2])
