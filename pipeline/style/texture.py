"""The texture of a picture, made anew from its statistics, and how coarse its details are.

D. Heeger and J. Bergen, "Pyramid-based texture analysis/synthesis" (SIGGRAPH 1995): noise is given, over and over, the
distributions of a picture's oriented band-pass coefficients. Bands are cut in the Fourier domain, as in J. Portilla and
E. Simoncelli, "A parametric texture model" (IJCV 2000): an octave each, with angles as the third power of a cosine.
What comes out has the picture's grain, weave and direction of strokes, but none of its objects.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SCALES = 3
"""Octaves: details of about 3, 6 and 12 pixels. What is coarser is more often the shape of things than a surface."""

_ORIENTATIONS = 4
_ROUNDS = 3
"""Heeger and Bergen report that about five suffice; on a photo a fourth changed no deviation by more than about 2%."""

_TAIL = 0.02
"""Share of the coefficients at either end that is cut: the largest belong to outlines of objects, not to texture."""

_REGION = 4.0
"""Blur over which the energy of the finest octave is taken, in pixels; it doubles with each coarser one."""

_QUANTILES = np.linspace(_TAIL, 1.0 - _TAIL, 65)

_Plane = NDArray[np.float32]
_Spectrum = NDArray[np.complex64]


@dataclass(frozen=True)
class Statistics:
    """Quantiles of the coefficients of a plane, shape (SCALES, orientations, quantiles)."""

    quantiles: NDArray[np.float32]


def measure(plane: _Plane) -> Statistics:
    """The statistics of a plane of any size; its values may have any unit."""
    edge = min(2 * 2**SCALES, min(plane.shape) - 1)
    padded = np.pad(plane, edge, mode="reflect")
    spectrum = np.fft.rfft2(padded)
    found = np.empty((SCALES, _ORIENTATIONS, len(_QUANTILES)), np.float32)
    inner = slice(edge, -edge or None)
    for scale, ring in enumerate(_rings(padded.shape)):
        octave = np.fft.irfft2(spectrum * ring * ring, padded.shape)[inner, inner]
        typical = _typical_share(np.asarray(octave, np.float32), _REGION * 2**scale)
        for orientation, fan in enumerate(_fans(padded.shape)):
            band = np.fft.irfft2(spectrum * ring * fan, padded.shape)[inner, inner]
            found[scale, orientation] = typical * np.quantile(band, _QUANTILES)
    return Statistics(found)


def _typical_share(octave: _Plane, blur: float) -> float:
    """The deviation that a quarter of the places have less than, as a share of the whole deviation.

    A surface has it nearly everywhere; outlines of objects are few places with much.
    """
    energy = octave * octave
    local = cv2.GaussianBlur(energy, (0, 0), blur, borderType=cv2.BORDER_REFLECT)
    return float(np.sqrt(np.quantile(local, 0.25) / max(float(energy.mean()), 1e-9)))


def synthesise(statistics: Statistics, side: int) -> NDArray[np.float32]:
    """A texture of these statistics, one plane an octave from fine to coarse, shape (side, side, SCALES).

    It goes on from edge to edge, as all that comes from the Fourier domain does.
    """
    noise = np.random.default_rng(0).standard_normal((side, side), np.float32)
    shape = noise.shape
    rings, fans = _rings(shape), _fans(shape)
    spectrum = np.fft.rfft2(noise)
    for _ in range(_ROUNDS):
        parts = [
            np.fft.rfft2(_matched(np.fft.irfft2(spectrum * ring * fan, shape), quantiles)) * ring * np.conj(fan)
            for ring, fans_quantiles in zip(rings, statistics.quantiles, strict=True)
            for fan, quantiles in zip(fans, fans_quantiles, strict=True)
        ]
        spectrum = np.sum(parts, axis=0)
    octaves = [np.fft.irfft2(spectrum * ring * ring, shape) for ring in rings]
    return np.stack(octaves, axis=-1).astype(np.float32)


def _matched(band: NDArray[Any], quantiles: NDArray[np.float32]) -> _Plane:
    """A band whose values have these quantiles, in the order that they had."""
    return np.asarray(np.interp(band, np.quantile(band[::2, ::2], _QUANTILES), quantiles), np.float32)


def _frequencies(shape: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Radius in cycles a pixel, and angle, of every bin of a spectrum."""
    down, right = np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1]), indexing="ij")
    return np.hypot(down, right), np.arctan2(down, right)


def _rings(shape: tuple[int, ...]) -> list[_Plane]:
    """Octaves around 0.35, 0.18 and 0.09 cycles a pixel, whose squares sum to 1; the first has all above it."""
    radius = np.log2(np.maximum(_frequencies(shape)[0], 1e-9))
    rings: list[_Plane] = []
    for scale in range(SCALES):
        octave = radius - (-1.5 - scale)
        if scale == 0:
            octave = np.minimum(octave, 0)
        rings.append(np.cos(np.pi / 2 * np.clip(octave, -1, 1)).astype(np.float32))
    return rings


def _fans(shape: tuple[int, ...]) -> list[_Spectrum]:
    """Directions, whose squares sum to 1: i cos^3, odd, so that the coefficients of real pictures are real."""
    angle = _frequencies(shape)[1]
    power = sum(np.cos(angle - np.pi * k / _ORIENTATIONS) ** 6 for k in range(_ORIENTATIONS))
    lobes = [np.cos(angle - np.pi * k / _ORIENTATIONS) ** 3 / np.sqrt(power) for k in range(_ORIENTATIONS)]
    return [(1j * lobe).astype(np.complex64) for lobe in lobes]
