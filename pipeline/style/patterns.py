"""Patterns that go on from edge to edge: noise, paper, clouds of pigment and hatching, cut out of white noise.

None has detail finer than FINEST pixels: between the places of its pixels, finer detail would come and go.
"""

import numpy as np

from pipeline.style.weave import Texture

FINEST = 2.2
"""Least size of a detail in pixels."""

TILE = 512
"""Side of a pattern in pixels."""


def noise(size: float, seed: int) -> Texture:
    """Blobs of about `size` pixels; deviation 1."""
    right, down = _frequencies()
    size = max(size, FINEST)
    return _filtered(np.exp(-2 * (np.pi * size / 2.355) ** 2 * (right**2 + down**2)), seed)


def clouds(size: float, seed: int) -> Texture:
    """Drifts of up to `size` pixels with ever finer ones in them, as pigment settles in water; deviation 1."""
    right, down = _frequencies()
    return _filtered((right**2 + down**2 + size**-2.0) ** -0.75, seed)


def paper(size: float, seed: int) -> Texture:
    """The tooth of drawing paper: bumps from half of `size` pixels to twice; deviation 1."""
    right, down = _frequencies()
    radius = np.hypot(right, down)
    return _filtered(np.exp(-0.5 * (np.log2(np.maximum(radius, 1e-6) * max(size, 2 * FINEST)) / 0.6) ** 2), seed)


def hatching(degrees: float, length: float, width: float, seed: int) -> Texture:
    """Strokes of a pencil of `length` and `width` pixels, `degrees` from the right upwards; deviation 1."""
    right, down = _frequencies()
    width = max(width, FINEST / 1.4)
    angle = np.deg2rad(degrees)
    along, across = right * np.cos(angle) - down * np.sin(angle), right * np.sin(angle) + down * np.cos(angle)
    strokes = np.exp(-2 * (np.pi / 2.355) ** 2 * ((length * along) ** 2 + (width * across) ** 2))
    # Without what is wider than a few strokes, the tone of the drawing is even.
    return _filtered(strokes * (1 - np.exp(-((8 * width * across) ** 2))), seed)


def _filtered(spectrum: np.ndarray[tuple[int, ...], np.dtype[np.float64]], seed: int) -> Texture:
    white = np.random.default_rng(seed).standard_normal((TILE, TILE))
    spectrum[0, 0] = 0
    made = np.fft.irfft2(np.fft.rfft2(white) * spectrum, white.shape)
    return np.asarray(made / made.std(), np.float32)


def _frequencies() -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Cycles a pixel to the right and down, of every bin."""
    return list(np.meshgrid(np.fft.rfftfreq(TILE), np.fft.fftfreq(TILE)))
