"""The sway of a camera held by hand: smooth, band-limited, and the same for the same seed."""

import math

import numpy as np

from pipeline.motion_plan import FRAMES_PER_UNIT_TIME

_PITCHES = (1.0, 0.618, 1.414)
"""Frequencies of the three sines relative to the rate: incommensurate, so that the sway does not seem to repeat."""

_WEIGHTS = (0.5, 0.3, 0.2)
"""Their amplitudes, which add up to 1."""

_REACH = (0.8, 0.6, 0.4)
"""Largest x and y offset as parts of the amplitude (0.8^2 + 0.6^2 = 1), and largest roll in radians per amplitude."""


class Sway:
    """Offset and roll of the hand-held camera."""

    def __init__(self, amplitude: float, rate: float, num_frames: int, loop: bool, seed: int) -> None:
        """`amplitude` is a fraction of the frame's height, `rate` in swings per 30 frames.

        In a loop every frequency is rounded to a whole number of swings, at least one.
        """
        self._amplitude = amplitude
        cycles = np.array(_PITCHES) * rate / FRAMES_PER_UNIT_TIME
        if loop:
            cycles = np.maximum(np.round(cycles * num_frames), 1) / num_frames
        self._speeds = 2 * math.pi * cycles
        self._phases = 2 * math.pi * np.random.default_rng(seed).random((3, len(_PITCHES)))

    def at(self, index: int) -> tuple[complex, float]:
        """Offset in frame `index`, in fractions of the height and never longer than the amplitude; roll in radians."""
        swings = np.sin(self._speeds * index + self._phases) @ np.array(_WEIGHTS)
        x, y, roll = self._amplitude * np.array(_REACH) * swings
        return complex(x, y), float(roll)
