"""Leaves that come loose in a region and fall gently over the picture below it."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.engines.motion.oscillation import Clock
from pipeline.engines.motion.patch import Patch
from pipeline.engines.motion.swaying import SwayMover
from pipeline.frames import Frame
from pipeline.motion_plan import FRAMES_PER_UNIT_TIME, Region

LEAVES_A_UNIT_TIME = 14.0
"""Leaves that come loose in 30 frames."""

FIRST_LEAVES, GUST = 8, 15.0
"""Leaves that a first gust takes within this many frames, so that a short clip shows some."""

FALL = (0.14, 0.25)
"""Distance that a small and a large leaf fall in 30 frames, as a fraction of the square root of the plate's area."""

LENGTH = (0.013, 0.03)
"""Length of a small and of a large leaf, as such a fraction."""

APPEARING = 10
"""Frames in which a leaf comes loose."""

OUTLINE = np.array(
    [(-1.0, 0.0), (-0.7, 0.28), (-0.3, 0.46), (0.1, 0.48), (0.5, 0.32), (0.8, 0.13), (1.25, 0.0)], dtype=np.float64
)
"""One half of a leaf along its midrib, in half lengths: a blunt base, a pointed tip."""

SUBPIXEL_BITS = 4

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class _Leaves:
    """All leaves of a clip, one number each: times in frames, lengths in pixels, angles in radians."""

    birth: Numbers
    start: Numbers
    """Where it comes loose, (count, 2)."""
    fall: Numbers
    """Pixels a frame."""
    length: Numbers
    wind: Numbers
    swing: Numbers
    """Half width of its swinging to and fro."""
    swing_rate: Numbers
    phase: Numbers
    turn: Numbers
    turn_rate: Numbers
    tumble: Numbers
    tumble_rate: Numbers
    colour: Numbers
    """(count, 3)."""


@dataclass(frozen=True)
class _Pose:
    """One leaf at one moment: `flat` is the cosine of its tilt out of the picture, `opacity` from 0 to 1."""

    x: float
    y: float
    angle: float
    flat: float
    length: float
    opacity: float


class FallingLeavesMover:
    """Sways the foliage a little and lets leaves of its colours fall; they may go anywhere below the region."""

    def __init__(self, plate: Frame, patch: Patch, region: Region, clock: Clock, seed: int) -> None:
        """Draw the lot of each leaf of the clip."""
        self._sway = SwayMover(plate, patch, region, clock, seed)
        self._clock = clock
        self._leaves = _draw_lots(plate, patch, region, clock, np.random.default_rng([seed, 1]))
        slowest = float(self._leaves.fall.min(initial=math.inf))
        self._life = math.ceil((plate.shape[0] + 0.1 * patch.unit) / slowest) if self._leaves.birth.size else 0

    def apply(self, canvas: Frame, index: int) -> None:
        """Write frame `index` into `canvas`, a picture of the plate's size."""
        self._sway.apply(canvas, index)
        for number, age in self._in_the_air(index):
            _draw(canvas, _pose(self._leaves, number, age), self._leaves.colour[number])

    def _in_the_air(self, index: int) -> list[tuple[int, float]]:
        """Numbers and ages in frames of the leaves that have come loose; in a loop they fall on into its start."""
        ages = [index - self._leaves.birth]
        if self._clock.loop:
            laps = math.ceil(self._life / self._clock.num_frames) + 1
            ages = [ages[0] + lap * self._clock.num_frames for lap in range(laps)]
        return [
            (int(number), float(age[number]))
            for age in ages
            for number in np.flatnonzero((age > 0) & (age < self._life))
        ]


def _draw_lots(plate: Frame, patch: Patch, region: Region, clock: Clock, rng: np.random.Generator) -> _Leaves:
    steady = max(1, round(LEAVES_A_UNIT_TIME * math.sqrt(clock.pace) * clock.num_frames / FRAMES_PER_UNIT_TIME))
    birth = (np.arange(steady) + rng.uniform(0.0, 1.0, steady)) * clock.num_frames / steady
    if not clock.loop:
        birth = np.concatenate([rng.uniform(0.0, GUST, FIRST_LEAVES), birth])
    count = len(birth)
    size = rng.beta(1.2, 2.0, count)
    pace = clock.pace / FRAMES_PER_UNIT_TIME
    wind = math.cos(math.radians(region.direction)) if region.direction is not None else 0.35
    turns = 2.0 * math.pi * pace
    return _Leaves(
        birth=birth,
        start=_places(patch, count, rng),
        fall=(FALL[0] + (FALL[1] - FALL[0]) * size) * patch.unit * pace * rng.uniform(0.85, 1.15, count),
        length=np.maximum((LENGTH[0] + (LENGTH[1] - LENGTH[0]) * size) * patch.unit, 2.5),
        wind=(0.06 * wind + rng.normal(0.0, 0.012, count)) * patch.unit * pace,
        swing=rng.uniform(0.012, 0.032, count) * patch.unit,
        swing_rate=rng.uniform(0.3, 0.55, count) * turns,
        phase=rng.uniform(0.0, 2.0 * math.pi, count),
        turn=rng.uniform(0.0, 2.0 * math.pi, count),
        turn_rate=rng.normal(0.0, 0.18, count) * turns,
        tumble=rng.uniform(0.0, 2.0 * math.pi, count),
        tumble_rate=rng.uniform(0.25, 0.7, count) * turns,
        colour=_colours(np.ascontiguousarray(patch.crop(plate)), patch, count, rng),
    )


def _places(patch: Patch, count: int, rng: np.random.Generator) -> Numbers:
    """Places inside the mask, as x and y in the plate."""
    row, column = np.nonzero(patch.mask > 127 if (patch.mask > 127).any() else patch.mask)
    chosen = rng.integers(0, row.size, count)
    return np.stack([column[chosen] + patch.left, row[chosen] + patch.top], axis=1).astype(np.float64)


def _colours(still: Frame, patch: Patch, count: int, rng: np.random.Generator) -> Numbers:
    """Colours of leaves in the sun: the lively ones among the region's pixels, not the sky's that shines through."""
    pixels = still[patch.mask > 0].astype(np.float64)
    pixels = pixels[rng.integers(0, len(pixels), 4000)]
    warm = pixels[(np.maximum(pixels[:, 0], pixels[:, 1]) > 1.15 * pixels[:, 2] + 8.0)]
    if len(warm) < 40:
        warm = pixels
    lively = warm.max(axis=1) - 0.5 * warm.min(axis=1)
    best = warm[lively >= np.percentile(lively, 65)]
    return np.asarray(best[rng.integers(0, len(best), count)] * rng.uniform(0.9, 1.12, (count, 1)))


def _pose(leaves: _Leaves, number: int, age: float) -> _Pose:
    """A leaf swings like a pendulum while it falls, fastest in the middle of each swing, and tumbles."""
    swing = leaves.phase[number] + leaves.swing_rate[number] * age
    grown = min(1.0, age / APPEARING)
    settled = age - 12.0 * (1.0 - math.exp(-age / 12.0))
    x0, y0 = leaves.start[number]
    sideways = leaves.swing[number] * (math.sin(swing) - math.sin(leaves.phase[number]))
    lift = 0.22 * leaves.swing[number] * (math.sin(2.0 * swing) - math.sin(2.0 * leaves.phase[number]))
    return _Pose(
        x=x0 + leaves.wind[number] * settled + sideways,
        y=y0 + leaves.fall[number] * settled + lift,
        angle=leaves.turn[number] + leaves.turn_rate[number] * age + 0.7 * math.cos(swing),
        flat=math.cos(leaves.tumble[number] + leaves.tumble_rate[number] * age + 0.8 * math.sin(swing)),
        length=leaves.length[number] * (0.6 + 0.4 * grown),
        opacity=grown * grown * (3.0 - 2.0 * grown),
    )


def _draw(canvas: Frame, pose: _Pose, colour: Numbers) -> None:
    """Blend one leaf into `canvas`: two halves that fold at the midrib and catch the light differently."""
    reach = math.ceil(pose.length) + 2
    left, top = math.floor(pose.x) - reach, math.floor(pose.y) - reach
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(canvas.shape[1], left + 2 * reach + 1), min(canvas.shape[0], top + 2 * reach + 1)
    if x0 >= x1 or y0 >= y1:
        return
    box = canvas[y0:y1, x0:x1]
    drawn = np.ascontiguousarray(box)
    for side, light in ((1.0, 1.06), (-1.0, 0.86)):
        points = _half(pose, side) - (x0, y0)
        shade = light * (0.82 + 0.26 * abs(pose.flat)) * (1.0 if pose.flat > 0 else 0.9)
        fixed = np.rint(points * (1 << SUBPIXEL_BITS)).astype(np.int32)
        rgb = tuple(float(value) for value in np.clip(colour * shade, 0, 255))
        cv2.fillPoly(drawn, [fixed], rgb, cv2.LINE_AA, SUBPIXEL_BITS)
    box[...] = cv2.addWeighted(drawn, pose.opacity, box, 1.0 - pose.opacity, 0.0)


def _half(pose: _Pose, side: float) -> Numbers:
    """Corners of one half of the leaf in the plate, (corners, 2)."""
    width = side * (0.18 + 0.82 * abs(pose.flat))
    along, across = OUTLINE[:, 0] * pose.length / 2.0, OUTLINE[:, 1] * width * pose.length / 2.0
    cos, sin = math.cos(pose.angle), math.sin(pose.angle)
    return np.stack([pose.x + along * cos - across * sin, pose.y + along * sin + across * cos], axis=1)
