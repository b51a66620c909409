"""A named style laid over frames: a recipe of well-known image operations, step by step."""

from functools import cached_property

import cv2
import numpy as np

from pipeline.frames import Frame
from pipeline.style import patterns
from pipeline.style.recipe import Recipe
from pipeline.style.strokes import Grain, Plane, dabs, lines, shifted
from pipeline.style.weave import Texture, Weave

FULL_SIDE = 720
"""Lengths in recipes are pixels of a film whose shorter side has this length."""

_SMALLEST = 0.4
"""Least share of those lengths: finer strokes than this would be lost between pixels."""

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

    def follow(self, frame: Frame, is_new_shot: bool) -> "RecipePainter":  # noqa: ARG002  # shape of Painter
        """Nothing is learned from the frames before."""
        return self

    def __call__(self, frame: Frame, weave: Weave) -> Frame:
        """The frame in this style."""
        recipe, unit = self._recipe, self._unit
        ground = dabs(frame, recipe.dabs * unit) if recipe.dabs else frame
        calm = weave.lay(self._winds) if recipe.smear or recipe.relief else None
        grain = Grain(_grey(ground.astype(np.float32)), 6.0 * unit, calm)
        picture = ground.astype(np.float32)
        if recipe.smear:
            picture = grain.smear(picture, recipe.smear * unit)
        if recipe.glow:
            picture = _glowing(picture, recipe.glow, 14.0 * unit)
        picture = self._coloured(picture)
        if recipe.pigment:
            picture = self._settled(picture, weave.lay(self._clouds), unit)
        if recipe.hatching:
            picture = self._hatched(picture, weave)
        if recipe.relief:
            bristles = grain.smear(weave.lay(self._bristles), recipe.strokes * unit)
            picture = picture + self._lit(bristles, unit)[..., None]
        if recipe.lines:
            drawn = lines(_grey(frame.astype(np.float32)), recipe.line_width * unit, recipe.line_sharpness)
            picture = self._outlined(picture, drawn)
        if recipe.paper:
            picture = self._on_paper(picture, weave.lay(self._paper))
        if recipe.vignette:
            picture = picture * _vignette(frame.shape[0], frame.shape[1], recipe.vignette)[..., None]
        return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)

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
        recipe = self._recipe
        grey = _grey(picture)[..., None]
        picture = grey + np.float32(recipe.saturation) * (picture - grey)
        if recipe.lift:
            light = np.clip(picture / np.float32(255.0), 0, 1)
            picture = np.asarray(np.float32(255.0) * light ** np.float32(1 - recipe.lift), np.float32)
        picture = np.float32(127.5) + np.float32(recipe.contrast) * (picture - np.float32(127.5))
        if not recipe.tones:
            return picture
        colours = np.array([[int(tone[at : at + 2], 16) for at in (1, 3, 5)] for tone in recipe.tones], np.float64)
        at = np.linspace(0, 255, len(colours))
        ramp = np.stack([np.interp(np.arange(256), at, colours[:, channel]) for channel in range(3)], axis=-1)
        level = np.clip(np.rint(_grey(picture)), 0, 255).astype(np.uint8)
        toned = cv2.LUT(cv2.merge((level, level, level)), ramp.astype(np.float32).reshape(256, 1, 3))
        return picture + np.float32(recipe.toning) * (toned - picture)

    def _settled(self, picture: Plane, clouds: Plane, unit: float) -> Plane:
        """Density d of pigment changes a colour C to C - (C - C^2)(d - 1), which keeps white and black.

        A. Bousseau et al., "Interactive watercolor rendering with temporal coherence and abstraction" (NPAR 2006).
        """
        grey = _grey(picture)
        soft = cv2.GaussianBlur(grey, (0, 0), 3.0 * unit)
        rim = np.maximum(cv2.GaussianBlur(soft, (0, 0), 4.0 * unit) - soft, 0) / np.float32(12.0)
        density = np.float32(self._recipe.pigment) * (np.float32(0.2) * clouds + np.minimum(rim, 2.5))
        colour = np.clip(picture / np.float32(255.0), 0, 1)
        changed = colour - (colour - colour * colour) * density[..., None]
        return np.asarray(np.clip(changed, 0, 1) * np.float32(255.0), np.float32)

    def _hatched(self, picture: Plane, weave: Weave) -> Plane:
        """Tone by strokes: where it is darker more of them reach the paper, and below the middle they cross."""
        share = np.float32(self._recipe.hatching)
        light = np.clip(_grey(picture) / np.float32(255.0), 0, 1)
        first, second = np.moveaxis(weave.lay(self._hatches), -1, 0)
        ink = _reached(first, 1.0 - light) * (1 - light) + _reached(second, 0.6 - light) * np.maximum(0.6 - light, 0)
        drawn = 1 - np.clip(np.float32(1.15) * ink, 0, 0.9)
        white = np.float32(255.0)
        paper = picture / np.maximum(light, np.float32(0.05))[..., None]
        drawn_picture = np.minimum(paper, white) * drawn[..., None]
        return np.asarray(picture + share * (drawn_picture - picture), np.float32)

    def _lit(self, bristles: Plane, unit: float) -> Plane:
        """Light from the upper left on paint that stands up in ridges, in 8-bit levels."""
        step = 1.2 * unit
        slope = shifted(bristles, step, step) - shifted(bristles, -step, -step)
        return np.asarray(np.float32(42.0 * self._recipe.relief) * np.tanh(np.float32(1.6) * slope), np.float32)

    def _outlined(self, picture: Plane, drawn: Plane) -> Plane:
        """Lines in the style's darkest colour."""
        share = (np.float32(self._recipe.lines) * (1 - drawn))[..., None]
        tones = self._recipe.tones
        ink = np.array([int(tones[0][at : at + 2], 16) for at in (1, 3, 5)] if tones else [20, 18, 22], np.float32)
        return np.asarray(picture + share * (ink - picture), np.float32)

    def _on_paper(self, picture: Plane, tooth: Plane) -> Plane:
        """Paper shows where little pigment lies, and dark in its pits: the same law as for pigment."""
        colour = np.clip(picture / np.float32(255.0), 0, 1)
        changed = colour - (colour - colour * colour) * (np.float32(0.6 * self._recipe.paper) * tooth)[..., None]
        bright = np.float32(5.0 * self._recipe.paper) * tooth[..., None]
        return np.asarray(changed * np.float32(255.0) + bright, np.float32)


def _grey(picture: Plane) -> Plane:
    return np.asarray(cv2.transform(picture, _LUMA[None]), np.float32)


def _reached(strokes: Plane, tone: Plane) -> Plane:
    """How much of a stroke there is: all where the tone is dark, only its strongest middle where it is light."""
    return np.asarray(0.5 + 0.5 * np.tanh(np.float32(0.9) * (strokes + 3 * np.clip(tone, 0, 1) - np.float32(1.0))))


def _glowing(picture: Plane, share: float, radius: float) -> Plane:
    """Bright places shine over (halation): blurred lights are laid on by screening."""
    lights = np.maximum(picture - np.float32(140.0), 0) * np.float32(255 / 115)
    halo = cv2.GaussianBlur(lights, (0, 0), radius) * np.array([1.0, 0.7, 0.45], np.float32) * np.float32(share)
    return np.asarray(picture + halo * (1 - np.clip(picture, 0, 255) / np.float32(255.0)), np.float32)


def _vignette(height: int, width: int, share: float) -> Plane:
    """What a lens lets through: 1 in the middle, falling with the fourth power of the cosine towards the corners."""
    down, right = (np.linspace(-1, 1, side, dtype=np.float32) for side in (height, width))
    squared = (down[:, None] ** 2 + right[None] ** 2) / 2
    return np.asarray(1 - np.float32(share) * (1 - (1 + 0.9 * squared) ** -2.0), np.float32)
