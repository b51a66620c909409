"""Short films of known truth: a window that moves over a photo, and what light and cameras do to it."""

from collections.abc import Callable

import cv2
import numpy as np

from pipeline.enhancement.steady import steadied
from pipeline.enhancement.tone_path import Wishes
from pipeline.frames import Frame
from tests.photos import photo

SIZE = (240, 160)


def pan(name: str, count: int, speed: float = 1.0) -> list[Frame]:
    """A camera that moves to the right by `speed` pixels a frame."""
    whole = photo(name)

    def view(index: int) -> Frame:
        matrix = np.array([[1.0, 0.0, 20.0 + speed * index], [0.0, 1.0, 60.0]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(whole, matrix, SIZE, flags=flags), np.uint8)

    return [view(index) for index in range(count)]


def lit(film: list[Frame], light: Callable[[int], tuple[float, ...]]) -> list[Frame]:
    """The film with the levels of frame k multiplied by `light(k)`: one factor, or one for each channel."""
    return [np.clip(np.rint(frame * np.array(light(k))), 0, 255).astype(np.uint8) for k, frame in enumerate(film)]


def corrected(film: list[Frame], deflicker: float = 0.0, colour: float = 0.0, fps: float = 24.0) -> list[Frame]:
    """The film as it comes out."""
    return [each.corrected() for each in steadied(iter(film), fps, Wishes(deflicker, colour))]


def levels(film: list[Frame]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Mean of each channel of each frame, shape (count, 3)."""
    return np.stack([frame.mean(axis=(0, 1)) for frame in film])


def light_error(film: list[Frame], truth: list[Frame]) -> float:
    """The mean difference of the frames' levels."""
    return float(np.abs(levels(film) - levels(truth)).mean())
