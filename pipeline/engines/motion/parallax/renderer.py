"""Renders the frames of a camera that moves in depth: every layer is bent over the one behind it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.depth.depth_map import Nearness
from pipeline.engines.motion.camera import Points
from pipeline.engines.motion.parallax.geometry import PASSING, DepthPath, DepthRange, DepthView
from pipeline.engines.motion.parallax.layers import Layer, dimmed, take_apart
from pipeline.engines.motion.resample import (
    doubled,
    interpolation_prefilter,
    resized,
    screen_grid,
    spread_over,
    working_density,
)
from pipeline.frames import Frame, Mask
from pipeline.motion_plan import Camera
from pipeline.workers import once

STEPS = 12
"""Steps towards the point that a pixel sees; each at least halves what is missing (see layers.GENTLE)."""

BORDER = 0.1
"""Width of the border whose depths decide how much is cropped, as a fraction of the sides."""

AIM = 0.06
"""Half the side of the square under the zoom point whose depth keeps the plan's speed, as a fraction of the sides."""

Pixels = NDArray[np.uint8]


class ParallaxRenderer:
    """Turns a plate with depth into the frames that a camera sees; used like a CameraRenderer.

    Layers are refined as a CameraRenderer refines its plate, so what moves stays as sharp as what stands still. Every
    method may be called from several threads at once.
    """

    plate: Frame

    def __init__(
        self, camera: Camera, plate: Frame, nearness: Nearness, size: tuple[int, int], clip: tuple[int, bool, int]
    ) -> None:
        """`plate` shows the whole picture in the aspect of the video, whose `size` is (width, height).

        `nearness` has the size of the plate. `clip` is the number of frames, whether they loop, and the seed. This
        takes some seconds: the picture is taken apart and what the layers hide is filled in.
        """
        self._range = DepthRange(camera.parallax, _under(nearness, camera.zoom_x, camera.zoom_y))
        self.path = DepthPath(camera, size, clip, self._border(nearness))
        density = working_density(self.path.flat, plate.shape[1] / size[0])
        self.plate = resized(plate, *size, density)
        height, width = self.plate.shape[:2]
        fitted = np.asarray(cv2.resize(nearness, (width, height), interpolation=cv2.INTER_NEAREST), np.float32)
        reach = self.path.reach * self._range.scale * width / size[0]
        self._prefilter = interpolation_prefilter(1)
        self._layers = take_apart(self.plate, fitted, reach, clip[2])

    @once
    def _fine(self) -> tuple[Pixels, ...]:
        """The refined layers of the still, which a plate that moves by itself has no use for."""
        return tuple(self._refined(layer.pixels) for layer in self._layers)

    def _border(self, nearness: Nearness) -> tuple[float, float]:
        low, high = _border(nearness)
        return self._range.inverse_depth(low), self._range.inverse_depth(high)

    @property
    def num_layers(self) -> int:
        """How many layers there are."""
        return len(self._layers)

    def fit_mask(self, mask: Mask) -> Mask:
        """The mask of the picture in the size of `plate`."""
        height, width = self.plate.shape[:2]
        method = cv2.INTER_AREA if width < mask.shape[1] else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(mask, (width, height), interpolation=method), np.uint8)

    def render(self, plate: Frame, index: int) -> Frame:
        """Frame `index` of the path, seen on `plate`: `self.plate`, or a picture of its size that moves by itself."""
        view = self.path.view(index)
        fine = self._fine if plate is self.plate else self._moved(plate)
        frame = self._bent(self._layers[-1], fine[-1], view)
        for layer, pixels in zip(self._layers[-2::-1], fine[-2::-1], strict=True):
            over = self._bent(layer, pixels, view)
            alpha = np.ascontiguousarray(over[..., 3])
            frame = np.asarray(cv2.add(cv2.cvtColor(over, cv2.COLOR_RGBA2RGB), dimmed(frame, alpha)), np.uint8)
        return frame

    def _moved(self, plate: Frame) -> tuple[Pixels, ...]:
        """The refined layers of a plate that moves by itself: each takes the change."""
        change = plate.astype(np.int16) - self.plate
        return tuple(self._refined(_changed(layer.pixels, change)) for layer in self._layers)

    def _refined(self, pixels: Pixels) -> Pixels:
        """A layer in twice the density, its colours times alpha, which is what may be interpolated."""
        fine = doubled(pixels, self._prefilter, 1)
        if fine.shape[2] == 3:
            return fine
        alpha = np.ascontiguousarray(fine[..., 3])
        return np.dstack([dimmed(np.ascontiguousarray(fine[..., :3]), 255 - alpha), alpha])

    def _bent(self, layer: Layer, pixels: Pixels, view: DepthView) -> Pixels:
        """A refined layer as a view sees it."""
        width, height = self.path.width, self.path.height
        source, scale = self._seen(layer, view, screen_grid(width, height))
        # Pixel i of the plate is pixel 2 i of the refined one.
        across = (source.real / width + 0.5) * pixels.shape[1] - 1
        down = (source.imag / height + 0.5) * pixels.shape[0] - 1
        map_x, map_y = (spread_over(part.astype(np.float32), width, height) for part in (across, down))
        border = cv2.BORDER_REPLICATE if pixels.shape[2] == 4 else cv2.BORDER_REFLECT_101
        seen = cv2.remap(pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=border)
        if pixels.shape[2] == 4 and scale.min() < PASSING[0]:
            left = np.clip((scale - PASSING[1]) / (PASSING[0] - PASSING[1]), 0, 1).astype(np.float32)
            seen = np.rint(seen * spread_over(left, width, height)[..., None]).astype(np.uint8)
        return np.asarray(seen, np.uint8)

    def _seen(self, layer: Layer, view: DepthView, points: Points) -> tuple[Points, NDArray[np.float64]]:
        """The points of the picture that points of the screen see on a layer, and the view's scale there."""
        far, per_depth = view.far(points), view.per_depth(points)
        rows, columns = layer.nearness.shape
        nearest = (1 - PASSING[1]) / view.forward if view.forward > 0 else np.inf
        depth = np.full(points.shape, self._range.inverse_depth(float(layer.nearness.mean())))
        for _ in range(STEPS if np.ptp(layer.nearness) > 1e-4 else 1):
            source = far + np.minimum(depth, nearest) * per_depth
            x = ((source.real / self.path.width + 0.5) * columns - 0.5).astype(np.float32)
            y = ((source.imag / self.path.height + 0.5) * rows - 0.5).astype(np.float32)
            nearness = cv2.remap(layer.nearness, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            depth = self._range.offset + self._range.scale * nearness.astype(np.float64)
        depth = np.minimum(depth, nearest)
        return far + depth * per_depth, 1 - depth * view.forward


def _changed(pixels: Pixels, change: NDArray[np.int16]) -> Pixels:
    colours = np.clip(pixels[..., :3] + change, 0, 255).astype(np.uint8)
    return colours if pixels.shape[2] == 3 else np.dstack([colours, pixels[..., 3]])


def _under(nearness: Nearness, x: float, y: float) -> float:
    """The median nearness under the zoom point, which is at (x, y) from 0 to 1."""
    height, width = nearness.shape
    top, left = (min(max(round((at - AIM) * side), 0), side - 1) for at, side in ((y, height), (x, width)))
    bottom, right = (max(round((at + AIM) * side), 1) for at, side in ((y, height), (x, width)))
    return float(np.median(nearness[top : max(bottom, top + 1), left : max(right, left + 1)]))


def _border(nearness: Nearness) -> tuple[float, float]:
    """The least and the greatest nearness along the picture's border."""
    height, width = nearness.shape
    down, across = max(round(BORDER * height), 1), max(round(BORDER * width), 1)
    strips = (nearness[:down], nearness[-down:], nearness[:, :across], nearness[:, -across:])
    return min(float(strip.min()) for strip in strips), max(float(strip.max()) for strip in strips)
