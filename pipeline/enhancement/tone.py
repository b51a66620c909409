"""The tone of each frame of a shot, measured against its first one: what flicker and drift do to the levels.

Means of whole frames tell light from content badly: a white bird that flies in would count as light. So what both
frames show is found by optical flow on small copies, and its levels compared, robustly. A frame is compared with an
anchor, which stays as long as the two have most in common: errors do not add up from frame to frame.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.optical_flow import Flow, Grey, dense_flow, luma, pixel_places, sample

LEVELS = np.array([[64.0], [192.0]])
"""Two levels of each channel that a tone is told by: where they end up says its gain and its offset."""

Tone = NDArray[np.float64]
"""Where LEVELS of the first frame of a shot are in another frame of it, shape (2, 3): low and high, of R, G and B."""

SIDE = 160
"""Longer side of the small copies in pixels."""

KEEP = 0.6
"""Share of pixels that anchor and frame must have in common for the anchor to stay."""

CUT = 0.25
"""Successive frames with less than this share in common belong to two shots, as in pipeline.interpolation."""

MAX_GAIN = 4.0
"""The most that one comparison multiplies contrast by, or divides it by: with more, a picture is all but black."""

_BLUR = 1.5
"""Of the small copies in pixels: what sampling between pixels does to finer detail would count as lost contrast."""

_FLAT = 4.0
"""Variance, in levels squared, that is added to either side: pictures without contrast tell of no gain."""

_TURNS = 4
"""Of reweighting, until what does not fit counts nothing."""

_FEWEST = 50
"""Pixels that must be neither black nor blown out; where fewer are, the means of all tell a gain."""

_Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """The tone of a frame, told in two ways that fail differently.

    `followed` is measured on what is seen in frame after frame: content does not matter, but over many anchors errors
    add up. `overall` matches the mean and the contrast of whole frames: nothing adds up, but new content counts as
    light. `is_cut` marks the first frame of each shot, where both are neutral.
    """

    followed: Tone
    overall: Tone
    is_cut: bool


def neutral() -> Tone:
    """The tone of the first frame of a shot."""
    return np.repeat(LEVELS, 3, axis=1)


def gain_and_offset(tone: Tone) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The line of each channel, level -> gain * level + offset, that a tone stands for; each of shape (3,)."""
    gain = (tone[1] - tone[0]) / float(LEVELS[1, 0] - LEVELS[0, 0])
    return gain, tone[0] - gain * LEVELS[0]


class ToneTracker:
    """Measures frame after frame of a film, in their order. Memory: three small copies."""

    def __init__(self) -> None:
        self._first: Frame | None = None
        self._anchor: tuple[Frame, Tone] | None = None
        self._latest: tuple[Frame, Tone] | None = None

    def __call__(self, frame: Frame) -> Reading:
        """The tone of the next frame."""
        small = _small(frame)
        tone = self._follow(small)
        if tone is None or self._first is None:
            self._first, self._anchor = small, (small, neutral())
            self._latest = self._anchor
            return Reading(neutral(), neutral(), is_cut=True)
        self._latest = small, tone
        return Reading(tone, _overall(self._first, small), is_cut=False)

    def _follow(self, small: Frame) -> Tone | None:
        """The tone by the anchor, or else by the frame before, which becomes the anchor; None after a cut."""
        if self._anchor is None or self._latest is None:
            return None
        tone = _follow(self._anchor, small, KEEP)
        if tone is None:
            self._anchor = self._latest
            tone = _follow(self._anchor, small, CUT)
        return tone


def _small(frame: Frame) -> Frame:
    height, width = frame.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _follow(known: tuple[Frame, Tone], small: Frame, least: float) -> Tone | None:
    """The tone of a frame, from one whose tone is known; None where they have less than `least` in common."""
    picture, tone = known
    if (picture == small).all():
        return tone
    forward, common = _correspondence(picture, small)
    if common.mean() < least:
        return None
    places = pixel_places(range(len(small)), small.shape[1]) + forward
    first, second = _soft(picture), sample(_soft(small), places)
    gain, offset = _line(*(np.ascontiguousarray(side[common].T) for side in (first, second)))
    return np.asarray(tone * gain + offset, np.float64)


def _overall(first: Frame, small: Frame) -> Tone:
    """The tone by which the first frame of a shot gets the mean and the contrast of another."""
    (mean0, spread0), (mean1, spread1) = (cv2.meanStdDev(picture) for picture in (first, small))
    gain = np.sqrt((spread1**2 + _FLAT) / (spread0**2 + _FLAT)).clip(1.0 / MAX_GAIN, MAX_GAIN)
    return np.asarray((mean1 + gain * (neutral().T - mean0)).T, np.float64)


def _soft(picture: Frame) -> _Samples:
    return np.asarray(cv2.GaussianBlur(picture.astype(np.float32), (0, 0), _BLUR), np.float32)


def _correspondence(picture: Frame, small: Frame) -> tuple[Flow, NDArray[np.bool_]]:
    """Where the pixels of the first picture are in the second, and which of them come back from there."""
    grey = luma(picture)
    other = _levelled(luma(small), grey)
    forward, backward = dense_flow(grey, other), dense_flow(other, grey)
    height, width = grey.shape
    places = pixel_places(range(height), width) + forward
    x, y = places[..., 0], places[..., 1]
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    strayed = np.abs(forward + sample(backward, places)).max(axis=-1)
    return forward, np.asarray(inside & (strayed < 1.0))


def _levelled(grey: Grey, like: Grey) -> Grey:
    """A picture with the mean and the contrast of another: flow takes a change of light for motion."""
    (mean, spread), (wanted_mean, wanted_spread) = ((float(g.mean()), float(g.std())) for g in (grey, like))
    gain = np.clip((wanted_spread + 1.0) / (spread + 1.0), 1.0 / MAX_GAIN, MAX_GAIN)
    return np.asarray(np.clip(np.rint((grey - mean) * gain + wanted_mean), 0, 255), np.uint8)


def _line(first: _Samples, second: _Samples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gain and offset of each channel between the samples of two pictures, shape (3, n) both.

    Means and deviations are matched, because a regression would take every mismatch for a loss of contrast. What lies
    off the line counts less, to nothing beyond 4.7 deviations (Tukey's biweight); so does what is black or blown out.
    """
    usable = (np.minimum(first, second).min(axis=0) > 3) & (np.maximum(first, second).max(axis=0) < 249)
    if usable.sum() < _FEWEST:
        means = (side.mean(axis=1, dtype=np.float64) + 1.0 for side in (second, first))
        return np.clip(np.divide(*means), 1.0 / MAX_GAIN, MAX_GAIN), np.zeros(3)
    ends = first[:, usable].astype(np.float64), second[:, usable].astype(np.float64)
    weight = np.ones(ends[0].shape[1])
    for _ in range(_TURNS):
        gain, offset = _matched(*ends, weight)
        off = np.abs(ends[1] - ends[0] * gain[:, None] - offset[:, None]).max(axis=0)
        spread = max(1.4826 * float(np.median(off)), 0.5)
        weight = np.clip(1.0 - (off / (4.7 * spread)) ** 2, 0.0, 1.0) ** 2
    return _matched(*ends, weight)


def _matched(
    first: NDArray[np.float64], second: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    share = weight / max(float(weight.sum()), 1e-9)
    means = first @ share, second @ share
    variances = [(side * side) @ share - mean**2 + _FLAT for side, mean in zip((first, second), means, strict=True)]
    gain = np.clip(np.sqrt(variances[1] / variances[0]), 1.0 / MAX_GAIN, MAX_GAIN)
    return gain, means[1] - gain * means[0]
