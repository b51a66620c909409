"""Which tone each frame should have: the path of the measured tones without its flicker and without its drift."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.enhancement.tone import Tone

REACH = 12
"""Frames on either side that a frame's tone is smoothed over: half a second at 24 frames per second."""

_SIGMA = 5.0
"""Of the weights over these frames, in frames."""

STEP = 16.0
"""Levels by which the mean of the frames changes where light goes on or off; nothing is smoothed over that."""

_STEP_REACH = 4
"""Frames before and after a step that must all lie on their own side of it: flicker comes back sooner."""

_INVISIBLE = 0.75
"""Levels of flicker that are left alone: as much is error of the measurement, and steady frames stay untouched."""

DRIFT_LEVELS = 32.0
"""The most that drift is corrected by, in levels; approached smoothly, so that nothing jumps at the limit."""

DRIFT_SPEED = 20.0
"""Levels per second: what changes faster is taken for light, such as a fade, and stays; from twice as fast, wholly."""

_MAX_GAIN = 1.6
"""The most that contrast is stretched or flattened by: noise would be seen."""

Curves = NDArray[np.uint8]
"""The level that each level of each channel is replaced by, shape (256, 3)."""

_ALL_LEVELS = np.arange(256.0)[:, None]


def smoothed(tones: Sequence[Tone], centre: int) -> Tone:
    """The tone number `centre` without flicker, from those around it in the same shot.

    A local polynomial with Gaussian weights (Savitzky-Golay's idea): of second order, so that a fade keeps its course,
    and of first order near the ends of a shot and at steps of the light, where one side is missing.
    """
    first, last = _between_steps(tones, centre)
    place = np.arange(first, last) - centre
    values = np.stack(tones[first:last]).reshape(len(place), -1)
    one_sided = min(-int(place[0]), int(place[-1])) < REACH // 2
    order = min(1 if one_sided else 2, len(place) - 1)
    root = np.exp(-0.25 * (place / _SIGMA) ** 2)
    basis = (place[:, None] / REACH) ** np.arange(order + 1)
    fit = np.linalg.lstsq(basis * root[:, None], values * root[:, None], rcond=None)[0]
    return np.asarray(fit[0].reshape(2, 3), np.float64)


def _between_steps(tones: Sequence[Tone], centre: int) -> tuple[int, int]:
    """The frames around `centre`, first and one after the last, that no step of the light divides from it."""
    means = [float(tone.mean()) for tone in tones]
    steps = [index for index in range(1, len(means)) if _is_step(means, index)]
    first = max((index for index in steps if index <= centre), default=0)
    return first, min((index for index in steps if index > centre), default=len(means))


def _is_step(means: Sequence[float], index: int) -> bool:
    before, after = means[max(index - _STEP_REACH, 0) : index], means[index : index + _STEP_REACH]
    if min(len(before), len(after)) < _STEP_REACH - 1:
        return False
    apart = max(min(after) - max(before), min(before) - max(after))
    return apart > STEP / 4 and abs(float(np.mean(after) - np.mean(before))) > STEP


@dataclass(frozen=True)
class Wishes:
    """How much of the flicker and of the drift is taken out, each from 0 to 1."""

    deflicker: float
    colour: float

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return self.deflicker > 0.0 or self.colour > 0.0


class Drift:
    """How far the tone of a shot has drifted from its first frame, as it goes on.

    What the smoothed tone changes slowly counts as drift. A faster change is light: it moves the tone that counts as
    the right one.
    """

    def __init__(self, fps: float) -> None:
        self._slow = DRIFT_SPEED / fps
        self._previous: Tone | None = None
        self._right: Tone | None = None

    def back(self, smooth: Tone) -> Tone:
        """What must be added to the next smoothed tone to lead it back, in levels."""
        if self._previous is None or self._right is None:
            self._right = smooth
        else:
            moved = smooth - self._previous
            drifted = np.clip(2.0 - np.abs(moved) / self._slow, 0.0, 1.0) * moved
            self._right = self._right + moved - drifted
        self._previous = smooth
        return np.asarray(self._right - smooth, np.float64)


class Course:
    """The tones that the frames of one shot should have, asked for in their order."""

    def __init__(self, wishes: Wishes, fps: float) -> None:
        self._wishes = wishes
        self._followed, self._overall = Drift(fps), Drift(fps)

    def wanted(self, tone: Tone, smooth: Tone, smooth_overall: Tone) -> Tone:
        """The tone that the next frame should have.

        `tone` and `smooth` are as followed, `smooth_overall` is the smoothed one of whole frames. Drift counts as far
        as both agree on it: one alone may be an error that has added up, or new content.
        """
        back = _agreed(self._followed.back(smooth), self._overall.back(smooth_overall))
        back = DRIFT_LEVELS * np.tanh(back / DRIFT_LEVELS)
        flicker = smooth - tone
        flicker = flicker**3 / (flicker**2 + _INVISIBLE**2)
        return np.asarray(tone + self._wishes.deflicker * flicker + self._wishes.colour * back, np.float64)


def _agreed(one: Tone, other: Tone) -> Tone:
    """The smaller of two changes where both go the same way, else none."""
    smaller = np.minimum(np.abs(one), np.abs(other))
    return np.asarray(np.where(one * other > 0.0, np.sign(one) * smaller, 0.0), np.float64)


def curves(tone: Tone, wanted: Tone) -> Curves | None:
    """What to replace levels by, so that a frame of one tone gets the other; None where nothing changes."""
    contrast = np.maximum(tone[1] - tone[0], 1.0)
    gain = np.clip((wanted[1] - wanted[0]) / contrast, 1.0 / _MAX_GAIN, _MAX_GAIN)
    mapped = wanted.mean(axis=0) + gain * (_ALL_LEVELS - tone.mean(axis=0))
    table = np.asarray(np.clip(np.rint(mapped), 0, 255), np.uint8)
    return None if (table == _ALL_LEVELS).all() else table
