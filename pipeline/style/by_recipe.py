"""A named style laid over frames: a recipe of well-known image operations, step by step."""

from functools import cached_property

import cv2
import numpy as np

from pipeline.frames import Frame
from pipeline.style import patterns
from pipeline.style.band import Band
from pipeline.style.recipe import Recipe
from pipeline.style.strokes import (
    GAUSSIAN,
    SMEARED,
    Plane,
    blurred,
    dabs,
    dabs_reach,
    lines,
    lines_reach,
    rounded,
    shifted,
    smear,
)
from pipeline.style.weave import Texture

FULL_SIDE = 720
"""Lengths in recipes are pixels of a film whose shorter side has this length."""

_SMALLEST = 0.4
"""Least share of those lengths: finer strokes than this would be lost between pixels."""

_GLOW, _RIM, _RIDGE = 14.0, (3.0, 4.0), 1.2
"""Blur of lights that shine over, the two of the rim of pigment, and width of a ridge of paint."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601, as OpenCV's grey."""


class RecipePainter:
    """Paints each frame by itself: what it does follows from the frame and from where its textures lie.

    May be used from several threads at once.
    """

    def __init__(self, recipe: Recipe, film_side: int) -> None:
        """`film_side` is the film's shorter side in pixels: strokes are as large against it at any size."""
        self._recipe = recipe
        self._unit = max(film_side / FULL_SIDE, _SMALLEST)

    @property
    def brush(self) -> float:
        """Width of the brush in pixels."""
        return 6.0 * self._unit

    @property
    def reach(self) -> float:
        """How far in pixels a pixel of the painting depends on those around it."""
        recipe, unit = self._recipe, self._unit
        ground = dabs_reach(recipe.dabs * unit) if recipe.dabs else 0.0
        ground += SMEARED * recipe.smear * unit
        ground += GAUSSIAN * _GLOW * unit if recipe.glow else 0.0
        ground += GAUSSIAN * sum(_RIM) * unit if recipe.pigment else 0.0
        relief = SMEARED * recipe.strokes * unit + _RIDGE * unit if recipe.relief else 0.0
        drawn = lines_reach(recipe.line_width * unit) if recipe.lines else 0.0
        return max(ground, relief, drawn) + 2  # and for what is interpolated between pixels

    def follow(self, frame: Frame, is_new_shot: bool) -> "RecipePainter":  # noqa: ARG002  # shape of Painter
        """Nothing is learned from the frames before."""
        return self

    def __call__(self, frame: Frame, band: Band) -> Frame:
        """Rows of a frame in this style."""
        recipe, unit = self._recipe, self._unit
        ground = dabs(frame, recipe.dabs * unit) if recipe.dabs else frame
        direction = band.direction(band.lay(self._winds)) if recipe.smear or recipe.relief else None
        picture = ground.astype(np.float32)
        if direction is not None and recipe.smear:
            picture = smear(ground, direction, recipe.smear * unit)
        if recipe.glow:
            picture = _glowing(picture, recipe.glow, _GLOW * unit)
        picture = self._coloured(picture)
        if recipe.pigment:
            self._settle(picture, band.lay(self._clouds))
        if recipe.hatching:
            self._hatch(picture, band.lay(self._hatches))
        if direction is not None and recipe.relief:
            bristles = smear(band.lay(self._bristles), direction, recipe.strokes * unit)
            picture += self._lit(bristles)[..., None]
        if recipe.lines:
            drawn = lines(_grey(frame.astype(np.float32)), recipe.line_width * unit, recipe.line_sharpness)
            self._outline(picture, drawn)
        if recipe.paper:
            self._put_on_paper(picture, band.lay(self._paper))
        if recipe.vignette:
            picture *= _vignette(band, recipe.vignette)[..., None]
        return rounded(picture)

    @cached_property
    def _clouds(self) -> Texture:
        return patterns.clouds(120.0 * self._unit, 1)

    @cached_property
    def _winds(self) -> Texture:
        """Which way the brush goes where the picture does not say."""
        size = 240.0 * self._unit
        return np.dstack([patterns.noise(size, 6) - np.float32(0.7), patterns.noise(size, 7)])

    @cached_property
    def _bristles(self) -> Texture:
        """Broad brushes with fine hairs in them."""
        broad, fine = patterns.noise(6.0 * self._unit, 2), patterns.noise(2.5 * self._unit, 8)
        return np.asarray(0.75 * broad + 0.45 * fine, np.float32)

    @cached_property
    def _paper(self) -> Texture:
        return patterns.paper(5.5 * self._unit, 3)

    @cached_property
    def _hatches(self) -> Texture:
        """Light strokes one way, and those that cross them in the dark."""
        length, width = 42.0 * self._unit, 1.7 * self._unit
        return np.dstack([patterns.hatching(50.0, length, width, 4), patterns.hatching(118.0, length, width, 5)])

    def _coloured(self, picture: Plane) -> Plane:
        recipe, white = self._recipe, np.float32(255.0)
        grey = (1 - recipe.saturation) * np.broadcast_to(_LUMA, (3, 3))
        picture = np.asarray(cv2.transform(picture, grey + recipe.saturation * np.eye(3)), np.float32)
        if recipe.lift:
            np.clip(picture, 0, white, out=picture)
            picture /= white
            picture = np.asarray(cv2.pow(picture, 1 - recipe.lift), np.float32)
            picture *= white
        picture *= np.float32(recipe.contrast)
        picture += np.float32(127.5 * (1 - recipe.contrast))
        if not recipe.tones:
            return picture
        colours = np.array([[int(tone[at : at + 2], 16) for at in (1, 3, 5)] for tone in recipe.tones], np.float64)
        at = np.linspace(0, 255, len(colours))
        ramp = np.stack([np.interp(np.arange(256), at, colours[:, channel]) for channel in range(3)], axis=-1)
        level = cv2.convertScaleAbs(np.maximum(_grey(picture), 0))
        toned = cv2.LUT(cv2.merge((level, level, level)), ramp.astype(np.float32).reshape(256, 1, 3))
        return np.asarray(cv2.addWeighted(picture, 1 - recipe.toning, toned, recipe.toning, 0.0), np.float32)

    def _settle(self, picture: Plane, clouds: Plane) -> None:
        """Let pigment lie unevenly: in clouds, and with a dark rim where colours end."""
        fine, coarse = (sigma * self._unit for sigma in _RIM)
        soft = blurred(_grey(picture), fine)
        rim = np.maximum(blurred(soft, coarse) - soft, 0) / np.float32(12.0)
        density = np.float32(self._recipe.pigment) * (np.float32(0.2) * clouds + np.minimum(rim, 2.5))
        _lay_pigment(picture, density)
        np.clip(picture, 0, 255, out=picture)

    def _hatch(self, picture: Plane, hatches: Texture) -> None:
        """Tone by strokes: where it is darker more of them reach the paper, and below the middle they cross."""
        light = np.clip(_grey(picture) / np.float32(255.0), 0, 1)
        first, second = np.moveaxis(hatches, -1, 0)
        ink = _reached(first, 1.0 - light) * (1 - light) + _reached(second, 0.6 - light) * np.maximum(0.6 - light, 0)
        drawn = 1 - np.clip(np.float32(1.15) * ink, 0, 0.9)
        paper = picture / np.maximum(light, np.float32(0.05))[..., None]
        np.minimum(paper, np.float32(255.0), out=paper)
        paper *= drawn[..., None]
        cv2.addWeighted(picture, 1 - self._recipe.hatching, paper, self._recipe.hatching, 0.0, dst=picture)

    def _lit(self, bristles: Plane) -> Plane:
        """Light from the upper left on paint that stands up in ridges, in 8-bit levels."""
        step = _RIDGE * self._unit
        slope = shifted(bristles, step, step) - shifted(bristles, -step, -step)
        return np.asarray(np.float32(42.0 * self._recipe.relief) * np.tanh(np.float32(1.6) * slope), np.float32)

    def _outline(self, picture: Plane, drawn: Plane) -> None:
        """Draw lines in the style's darkest colour."""
        tones = self._recipe.tones
        ink = np.array([int(tones[0][at : at + 2], 16) for at in (1, 3, 5)] if tones else [20, 18, 22], np.float32)
        left = 1 - np.float32(self._recipe.lines) * (1 - drawn)
        picture -= ink
        picture *= left[..., None]
        picture += ink

    def _put_on_paper(self, picture: Plane, tooth: Plane) -> None:
        """Let paper show where little pigment lies, and dark in its pits."""
        _lay_pigment(picture, np.float32(0.6 * self._recipe.paper) * tooth)
        picture += (np.float32(5.0 * self._recipe.paper) * tooth)[..., None]


def _grey(picture: Plane) -> Plane:
    return np.asarray(cv2.transform(picture, _LUMA[None]), np.float32)


def _lay_pigment(picture: Plane, density: Plane) -> None:
    """Change a picture by pigment that lies `density` thicker than everywhere: white and black stay.

    Density d changes a colour C to C - (C - C^2)(d - 1): A. Bousseau et al., "Interactive watercolor rendering with
    temporal coherence and abstraction" (NPAR 2006).
    """
    np.clip(picture, 0, 255, out=picture)
    change = np.float32(255.0) - picture
    change *= picture
    change *= (density / np.float32(255.0))[..., None]
    picture -= change


def _reached(strokes: Plane, tone: Plane) -> Plane:
    """How much of a stroke there is: all where the tone is dark, only its strongest middle where it is light."""
    return np.asarray(0.5 + 0.5 * np.tanh(np.float32(0.9) * (strokes + 3 * np.clip(tone, 0, 1) - np.float32(1.0))))


def _glowing(picture: Plane, share: float, radius: float) -> Plane:
    """Bright places shine over (halation): blurred lights are laid on by screening."""
    lights = np.maximum(picture - np.float32(140.0), 0)
    halo = blurred(lights, radius)
    halo *= np.array([1.0, 0.7, 0.45], np.float32) * np.float32(share * 255 / 115)
    halo *= 1 - np.clip(picture, 0, 255) / np.float32(255.0)
    halo += picture
    return np.asarray(halo, np.float32)


def _vignette(band: Band, share: float) -> Plane:
    """What a lens lets through: 1 in the middle, falling with the fourth power of the cosine towards the corners."""
    down, right = (np.linspace(-1, 1, side, dtype=np.float32) for side in (band.weave.height, band.weave.width))
    squared = (down[band.rows.needed, None] ** 2 + right[None] ** 2) / 2
    return np.asarray(1 - np.float32(share) * (1 - (1 + 0.9 * squared) ** -2.0), np.float32)
