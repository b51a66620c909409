"""The 2.5-D camera: where every frame looks at things that are nearer or farther than the middle distance.

A camera path (pipeline.engines.motion.camera) says what the frames show of a flat picture. It is read here as the
movement of a pinhole camera before a plane at distance 1: the picture under the zoom point lies in that plane and does
what the plan says. A point q of the screen in frame k sees, at inverse depth D (1 is that plane, 0 infinitely far,
2 half as far), the point of the first frame's screen

    p = u (1 - D (1 - |a|)) q + D b

where the path takes the plane's own points to a q + b and u = a / |a|: the scale |a| is a way forward of 1 - |a|, the
shift b one to the side. This is linear in D, so a frame is two similarities, p = A(q) + D C(q). An orbit adds
o (D - 1): the camera goes sideways by o and its sensor is shifted back, so that the plane stays where it is and has no
keystone. A dolly zoom adds (1 - D) (1 / (1 + k) - 1) (q - focus): what is infinitely far becomes 1 + k times as large.
"""

import math
from dataclasses import dataclass

import numpy as np

from pipeline.engines.motion.camera import CameraPath, Points, Similarity, crop_advice, placed
from pipeline.motion_plan import Camera

FULL_RANGE = 2.0
"""Inverse depth of the nearest point over that of the middle distance at full strength, where the farthest has 0."""

NEAREST_FOCUS = 0.4
"""Least nearness of the distance that keeps the plan's own speed, so that nothing moves far more than was asked."""

PASSING = (1 / 3, 1 / 6)
"""Scale of the view (1 over magnification) from which something that comes close fades, and at which it is gone."""


@dataclass(frozen=True)
class DepthRange:
    """From nearness (0 to 1) to inverse depth D.

    A strength of 0 makes everything flat, 1 puts nearness 0 infinitely far. The nearness `focus` is at the distance 1.
    """

    strength: float
    focus: float

    def inverse_depth(self, nearness: float) -> float:
        """D of a nearness; linear in it, so this is done to arrays as well by `scale` and `offset`."""
        return self.offset + self.scale * nearness

    @property
    def scale(self) -> float:
        """D gained from nearness 0 to 1."""
        return self.strength / self._middle

    @property
    def offset(self) -> float:
        """D of nearness 0."""
        return (1 - self.strength) / FULL_RANGE / self._middle

    @property
    def _middle(self) -> float:
        return (1 - self.strength) / FULL_RANGE + self.strength * max(self.focus, NEAREST_FOCUS)


@dataclass(frozen=True)
class DepthView:
    """What one frame sees under a point q of the screen: at inverse depth D, the point A(q) + D C(q) of the picture."""

    far: Similarity
    per_depth: Similarity
    forward: float
    """Distance that the camera has come forward: what lies nearer than this is behind it."""

    def source(self, points: Points, inverse_depth: float) -> Points:
        """The points of the picture, all at one inverse depth, that are seen at these points of the screen."""
        return self.far(points) + inverse_depth * self.per_depth(points)

    def scale(self, inverse_depth: float) -> float:
        """The view's scale at an inverse depth: 1 over the magnification since the first frame."""
        return 1 - inverse_depth * self.forward


class DepthPath:
    """A camera's views in depth over a clip, placed so that no frame leaves the picture.

    `border` are the least and the greatest inverse depth along the picture's border, which decide how much is cropped.
    """

    def __init__(
        self, camera: Camera, size: tuple[int, int], clip: tuple[int, bool, int], border: tuple[float, float]
    ) -> None:
        """`size` is width and height in pixels; `clip` the number of frames, whether they loop, and the seed."""
        self.width, self.height = size
        num_frames, loop, seed = clip
        sideways = camera.model_copy(update={"pan_x": 0.0, "pan_y": 0.0}) if camera.orbit else camera
        self.flat = CameraPath(sideways, *size, num_frames, loop, seed)
        """The views of the plane at distance 1."""
        self.num_frames = num_frames
        self._aside = complex(camera.pan_x * self.width, camera.pan_y * self.height) if camera.orbit else 0j
        self._focus = complex((camera.zoom_x - 0.5) * self.width, (camera.zoom_y - 0.5) * self.height)
        self._first = self.flat.view(0).move
        self._placement = Similarity()
        self._placement = self._fit(camera, border)

    def view(self, index: int) -> DepthView:
        """What frame `index` of 0 to `num_frames - 1` shows."""
        view = self.flat.view(index)
        scale = view.move.gain / self._first.gain
        shift = (view.move.shift - self._first.shift) / self._first.gain
        turn, bent = scale / abs(scale), 1 / (1 + view.strength) - 1
        aside = self._aside * self.flat.travel(index)
        far = Similarity(turn + bent, -bent * self._focus - aside)
        per_depth = Similarity(scale - turn - bent, shift + bent * self._focus + aside)
        gain, sway = self._placement.gain, view.sway
        return DepthView(
            self._placement.after(far).after(sway),
            Similarity(gain * per_depth.gain, gain * per_depth.shift).after(sway),
            1 - abs(scale),
        )

    @property
    def overscan(self) -> float:
        """Magnification of the first frame: how far the picture is cropped so that no edge ever shows."""
        return 1 / abs(self._placement.gain)

    @property
    def advice(self) -> str | None:
        """A sentence for the user where the move needs far more picture than there is."""
        return crop_advice(self.overscan)

    @property
    def reach(self) -> float:
        """The most pixels of the video that a difference of 1 in inverse depth moves things by."""
        corners = self.flat.outline
        steps = {round(part * (self.num_frames - 1) / 8) for part in range(9)}
        return max(float(np.abs(self.view(index).per_depth(corners)).max()) for index in steps) * self.overscan

    @property
    def forward(self) -> float:
        """The farthest that the camera comes forward."""
        return max(self.view(index).forward for index in (0, self.num_frames // 2, self.num_frames - 1))

    def _fit(self, camera: Camera, border: tuple[float, float]) -> Similarity:
        """Scale and place the path so that the box around all views, at both depths, fits the picture."""
        left = top = math.inf
        right = bottom = -math.inf
        for index in range(self.num_frames):
            view = self.view(index)
            for depth in border:
                seen = view.source(self.flat.outline, depth)
                left, right = min(left, seen.real.min()), max(right, seen.real.max())
                top, bottom = min(top, seen.imag.min()), max(bottom, seen.imag.max())
        scale = min(self.width / (right - left), self.height / (bottom - top))
        across = placed(left * scale, right * scale, self.width, camera.zoom_x)
        return Similarity(
            complex(scale), complex(across, placed(top * scale, bottom * scale, self.height, camera.zoom_y))
        )
