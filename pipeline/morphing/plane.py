"""Two pictures where they meet: half-way, seen from the middle of the camera's way.

Both pictures are brought into one plane, the view half-way and what both of them see around it. There the motion that
the camera does not explain is measured, in both directions.
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

TOLERANCE = 1.0
"""Pixels by which a place may miss its start for its motion to be trusted, beside a tenth of its way."""

TEXTURE = 4.0
"""Energy of the slope of luma, in squared levels per pixel, at which half of the motion that was found is kept. The
less there is, the more the motion is guessed; it is then that of what lies around on the same surface."""

LARGEST_CONTRAST = 4.0
"""Contrast by which two pictures of one scene may differ; a blank one is not blown up."""

LIKENESS = 0.4
"""Structural similarity from which two places may show the same."""

SURFACE = 6.0
"""Levels by which neighbours on one surface differ at most."""

REACH = 2000.0
"""How far motion spreads on a surface (the smoother's lambda: about its square root in pixels)."""

_SSIM_C2 = np.float32((0.03 * 255.0) ** 2)

_Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Motion:
    """The motion between two pictures in pixels of their plane: `forward` from the first, `backward` from the second.

    `trust0` is 1 where a pixel of the first picture has its like in the second, 0 where it is hidden there or its
    motion is not known. `consistent` is the share of trusted pixels among those that both see, in the worse direction.
    """

    forward: Flow
    backward: Flow
    trust0: _Plane
    consistent: float


class Plane:
    """The plane in which two pictures meet.

    `from_first` and `from_second` lead from pixels of the pictures to its own; `size` is its width and height.
    `pictures` are both as they appear in it and `lumas` their lumas, float32; `seen` is 1 where they do, else 0.
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
        self.from_first, self.from_second = (np.asarray(to_plane @ middle) for middle in middles)
        self.pictures = self._warped(frame0, self.from_first, scale), self._warped(frame1, self.from_second, scale)
        self.lumas = luma(self.pictures[0]).astype(np.float32), luma(self.pictures[1]).astype(np.float32)
        self.seen = self._seen(self.from_first, width, height), self._seen(self.from_second, width, height)

    def motion(self) -> Motion:
        """Measure the motion in both directions."""
        grey0, grey1 = self._alike()
        finest = 0 if grey0.size <= FINE_PIXELS else 1
        forward, backward = dense_flow(grey0, grey1, finest), dense_flow(grey1, grey0, finest)
        both = self.seen[0] * self.seen[1]
        trust0, trust1 = _trust(forward, backward) * both, _trust(backward, forward) * both
        found0 = (trust0 >= 1.0) & (_likeness(grey0, grey1, forward) > LIKENESS)
        found1 = (trust1 >= 1.0) & (_likeness(grey1, grey0, backward) > LIKENESS)
        consistent = min(np.count_nonzero(found0), np.count_nonzero(found1)) / max(float(both.sum()), 1.0)
        return Motion(_spread(forward, trust0, grey0), _spread(backward, trust1, grey1), trust0, consistent)

    def _alike(self) -> tuple[Grey, Grey]:
        """Both lumas with one mean and spread; where only one picture sees something, both show that."""
        grey0, grey1 = self.lumas
        both = self.seen[0] * self.seen[1] > 0
        if both.any():
            means = [float(grey[both].mean()) for grey in self.lumas]
            spreads = [max(float(grey[both].std()), 1.0) for grey in self.lumas]
            mean = sum(means) / 2.0
            gain = math.sqrt(min(max(spreads[1] / spreads[0], 1.0 / LARGEST_CONTRAST), LARGEST_CONTRAST))
            grey0, grey1 = (grey0 - means[0]) * gain + mean, (grey1 - means[1]) / gain + mean
        return _levels(np.where(self.seen[0] > 0, grey0, grey1)), _levels(np.where(self.seen[1] > 0, grey1, grey0))

    def _warped(self, frame: Frame, matrix: Matrix, scale: float) -> Frame:
        """A picture in the plane, first made as much smaller as the plane is, so that no pixel is passed over."""
        height, width = frame.shape[:2]
        size = max(2, round(width * scale)), max(2, round(height * scale))
        if size != (width, height):
            across, along = width / size[0], height / size[1]
            enlarged = np.array([[across, 0, (across - 1) / 2], [0, along, (along - 1) / 2], [0, 0, 1.0]])
            matrix = np.asarray(matrix @ enlarged)
            frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
        warped = cv2.warpPerspective(frame, matrix, self.size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, np.uint8)

    def _seen(self, matrix: Matrix, width: int, height: int) -> _Plane:
        """1 where the plane shows a picture, else 0."""
        places = pixel_places(range(self.size[1]), self.size[0]).reshape(-1, 2)
        at, depth = transfer(np.asarray(np.linalg.inv(matrix)), places)
        inside = (at >= -0.5).all(axis=1) & (at <= np.array([width, height]) - 0.5).all(axis=1) & (depth > 0)
        return inside.reshape(self.size[::-1]).astype(np.float32)


def _extent(to_middle: Matrix, shared: Points, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the plane in pixels of the view half-way: that view and what is shared."""
    places, depth = transfer(to_middle, shared)
    low, high = places[depth > 0].min(axis=0), places[depth > 0].max(axis=0)
    size = np.array([width, height])
    left, top = np.floor(np.clip(low, -size * LARGEST_MARGIN, 0.0)).astype(int)
    right, bottom = np.ceil(np.clip(high + 1.0, size, size * (1.0 + LARGEST_MARGIN))).astype(int)
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


def _likeness(first: Grey, second: Grey, flow: Flow) -> _Plane:
    """How alike the texture is around each pixel and where the flow leads, up to 1: SSIM without its luminance term.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004.
    """
    height, width = first.shape
    a = first.astype(np.float32)
    b = sample(second.astype(np.float32), pixel_places(range(height), width) + flow)
    mean_a, mean_b, square_a, square_b, product = (cv2.blur(values, (9, 9)) for values in (a, b, a * a, b * b, a * b))
    covariance, variances = product - mean_a * mean_b, square_a - mean_a**2 + square_b - mean_b**2
    return np.asarray((2.0 * covariance + _SSIM_C2) / (variances + _SSIM_C2), np.float32)


def _spread(flow: Flow, trust: _Plane, guide: Grey) -> Flow:
    """A flow whose doubtful pixels move as sure ones do with which they share a surface, as the guide shows it.

    By confidence-weighted smoothing that stops at edges: Min et al., "Fast global image smoothing based on weighted
    least squares", 2014.
    """
    slopes = [cv2.Sobel(guide, cv2.CV_32F, *axis, scale=0.125) for axis in ((1, 0), (0, 1))]
    texture = cv2.blur(slopes[0] ** 2 + slopes[1] ** 2, (9, 9))
    sure = trust * texture / (texture + np.float32(TEXTURE))
    weight = sure + np.float32(1e-4)
    smoother = cv2.ximgproc.createFastGlobalSmootherFilter(guide, REACH, SURFACE)
    right, down, weights = (smoother.filter(part) for part in (flow[..., 0] * weight, flow[..., 1] * weight, weight))
    spread = np.dstack([right, down]) / np.maximum(weights, 1e-9)[..., None]
    return np.asarray(spread + sure[..., None] * (flow - spread), np.float32)
