"""The picture of the benchmarks: a photograph with the fine detail that a camera would have seen at 1080p."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from tests.photos import COFFEE, photo


def detailed_photo(width: int = 1920, height: int = 1080) -> Frame:
    """The photo `coffee` of scikit-image (CC0), enlarged, with texture added in the detail that it lacks.

    The texture continues the spectrum of photographs, whose amplitude falls as 1 / frequency, and is stronger where the
    photo itself has structure.
    """
    coffee = photo(COFFEE)
    scale = max(width / coffee.shape[1], height / coffee.shape[0])
    large = cv2.resize(coffee, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)[:height, :width].astype(float)
    structure = cv2.GaussianBlur(np.abs(large - cv2.GaussianBlur(large, (0, 0), 6)).mean(axis=-1), (0, 0), 12)
    textured = large + (_texture(width, height) * (2 + 0.4 * structure))[..., None]
    rounded: Frame = np.clip(np.rint(textured), 0, 255).astype(np.uint8)
    return rounded


def _texture(width: int, height: int) -> NDArray[np.float64]:
    """Noise of unit variance with a 1 / f spectrum above what the enlarged photo can hold."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    amplitude = np.where(frequency > 0.08, 1 / np.maximum(frequency, 0.08), 0)
    noise = np.fft.rfft2(np.random.default_rng(0).standard_normal((height, width)))
    texture = np.fft.irfft2(noise * amplitude, (height, width))
    return np.asarray(texture / texture.std())
