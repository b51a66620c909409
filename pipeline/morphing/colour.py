"""How the colours of two pictures of one scene differ, to be led over on the way.

Two things differ: how bright a camera renders what it sees, which is one curve for each channel (exposure, contrast,
white balance, a sky that is blown out), and light that changes from place to place, which is a smooth field.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame

Field = NDArray[np.float32]
"""A difference of colours in 8-bit levels, shape (height, width, 3)."""

FIELD_SIDE = 96
"""The longer side of a field in cells: what changes more quickly over a picture is its content, not its light."""

LEAST_PIXELS = 2000
"""Without so many pixels that both pictures see, there is no telling how their tones differ."""

_SMOOTH_LEVELS = 6.0
"""Blur of a curve in levels: the noise of histograms is finer than what exposure does."""

_Plane = NDArray[np.float32]
_LEVELS = np.arange(256, dtype=np.float32)


@dataclass(frozen=True)
class Tones:
    """The curves that lead the levels of the first picture to those of the second, and back, shape (256, 3)."""

    forward: NDArray[np.float32]
    backward: NDArray[np.float32]

    def first_at(self, t: float) -> NDArray[np.float32]:
        """The level at time `t` for each level of the first picture."""
        return self._between(self.forward, t)

    def second_at(self, t: float) -> NDArray[np.float32]:
        """The level at time `t` for each level of the second picture."""
        return self._between(self.backward, 1.0 - t)

    @staticmethod
    def _between(curves: NDArray[np.float32], share: float) -> NDArray[np.float32]:
        return np.asarray(_LEVELS[:, None] * (1.0 - share) + curves * share, np.float32)


def toned(picture: Frame, levels: NDArray[np.float32]) -> Field:
    """A picture with each level replaced, shape of `levels`: (256, 3)."""
    return np.asarray(cv2.LUT(picture, levels.reshape(256, 1, 3)), np.float32)


def same_tones() -> Tones:
    """Tones that stay as they are."""
    same = np.repeat(_LEVELS[:, None], 3, axis=1)
    return Tones(same, same)


def no_field() -> Field:
    """A field in which nothing differs."""
    return np.zeros((1, 1, 3), np.float32)


def measure_tones(picture0: Frame, picture1: Frame, weight: _Plane) -> Tones:
    """The curves that give both pictures the same histograms where `weight` says that they show the same."""
    if float(weight.sum()) < LEAST_PIXELS:
        return same_tones()
    shares = [
        [np.bincount(picture[..., channel].ravel(), weight.ravel(), 256) for channel in range(3)]
        for picture in (picture0, picture1)
    ]
    forward = [_curve(first, second) for first, second in zip(*shares, strict=True)]
    backward = [_curve(second, first) for first, second in zip(*shares, strict=True)]
    return Tones(np.stack(forward, axis=1), np.stack(backward, axis=1))


def measure_field(picture0: Field, picture1: Field, weight: _Plane, blur: float) -> Field:
    """What the second of two pictures is brighter than the first, blurred to `blur` of its longer side.

    Where `weight` is 0 (nothing is known) the field goes on from around.
    """
    height, width = weight.shape
    difference = picture1 - picture0
    scale = FIELD_SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    weighted = cv2.resize(difference * weight[..., None], size, interpolation=cv2.INTER_AREA)
    weights = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    return _blurred(np.asarray(weighted, np.float32), np.asarray(weights, np.float32), blur * max(size))


def _curve(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float32]:
    """For each level, the one that stands as high in the other histogram; beyond the source's levels, as far away."""
    ranks = [(np.cumsum(shares) - shares / 2) / shares.sum() for shares in (source, target)]
    present = source > 0
    found = np.interp(ranks[0][present], ranks[1], _LEVELS)
    moved = np.interp(_LEVELS, _LEVELS[present], found - _LEVELS[present])
    smooth = cv2.GaussianBlur(moved.astype(np.float32)[None], (0, 0), _SMOOTH_LEVELS, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.maximum.accumulate(np.clip(_LEVELS + smooth[0], 0, 255)), np.float32)


def _blurred(weighted: Field, weights: _Plane, sigma: float) -> Field:
    """Normalised convolution, ever wider where too little is known (Knutsson and Westin, CVPR 1993)."""
    mean = weighted.sum(axis=(0, 1)) / max(float(weights.sum()), 1e-6)
    field = np.broadcast_to(mean, weighted.shape).astype(np.float32)
    for widening in (8.0, 4.0, 2.0, 1.0):
        total = cv2.GaussianBlur(weighted, (0, 0), sigma * widening, borderType=cv2.BORDER_REPLICATE)
        known = cv2.GaussianBlur(weights, (0, 0), sigma * widening, borderType=cv2.BORDER_REPLICATE)[..., None]
        field = np.asarray((total + 0.1 * field) / (known + 0.1), np.float32)
    return field
