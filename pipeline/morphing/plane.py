"""What is known of two pictures where they meet: half-way, seen from the middle of the camera's way.

Both pictures are brought into one plane, the view half-way with what both of them see beside it. There the motion that
the camera does not explain is measured, both ways, and how their colours differ.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.morphing.camera_path import CameraPath
from pipeline.morphing.matrices import Matrix, Points, transfer
from pipeline.optical_flow import Flow, Grey, dense_flow, luma, pixel_places, sample

PLANE_PIXELS = 1_000_000
"""Motion is measured in a plane of at most so many pixels, whatever the pictures have."""

FINE_PIXELS = 400_000
"""Planes up to this size are searched in full resolution; larger ones in half of it."""

LARGEST_MARGIN = 0.3
"""Share of the view by which the plane may reach beyond it on each side."""

MIN_CONSISTENT = 0.25
"""Share of what both see that must come back near its start, there by one flow and back by the other."""

TEX = 4.0
LAM = 2000.0
SIG = 6.0
TOLERANCE = 1.0
"""Pixels by which a place may miss its start for its motion to be trusted, with a tenth of its way."""

_Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Motion:
    """The motion between two pictures in their plane, where `forward` and `backward` are in pixels of the plane.

    `trust0` and `trust1` are 1 where a pixel of the first or second picture has its like in the other, 0 where it is
    hidden there or its motion is not known. `consistent` is the share of trusted pixels, of those that both see.
    """

    forward: Flow
    backward: Flow
    trust0: _Plane
    trust1: _Plane
    consistent: float


class Plane:
    """The plane in which two pictures meet.

    `from_first` and `from_second` lead from pixels of the pictures to its own; `size` is its width and height.
    `pictures` are both as they appear in it, `seen` is 1 where they do, else 0.
    """

    def __init__(self, frame0: Frame, frame1: Frame, path: CameraPath) -> None:
        height, width = frame0.shape[:2]
        middles = path.middle()
        left, top, right, bottom = _extent(middles[0], path.shared()[0], width, height)
        scale = min(1.0, math.sqrt(PLANE_PIXELS / ((right - left) * (bottom - top))))
        self.size = max(2, round((right - left) * scale)), max(2, round((bottom - top) * scale))
        # The outer borders of pixels are mapped onto each other, not their centres.
        shift = (scale - 1.0) / 2.0
        to_plane = np.array([[scale, 0, shift - left * scale], [0, scale, shift - top * scale], [0, 0, 1.0]])
        self.from_first, self.from_second = (to_plane @ middle for middle in middles)
        self.pictures = self._warped(frame0, self.from_first, scale), self._warped(frame1, self.from_second, scale)
        self.seen = self._seen(self.from_first, width, height), self._seen(self.from_second, width, height)

    def motion(self) -> Motion:
        """Measure the motion in both directions."""
        grey0, grey1 = self._alike()
        finest = 0 if grey0.size <= FINE_PIXELS else 1
        forward, backward = dense_flow(grey0, grey1, finest), dense_flow(grey1, grey0, finest)
        both = self.seen[0] * self.seen[1]
        trust0, trust1 = _trust(forward, backward) * both, _trust(backward, forward) * both
        count = max(float(both.sum()), 1.0)
        consistent = min(float(trust0.sum()), float(trust1.sum())) / count
        return Motion(_filled(forward, trust0, grey0), _filled(backward, trust1, grey1), trust0, trust1, consistent)

    def _alike(self) -> tuple[Grey, Grey]:
        """Both lumas with the same mean and spread; where only one picture sees something, both show that."""
        grey0, grey1 = (luma(picture).astype(np.float32) for picture in self.pictures)
        both = (self.seen[0] * self.seen[1]) > 0
        if both.any():
            mean0, mean1 = float(grey0[both].mean()), float(grey1[both].mean())
            spread0, spread1 = (max(float(grey[both].std()), 1.0) for grey in (grey0, grey1))
            mean, spread = (mean0 + mean1) / 2, math.sqrt(spread0 * spread1)
            grey0, grey1 = (grey0 - mean0) * (spread / spread0) + mean, (grey1 - mean1) * (spread / spread1) + mean
        grey0, grey1 = np.where(self.seen[0] > 0, grey0, grey1), np.where(self.seen[1] > 0, grey1, grey0)
        return _levels(grey0), _levels(grey1)

    def _warped(self, frame: Frame, matrix: Matrix, scale: float) -> Frame:
        """A picture in the plane, first made as much smaller as the plane is, so that no pixel is passed over."""
        height, width = frame.shape[:2]
        size = max(2, round(width * scale)), max(2, round(height * scale))
        if size != (width, height):
            across, along = width / size[0], height / size[1]
            enlarged = np.array([[across, 0, (across - 1) / 2], [0, along, (along - 1) / 2], [0, 0, 1.0]])
            frame, matrix = (
                np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8),
                matrix @ enlarged,
            )
        warped = cv2.warpPerspective(frame, matrix, self.size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, np.uint8)

    def _seen(self, matrix: Matrix, width: int, height: int) -> _Plane:
        """1 where the plane shows a picture, else 0."""
        places = pixel_places(range(self.size[1]), self.size[0]).reshape(-1, 2)
        at, depth = transfer(np.asarray(np.linalg.inv(matrix)), places)
        inside = (at >= -0.5).all(axis=1) & (at <= np.array([width, height]) - 0.5).all(axis=1) & (depth > 0)
        return inside.reshape(self.size[::-1]).astype(np.float32)


def _extent(to_middle: Matrix, shared: Points, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the plane in pixels of the view half-way: that view, and what is shared."""
    places, depth = transfer(to_middle, shared)
    low, high = places[depth > 0].min(axis=0), places[depth > 0].max(axis=0)
    margin = np.array([width, height]) * LARGEST_MARGIN
    left, top = np.floor(np.clip(low, -margin, 0.0)).astype(int)
    right, bottom = np.ceil(np.clip(high + 1.0, [width, height], np.array([width, height]) + margin)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _levels(grey: _Plane) -> Grey:
    return np.asarray(np.clip(np.rint(grey), 0, 255), np.uint8)


def _trust(there: Flow, back: Flow) -> _Plane:
    """1 where a pixel comes back to within the tolerance, falling to 0 at twice that."""
    height, width = there.shape[:2]
    returned = there + sample(back, pixel_places(range(height), width) + there)
    missed = cv2.magnitude(*cv2.split(returned))
    way = cv2.magnitude(*cv2.split(there))
    return np.asarray(np.clip(2.0 - missed / (TOLERANCE + 0.1 * way), 0.0, 1.0), np.float32)


def _filled(flow: Flow, trust: _Plane, guide: Grey) -> Flow:
    """A flow whose untrusted pixels move as trusted ones do with which they share a surface, as the guide shows it."""
    grey = guide.astype(np.float32)
    slope = cv2.magnitude(
        cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=0.125)
    )
    texture = cv2.blur(slope * slope, (9, 9))
    sure = trust * texture / (texture + TEX)
    weight = sure + np.float32(1e-4)
    smooth = cv2.ximgproc.createFastGlobalSmootherFilter(guide, LAM, SIG)
    parts = [
        smooth.filter(np.ascontiguousarray(part)) for part in (flow[..., 0] * weight, flow[..., 1] * weight, weight)
    ]
    spread = np.dstack(parts[:2]) / np.maximum(parts[2], 1e-9)[..., None]
    return np.asarray(spread + sure[..., None] * (flow - spread), np.float32)


def _divided(weighted: _Plane) -> Flow:
    return np.asarray(weighted[..., :2] / np.maximum(weighted[..., 2:], np.float32(1e-6)), np.float32)
