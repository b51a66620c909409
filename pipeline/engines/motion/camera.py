"""Where the camera looks in every frame: pure geometry in float64, without pixels.

Points are complex numbers, x + iy, in pixels of the video, with y downwards. On the *screen* the origin is the middle
of the frame; in the *picture* it is the middle of the picture, which is `width` x `height` at magnification 1.

Zoom, pan and roll are constant speeds on the screen: a point p of the content moves with

    dp/de = (ln zoom) (p - focus) + i roll p - pan

where e is the eased part of the travel, from 0 to 1. The solution is a similarity of gain exp((ln zoom + i roll) e),
so a zoom is exponential in e (its perceived speed is constant), what lies under the focus stays where it is on the
screen, and a pan keeps its speed on the screen while the camera zooms. Sway and dolly zoom are put on top of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.engines.motion.easing import ease, ease_there_and_back
from pipeline.engines.motion.sway import Sway
from pipeline.motion_plan import Camera

Points = NDArray[np.complex128]

LARGE_OVERSCAN = 4.0
"""A picture cropped this much at its widest is worth a word to the user."""

DOLLY_RADIUS = 0.45
"""Radius of the subject of a dolly zoom as a fraction of the frame's height."""

EDGE_POINTS = 256
"""A dolly zoom bends the edges of the view; this many points on each stand for it (error under 0.05 px at 4K)."""


@dataclass(frozen=True)
class Similarity:
    """z -> gain * z + shift: a turn, a uniform scale and a translation."""

    gain: complex = 1 + 0j
    shift: complex = 0j

    def __call__(self, points: Points) -> Points:
        """Map points of any shape."""
        return self.gain * points + self.shift

    def after(self, first: "Similarity") -> "Similarity":
        """The map that does `first` and then this one."""
        return Similarity(self.gain * first.gain, self.gain * first.shift + self.shift)


@dataclass(frozen=True)
class Radial:
    """The dolly zoom: p -> focus + (p - focus) h(u) with h = (u + 1) / ((1 + k) u + 1) and u = (|p - focus| / R)^4.

    Inside the radius R the picture keeps its size; far outside it is magnified by 1 + k. The mapped radius grows with
    |p - focus|, so nothing folds, for -1 < k < 16/9: its derivative has the sign of (1 + k) u^2 + (2 - 3 k) u + 1.
    """

    focus: complex
    radius: float
    strength: float

    def __call__(self, points: Points) -> Points:
        """Map points of any shape from the screen to the undistorted screen."""
        arm = points - self.focus
        far = ((arm.real**2 + arm.imag**2) / self.radius**2) ** 2
        return self.focus + arm * ((far + 1) / ((1 + self.strength) * far + 1))


@dataclass(frozen=True)
class View:
    """The part of the picture that one frame shows: screen -> `sway` -> `dolly`, if any -> `move` -> picture."""

    sway: Similarity
    dolly: Radial | None
    move: Similarity

    def source(self, points: Points) -> Points:
        """The points of the picture that are seen at these points of the screen."""
        steady = self.sway(points)
        return self.move(steady if self.dolly is None else self.dolly(steady))

    @property
    def similarity(self) -> Similarity:
        """The view without the radial part of a dolly zoom."""
        return self.move.after(self.sway)

    @property
    def centre(self) -> complex:
        """The point of the picture in the middle of the frame, in pixels of the video from the picture's middle."""
        return complex(self.source(np.zeros(1, np.complex128))[0])

    @property
    def magnification(self) -> float:
        """Size of things on the screen; at 1 the whole picture fills the frame."""
        return 1 / abs(self.similarity.gain)

    @property
    def strength(self) -> float:
        """How much larger a dolly zoom makes what is far from its subject: 0 without one."""
        return self.dolly.strength if self.dolly else 0.0

    @property
    def angle(self) -> float:
        """Turn of the picture in degrees, in (-180, 180]; positive is clockwise."""
        return -math.degrees(np.angle(self.similarity.gain))


class CameraPath:
    """A camera's views over a clip, framed as wide as the picture allows.

    The whole path is scaled and placed so that the box around all views just fits the picture. Where that leaves room
    in one direction, the zoom point decides: the middle by default.
    """

    def __init__(self, camera: Camera, width: int, height: int, num_frames: int, loop: bool, seed: int) -> None:
        """A path over `num_frames` frames of `width` x `height` pixels; the seed decides how the camera sways.

        In a loop the camera goes there and back, and frame `num_frames` would be frame 0 again.
        """
        self.camera, self.width, self.height = camera, width, height
        self.num_frames, self.loop = num_frames, loop
        self._sway = Sway(camera.sway, camera.sway_rate, num_frames, loop, seed)
        self._focus = complex((camera.zoom_x - 0.5) * width, (camera.zoom_y - 0.5) * height)
        self._rate = complex(math.log(camera.zoom), math.radians(camera.roll))
        pan = complex(camera.pan_x * width, camera.pan_y * height)
        self._drift = self._rate.real * self._focus + pan
        self.outline = _outline(width, height, EDGE_POINTS if camera.dolly_zoom else 1)
        """Points of the screen that span every view: its corners, or points along its edges where these bend."""
        self._start = self._placement = Similarity()
        self._placement = self._fit([self])

    @classmethod
    def join(cls, paths: Sequence["CameraPath"]) -> None:
        """Let each path begin where the one before it ends, and frame them all alike, as wide as the picture allows.

        A dolly zoom ends with its path.
        """
        start = Similarity()
        for path in paths:
            path._start, path._placement = start, Similarity()
            start = path.view(path.num_frames - 1).move
        placement = cls._fit(paths)
        for path in paths:
            path._placement = placement

    def view(self, index: int) -> View:
        """What frame `index` of 0 to `num_frames - 1` shows."""
        travel = self.travel(index)
        back = np.exp(-self._rate * travel)
        drift = -np.expm1(-self._rate * travel) / self._rate if self._rate else travel
        move = self._start.after(Similarity(complex(back), complex(self._drift * drift)))
        return View(self._swayed(index), self._dolly(travel), self._placement.after(move))

    def travel(self, index: int) -> float:
        """The part of the camera's travel that is done in frame `index`, from 0 to 1."""
        if self.loop:
            return ease_there_and_back(self.camera.easing, index / self.num_frames)
        return ease(self.camera.easing, index / (self.num_frames - 1)) if self.num_frames > 1 else 0.0

    @property
    def is_still(self) -> bool:
        """Every frame shows the whole picture as it is."""
        moves = self._rate or self._drift or self.camera.dolly_zoom or self.camera.sway
        return not moves and self._placement.after(self._start) == Similarity()

    @property
    def magnifications(self) -> tuple[float, float]:
        """The smallest and the largest magnification of the path, those inside a dolly zoom included."""
        ends = [self.view(0), self._far_view()]
        seen = [view.magnification * factor for view in ends for factor in (1, 1 + view.strength)]
        return min(seen), max(seen)

    @property
    def overscan(self) -> float:
        """Magnification of the widest view, at least 1: how far the picture is cropped so that no edge ever shows."""
        return min(self.view(0).magnification, self._far_view().magnification)

    @property
    def advice(self) -> str | None:
        """A sentence for the user where the move needs far more picture than there is."""
        return crop_advice(self.overscan)

    def _far_view(self) -> View:
        """The view at the far end of the travel. Magnifications only rise or only fall on the way there."""
        return self.view(self.num_frames // 2 if self.loop else self.num_frames - 1)

    def _swayed(self, index: int) -> Similarity:
        offset, roll = self._sway.at(index)
        return Similarity(complex(np.exp(-1j * roll)), -offset * self.height)

    def _dolly(self, travel: float) -> Radial | None:
        strength = math.expm1(math.log(2) * self.camera.dolly_zoom * travel)
        return Radial(self._focus, DOLLY_RADIUS * self.height, strength) if strength else None

    @staticmethod
    def _fit(paths: Sequence["CameraPath"]) -> Similarity:
        """Scale and place paths, which are linear in both, so that the box around all views fits the picture."""
        left = top = math.inf
        right = bottom = -math.inf
        for path in paths:
            for index in range(path.num_frames):
                seen = path.view(index).source(path.outline)
                left, right = min(left, seen.real.min()), max(right, seen.real.max())
                top, bottom = min(top, seen.imag.min()), max(bottom, seen.imag.max())
        first = paths[0]
        scale = min(first.width / (right - left), first.height / (bottom - top))
        return Similarity(
            complex(scale),
            complex(
                placed(left * scale, right * scale, first.width, first.camera.zoom_x),
                placed(top * scale, bottom * scale, first.height, first.camera.zoom_y),
            ),
        )


def crop_advice(overscan: float) -> str | None:
    """A sentence for the user where the widest view of a move is magnified more than LARGE_OVERSCAN times."""
    if overscan <= LARGE_OVERSCAN:
        return None
    return (
        f"This camera move needs so much room that even its widest view is magnified {overscan:.1f} times; "
        "a smaller pan, roll or sway shows more of the picture."
    )


def _outline(width: int, height: int, points: int) -> Points:
    """The edge of the frame, `points` on each side, corners among them."""
    steps = np.arange(points) / points - 0.5
    top, right = steps * width - 0.5j * height, 0.5 * width + 1j * steps * height
    return np.concatenate([top, right, -top, -right])


def placed(low: float, high: float, size: float, weight: float) -> float:
    """The shift that puts [low, high] inside [-size / 2, size / 2], dividing what room is left by `weight`."""
    room = size - (high - low)
    return -size / 2 - low + weight * room
