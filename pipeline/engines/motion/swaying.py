"""Plants and hair that sway in the wind: everything stays rooted, nothing streams away."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.engines.motion.oscillation import Clock, Oscillation, Wave
from pipeline.engines.motion.patch import Field, Patch
from pipeline.engines.motion.velocity import smooth_noise
from pipeline.frames import Frame
from pipeline.motion_plan import Region, RegionKind


@dataclass(frozen=True)
class SwayStyle:
    """How one kind of thing sways. Lengths are fractions of the square root of the plate's area."""

    gust: float
    """How far a gust bends things."""

    gust_length: float
    """Distance between two gusts that run over the region."""

    gust_rate: float
    """Gusts in 30 frames."""

    flutter: float
    """How far small parts tremble, each in its own time."""

    flutter_size: float
    """Size of the parts that tremble together."""

    flutter_rate: float
    """Trembles in 30 frames."""

    edge: float = 0.012
    """Width of the band along the area's edge over which the motion dies down."""

    rooted: int = 0
    """Where it grows from: 1 the bottom of the area, -1 its top, 0 everywhere."""

    blade: float = 0.1
    """Length over which bending grows from the root to its full."""


SWAY_STYLES = {
    RegionKind.LEAVES: SwayStyle(0.0035, 0.55, 0.45, 0.0011, 0.03, 1.3),
    RegionKind.FALLING_LEAVES: SwayStyle(0.0025, 0.6, 0.35, 0.0009, 0.03, 1.0),
    RegionKind.GRASS: SwayStyle(0.005, 0.45, 0.5, 0.001, 0.025, 1.3, rooted=1, blade=0.08),
    RegionKind.HAIR: SwayStyle(0.005, 0.4, 0.3, 0.0012, 0.05, 0.6, edge=0.03, rooted=-1, blade=0.3),
}
"""The swaying kinds."""

GUST_PITCHES = ((1.0, 1.0), (0.62, 0.7), (1.45, 0.45))
"""Rate and strength of the gusts, relative to the style's: together they come and go without a beat."""


class SwayMover:
    """Bends a region to and fro: one smooth displacement, in which every place returns to where it was."""

    def __init__(self, plate: Frame, patch: Patch, region: Region, clock: Clock, seed: int) -> None:
        """Prepare the waves; `region.kind` is one of SWAY_STYLES."""
        rng = np.random.default_rng(seed)
        style = SWAY_STYLES[region.kind]
        self._plate, self._patch = plate, patch
        soft = patch.softness(style.edge) * _bending(patch, style)
        wind = math.radians(region.direction or 0.0)
        waves = _gusts(patch, style, soft, wind, clock, rng) + _flutter(patch, style, soft, clock, rng)
        self._sway = Oscillation(waves, (patch.rows, patch.columns, 2))

    def apply(self, canvas: Frame, index: int) -> None:
        """Write frame `index` of the region into `canvas`, a picture of the plate's size."""
        self._patch.write(self._patch.warp(self._plate, self._sway.at(index)), canvas)


def _bending(patch: Patch, style: SwayStyle) -> Field:
    """How far each cell bends, from 0 at its root to 1 a blade's length away from it."""
    inside = patch.inside > 0
    if not style.rooted:
        return np.ones((patch.rows, patch.columns), dtype=np.float32)
    rows = np.arange(patch.height, dtype=np.float32)
    if style.rooted > 0:
        root = patch.height - 1.0 - np.argmax(inside[::-1], axis=0)
    else:
        root = np.argmax(inside, axis=0).astype(np.float64)
    root = cv2.blur(
        root.astype(np.float32)[None, :], (max(1, patch.width // 20) | 1, 1), borderType=cv2.BORDER_REPLICATE
    )
    length = min(style.blade * patch.unit, float(patch.height))
    away = np.clip(style.rooted * (root - rows[:, None]) / length, 0.0, 1.0)
    return patch.to_grid((away**1.5).astype(np.float32))


def _gusts(
    patch: Patch, style: SwayStyle, soft: Field, wind: float, clock: Clock, rng: np.random.Generator
) -> list[Wave]:
    """Waves that run with the wind and bend things along it, a little ahead here and behind there."""
    x, y = patch.centres()
    waves = []
    for pitch, strength in GUST_PITCHES:
        heading = wind + rng.normal(0.0, 0.3)
        along = (x * math.cos(heading) - y * math.sin(heading)) / patch.unit
        angle = 2.0 * math.pi * along / style.gust_length + 1.2 * smooth_noise(patch, 0.12, rng)
        bend = np.array([math.cos(wind), -math.sin(wind) + rng.normal(0.0, 0.25)], dtype=np.float32)
        amplitude = (0.5 * strength * style.gust * patch.unit * soft)[..., None] * bend
        waves.append(Wave(amplitude, angle, clock.angular(style.gust_rate * pitch)))
    return waves


def _flutter(patch: Patch, style: SwayStyle, soft: Field, clock: Clock, rng: np.random.Generator) -> list[Wave]:
    """Trembling of small parts, each with its own phase and direction."""
    waves = []
    for pitch in (0.7, 1.0, 1.6):
        angle = 2.0 * math.pi * smooth_noise(patch, 2.0 * style.flutter_size, rng)
        direction = np.dstack([smooth_noise(patch, style.flutter_size, rng) for _ in range(2)])
        amplitude = 0.4 * style.flutter * patch.unit * soft[..., None] * np.clip(direction, -2.0, 2.0)
        waves.append(Wave(amplitude.astype(np.float32), angle, clock.angular(style.flutter_rate * pitch)))
    return waves
