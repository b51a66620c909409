"""Time in a clip, and fields that swing in it."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from pipeline.engines.motion.patch import Field
from pipeline.motion_plan import FRAMES_PER_UNIT_TIME


@dataclass(frozen=True)
class Clock:
    """Turns rates into periods. In a loop every period divides the clip, so that its end leads into its start.

    `pace` is how much faster than is natural everything swings.
    """

    num_frames: int
    loop: bool
    pace: float = 1.0

    def angular(self, cycles: float) -> float:
        """Radians per frame of something that swings `cycles` times in 30 frames at pace 1."""
        swings = cycles * self.pace * self.num_frames / FRAMES_PER_UNIT_TIME
        return 2.0 * math.pi * (max(1, round(swings)) if self.loop else swings) / self.num_frames

    def period(self, frames: float) -> float:
        """The period nearest to `frames` that half divides the clip when it loops, in frames."""
        if not self.loop:
            return frames
        halves = max(1, round(2.0 * self.num_frames / frames))
        return 2.0 * self.num_frames / halves


@dataclass(frozen=True)
class Wave:
    """One travelling wave: `amplitude * sin(angle - angular * t)`, both fields on the grid.

    `amplitude` has the shape (rows, columns, components), `angle` (rows, columns) in radians, `angular` is in radians
    per frame.
    """

    amplitude: Field
    angle: Field
    angular: float


class Oscillation:
    """A sum of travelling waves, less what the sum is at t = 0: a clip begins with the still as it is.

    sin(a - wt) - sin(a) = sin(a) (cos wt - 1) - cos(a) sin wt: the fields stand still and only two numbers a wave
    change with time, so that a frame costs one matrix product.
    """

    def __init__(self, waves: list[Wave], shape: tuple[int, ...]) -> None:
        """Hold the sum of `waves` as fields of `shape` (rows, columns, components)."""
        self._shape = shape
        self._angular = np.array([wave.angular for wave in waves])
        sines = [wave.amplitude * np.sin(wave.angle)[..., None] for wave in waves]
        cosines = [wave.amplitude * np.cos(wave.angle)[..., None] for wave in waves]
        self._basis = np.array(sines + cosines, dtype=np.float32).reshape(2 * len(waves), math.prod(shape))

    @classmethod
    def still(cls, shape: tuple[int, ...]) -> Self:
        """No motion at all."""
        return cls([], shape)

    def at(self, index: int) -> Field:
        """The field at frame `index`: float32 of the shape given, 0 at frame 0."""
        turned = self._angular * index
        weights = np.concatenate([np.cos(turned) - 1.0, -np.sin(turned)]).astype(np.float32)
        return np.asarray((weights @ self._basis).reshape(self._shape), dtype=np.float32)
