"""Stars that twinkle: their light changes, their places do not."""

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.engines.motion.oscillation import Clock
from pipeline.engines.motion.patch import Field, Patch
from pipeline.engines.motion.points import Points, find_points, split_light
from pipeline.frames import Frame

TWINKLE_RATES = (0.45, 0.8, 1.3)
"""Brightness changes in 30 frames: three sines a star, each a little off these rates."""

DIMMEST, BRIGHTEST = -0.65, 0.75
"""Bounds of the change of a star's light, relative to what it is in the still."""

GLOW = 0.35
"""Strength of the glow around a star that brightens, relative to its peak."""


class TwinkleMover:
    """Changes the light of each point in a region by itself, slowly.

    Only the pixels of the stars and of their glow are touched, and what changes is added to what is there: a sky that
    drifts underneath shows through.
    """

    def __init__(self, plate: Frame, patch: Patch, clock: Clock, seed: int) -> None:
        """Find the stars in the region; without any, nothing changes."""
        rng = np.random.default_rng(seed)
        still = np.ascontiguousarray(patch.crop(plate))
        points = find_points(still, patch.mask, patch.unit)
        self._patch = patch
        glow, owner = _glow(points, patch)
        _, light = split_light(still, points)
        lit = (light.max(axis=2) > 0) | (glow > 0.5)
        touched = np.flatnonzero(lit & (owner >= 0) & (patch.mask > 0))
        strength = (patch.mask.ravel()[touched] / np.float32(255))[:, None]
        self._rows, self._columns = np.divmod(touched, patch.width)
        self._owner = owner.ravel()[touched]
        self._light = light.reshape(-1, 3)[touched] * strength
        tint = _tints(still, points)
        self._glow = glow.ravel()[touched, None] * tint[self._owner] * strength
        count = len(points.radii)
        self._phases = rng.uniform(0.0, 2.0 * math.pi, (count, 3))
        spread = rng.uniform(0.75, 1.3, (count, 3))
        self._angular = np.array(
            [[clock.angular(r * s) for r, s in zip(TWINKLE_RATES, row, strict=True)] for row in spread]
        )
        self._depth = rng.uniform(0.35, 1.0, count)

    def apply(self, canvas: Frame, index: int) -> None:
        """Add the change of light at frame `index` to `canvas`, a picture of the plate's size."""
        if self._owner.size == 0:
            return
        change = self._change(index)[self._owner, None]
        added = change * self._light + np.maximum(change, 0.0) * self._glow
        box = self._patch.crop(canvas)
        lit = box[self._rows, self._columns] + added
        box[self._rows, self._columns] = np.clip(np.rint(lit), 0, 255).astype(np.uint8)

    def _change(self, index: int) -> Field:
        """Relative change of each star's light at frame `index`: 0 at frame 0."""
        wave = np.sin(self._phases + self._angular * index) - np.sin(self._phases)
        change = self._depth * wave.sum(axis=1) * 0.4
        bound = np.where(change < 0.0, DIMMEST, BRIGHTEST)
        return np.asarray(bound * np.tanh(change / bound), dtype=np.float32)


def _glow(points: Points, patch: Patch) -> tuple[Field, NDArray[np.int32]]:
    """Light of a soft disc and a small diffraction cross around each star, and which star each pixel belongs to.

    Where two of them meet, the pixel belongs to the brighter one. -1 is no star's.
    """
    glow = np.zeros((patch.height, patch.width), dtype=np.float32)
    owner = np.full((patch.height, patch.width), -1, dtype=np.int32)
    for number in range(len(points.radii) - 1, -1, -1):
        (cx, cy), radius, peak = points.centres[number], float(points.radii[number]), float(points.peaks[number])
        spikes = min(1.0, peak / 120.0) ** 2
        reach = math.ceil(2.0 * radius + 1.5 + 4.0 * radius * spikes)
        x0, x1 = max(0, round(float(cx)) - reach), min(patch.width, round(float(cx)) + reach + 1)
        y0, y1 = max(0, round(float(cy)) - reach), min(patch.height, round(float(cy)) + reach + 1)
        dx, dy = np.meshgrid(np.arange(x0, x1) - cx, np.arange(y0, y1) - cy)
        disc = np.exp(-(dx**2 + dy**2) / (2.0 * (1.3 * radius) ** 2))
        cross = np.exp(-np.abs(dx) / (1.4 * radius)) * np.exp(-((dy / (0.45 * radius)) ** 2))
        cross += np.exp(-np.abs(dy) / (1.4 * radius)) * np.exp(-((dx / (0.45 * radius)) ** 2))
        fade = np.clip((reach - np.maximum(np.abs(dx), np.abs(dy))) / 2.0, 0.0, 1.0)
        light = GLOW * peak * (0.6 * disc + spikes * cross) * fade
        mine = (light > glow[y0:y1, x0:x1]) | (dx**2 + dy**2 <= (2.0 * radius + 1.5) ** 2)
        glow[y0:y1, x0:x1][mine] = light[mine]
        owner[y0:y1, x0:x1][mine] = number
    return glow, owner


def _tints(still: Frame, points: Points) -> Field:
    """Colour of each star as factors of its brightest component, shape (count, 3)."""
    column = np.clip(np.rint(points.centres[:, 0]).astype(int), 0, still.shape[1] - 1)
    row = np.clip(np.rint(points.centres[:, 1]).astype(int), 0, still.shape[0] - 1)
    colours = still[row, column].astype(np.float32)
    return np.asarray(colours / np.maximum(colours.max(axis=1, keepdims=True), 1.0), dtype=np.float32)
