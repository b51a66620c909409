"""The style of a picture laid over frames: its colours, and how much detail of each size its surface has.

In the manner of X. Huang and S. Belongie, "Arbitrary style transfer in real-time with adaptive instance normalization"
(ICCV 2017), statistics of the content are given those of the style; but in colours and in fixed octaves of detail, not
in the features of a network. Detail that the style has less of is softened; detail that it has more of is woven in,
from its own synthesised texture, where the content is calm, so that what the frame shows stays to be seen.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.style.band import Band
from pipeline.style.palette import ColourMap, samples, transport
from pipeline.style.strokes import GAUSSIAN, SMEARED, Plane, along, blurred, rounded, smear
from pipeline.style.texture import SCALES, measure, synthesise

LEARN_EVERY = 12
"""Frames after which the colours of a shot are measured again."""

LEARN_SHARE = 0.02
"""Share of the way to what was last measured that the map of colours goes with each frame: it settles in 2 seconds."""

MIN_DETAIL = 0.35
"""Least share of the content's own detail that is left, whatever the style has."""

_FINEST_SIDE, _LARGEST_SIDE = 256, 1024
"""Bounds in pixels of the shorter side at which a style is measured; in between it is that of the film."""

TILE = 512
"""Side of the style's texture in pixels; films smaller than it take half of that."""

_LONGEST_STROKE = 14.0
"""Pixels of a film 720 pixels high over which texture is drawn along the content's lines, for a style that is all
strokes."""

_OCTAVE = 0.9
"""Blur in pixels that the finest octave is taken from; it doubles with each coarser one."""

_NEIGHBOURHOOD = 3.0
"""Blur in pixels over which the energy of the finest octave is taken; it doubles with each coarser one."""

MAX_TEXTURE = 0.45
"""Most deviation of the texture, as a share of the style's: pictures of grass and gravel have no other, and frames made
of nothing else could not be recognised."""


class ImageStyle:
    """What is known of a style picture for films of one size: measured once, for all frames and shots.

    `colours` are OKLab; `details` are the deviations of its octaves in 8-bit levels; `texture` is what its surface has
    of them where there are no objects, a plane an octave, with the deviations `deviations`. `stroke` is the length in
    pixels over which texture follows the content's lines, and `boost` what that takes from its contrast.
    """

    def __init__(self, style: Frame, film_side: int) -> None:
        """`film_side` is the film's shorter side in pixels: strokes of the style are as large against the film's."""
        grey = _grey(_scaled(style, film_side))
        self.unit = film_side / 720
        self.colours = samples(style)
        self.details = np.array([band.std() for band in _octaves(grey)], np.float32)
        self.texture = synthesise(measure(grey), TILE if film_side > TILE else TILE // 2)
        contrast = float(self.texture.sum(axis=2).std())
        self.texture *= np.float32(min(1.0, MAX_TEXTURE * float(grey.std()) / max(contrast, 1e-3)))
        self.deviations = self.texture.std(axis=(0, 1))
        self.stroke = _LONGEST_STROKE * self.unit * _strokiness(grey)
        whole = np.ascontiguousarray(self.texture.sum(axis=2))
        drawn = smear(whole, along(np.zeros((*whole.shape, 2), np.float32)), self.stroke)
        self.boost = float(whole.std() / max(float(drawn.std()), 1e-3))


@dataclass(frozen=True)
class _Look:
    """What one frame is painted with; `gains` say how much of the content's own detail stays, an octave each."""

    style: ImageStyle
    colours: ColourMap
    gains: NDArray[np.float32]

    @property
    def brush(self) -> float:
        """Width of the brush in pixels."""
        return 6.0 * self.style.unit

    @property
    def reach(self) -> float:
        """How far in pixels a pixel depends on those around it."""
        octaves = GAUSSIAN * 2.0 ** (SCALES - 1) * (_OCTAVE + _NEIGHBOURHOOD)
        return octaves + SMEARED * self.style.stroke + 2

    def __call__(self, frame: Frame, band: Band) -> Frame:
        """Rows of a frame in the colours and with the texture of the style."""
        toned = self.colours(frame)
        grey = _grey(toned)
        woven = cv2.split(band.lay(self.style.texture))
        change, filling = np.zeros_like(grey), np.zeros_like(grey)
        for scale, octave in enumerate(_octaves(grey)):
            gain, wanted = self.gains[scale], self.style.deviations[scale]
            change += (gain - 1) * octave
            filling += _missing(gain * octave, float(wanted), _NEIGHBOURHOOD * 2**scale) * woven[scale]
        if self.style.stroke >= 1:
            filling = np.float32(self.style.boost) * smear(filling, band.direction(), self.style.stroke)
        change += filling
        return rounded(toned + change[..., None])


class ImagePainter:
    """Learns the colours and the detail of each shot while it goes by. The looks may be used from several threads."""

    def __init__(self, style: ImageStyle) -> None:
        self._style = style
        self._now: _Look | None = None
        self._goal: _Look | None = None
        self._age = 0

    def follow(self, frame: Frame, is_new_shot: bool) -> _Look:
        """What the next frame is painted with. A new shot starts with its own statistics; then they change slowly."""
        if is_new_shot or self._now is None or self._goal is None:
            self._now = self._goal = self._measured(frame)
            self._age = 0
            return self._now
        self._age += 1
        if self._age % LEARN_EVERY == 0:
            self._goal = self._measured(frame)
        colours = self._now.colours.towards(self._goal.colours, LEARN_SHARE)
        gains = self._now.gains + np.float32(LEARN_SHARE) * (self._goal.gains - self._now.gains)
        self._now = _Look(self._style, colours, gains)
        return self._now

    def _measured(self, frame: Frame) -> _Look:
        colours = transport(samples(frame), self._style.colours)
        own = np.array([band.std() for band in _octaves(_grey(colours(frame)))], np.float32)
        gains = np.clip(self._style.details / np.maximum(own, np.float32(1e-3)), MIN_DETAIL, 1.0)
        return _Look(self._style, colours, np.asarray(gains, np.float32))


def _missing(band: Plane, wanted: float, blur: float) -> Plane:
    """The share, 0 to 1, of the style's deviation `wanted` that an octave of the content does not have by itself."""
    energy = blurred(band * band, blur)
    share = 1 - energy / np.float32(max(wanted * wanted, 1e-6))
    return np.asarray(np.sqrt(np.maximum(share, 0)), np.float32)


def _octaves(grey: Plane) -> list[Plane]:
    """Differences of Gaussians about as wide as the rings of pipeline.style.texture, finest first."""
    softer = (blurred(grey, _OCTAVE * 2**scale) for scale in range(SCALES))
    return [fine - coarse for fine, coarse in pairwise([grey, *softer])]


def _scaled(style: Frame, film_side: int) -> Frame:
    height, width = style.shape[:2]
    side = min(max(film_side, _FINEST_SIDE), _LARGEST_SIDE)
    scale = side / min(height, width)
    # A panorama is cut, so that it is not larger than memory allows for.
    size = min(round(width * scale), 2 * side), min(round(height * scale), 2 * side)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    whole = cv2.resize(style, (max(round(width * scale), 1), max(round(height * scale), 1)), interpolation=how)
    return np.ascontiguousarray(whole[: size[1], : size[0]])


def _strokiness(grey: Plane) -> float:
    """How much the fine detail of a picture runs in lines, from 0 (grain) to 1 (parallel strokes).

    The coherence of its structure tensor (J. Bigun and G. Granlund, 1987) over a brush's width, less that of noise.
    """
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 4.0)
    across, down = (cv2.Sobel(fine, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    xx, yy, xy = (cv2.GaussianBlur(part, (0, 0), 5.0) for part in (across * across, down * down, across * down))
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy * xy).sum() / max(float((xx + yy).sum()), 1e-6)
    return float(np.clip((coherence - 0.25) / 0.5, 0, 1))


def _grey(frame: Frame) -> Plane:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
