"""Textures that move with the picture: grain, paper and strokes that neither stand before it nor swim in it.

A texture repeats without seams and is looked up at the place that a pixel had when its anchor was set. Anchors follow
the optical flow. What follows it for long gets stretched, so there are two, each set anew every PERIOD frames where
the other is in its middle, and faded from one to the other (F. Neyret, "Advected textures", SCA 2003). The move of the
whole picture is kept when an anchor is set anew: a pan never changes a texture, and a still picture has none of this.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.optical_flow import Flow, Grey, dense_flow, luma, pixel_places, sample

Texture = NDArray[np.float32]
"""A pattern around 0, float32, shape (height, width) or (height, width, up to 4), that goes on from edge to edge."""

PERIOD = 32
"""Frames for which an anchor is used: its texture then is stretched by what has moved in a little over a second."""

FLOW_SIDE = 480
"""Longer side of the pictures whose flow is searched: a texture need not follow finer motion than this shows."""

STILL = 0.08
"""Motion in pixels of those pictures that is taken for none: the search is no more exact, and grain must not creep."""

SMOOTH = 4.0
"""Blur of the flow in pixels of those pictures: on surfaces without marks it is uneven, and straight hatching would
grow wavy there."""

_GRAIN = 2.0
"""Pixels over which a texture is like itself."""

_CUT_SIDE = 256
"""Longer side of the pictures in which a cut is looked for."""

_LEAST_CONSISTENT = 0.25
"""Share of pixels that come back near their start, there by one flow and back by the other, below which two frames are
of two shots. The figure is that of pipeline.interpolation, which measured it on pictures of full size."""


@dataclass(frozen=True)
class Weave:
    """Where the textures of one frame lie. `moved` are two anchors' displacements, `shares` how much each counts.

    Displacements are in pixels of the frame, on a coarse grid over it; `grey` is its luma there.
    """

    width: int
    height: int
    moved: tuple[Flow, Flow]
    shares: tuple[float, float]
    grey: Grey

    def lay(self, texture: Texture, rows: range | None = None) -> Texture:
        """The texture over the frame, or over some of its rows, shape (rows, width, ...).

        Two layers are mixed so that its contrast stays the same, whether they agree or have come apart.
        """
        rows = range(self.height) if rows is None else rows
        first = self._layer(texture, self.moved[0], rows)
        if np.array_equal(*self.moved):
            return first
        second = self._layer(texture, self.moved[1], rows)
        for layer, weight in zip((first, second), self._weights, strict=True):
            full = self.spread(weight, rows)
            np.multiply(layer, full if texture.ndim == 2 else full[..., None], out=layer)
        first += second
        return first

    def spread(self, coarse: NDArray[np.float32], rows: range) -> NDArray[np.float32]:
        """What lies on the coarse grid, over some rows of the frame."""
        across, down = coarse.shape[1] / self.width, coarse.shape[0] / self.height
        # Pixels of the frame have their middles at such places of the grid.
        matrix = np.array([[across, 0, across / 2 - 0.5], [0, down, down * (rows.start + 0.5) - 0.5]])
        size, flags = (self.width, len(rows)), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(coarse, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
        )

    @cached_property
    def _weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How much either layer counts, on the coarse grid."""
        apart = np.square(self.moved[0] - self.moved[1]).sum(axis=2)
        alike = np.exp(apart / np.float32(-2 * _GRAIN**2))
        one, other = (np.float32(share) for share in self.shares)
        norm = np.sqrt(one * one + other * other + 2 * one * other * alike)
        return one / norm, other / norm

    def _layer(self, texture: Texture, moved: Flow, rows: range) -> Texture:
        places = pixel_places(rows, self.width)
        places += self.spread(moved, rows)
        # OpenCV wraps by steps of one tile; places many tiles away would take it long.
        tile = np.full((self.width, 2), texture.shape[1::-1], np.float32)  # a row of them: NumPy is slow over pairs
        away = places / tile
        np.floor(away, out=away)
        away *= tile
        places -= away
        return sample(texture, places, cv2.INTER_LINEAR, cv2.BORDER_WRAP)


class Anchors:
    """Follows a film from frame to frame. Frames are given in order, and only one is held."""

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._age = 0
        self._drift = np.zeros(2, np.float32)
        self._moved: list[Flow] = []

    def follow(self, frame: Frame) -> tuple[Weave, bool]:
        """Where textures lie in the next frame, and whether a new shot begins with it."""
        height, width = frame.shape[:2]
        grey = luma(_within(frame, FLOW_SIDE))
        is_cut = self._last is None or not _same_shot(self._last, grey)
        if self._last is None or is_cut:
            still = np.zeros((*grey.shape, 2), np.float32)
            self._moved, self._age, self._drift = [still, still], 0, np.zeros(2, np.float32)
        else:
            self._advance(dense_flow(grey, self._last), np.float32(width / grey.shape[1]))
        self._last = grey
        return Weave(width, height, (self._moved[0], self._moved[1]), _shares(self._age), grey), is_cut

    def _advance(self, back: Flow, scale: np.float32) -> None:
        """Move both anchors by the flow that leads back to the frame before."""
        back = np.asarray(cv2.GaussianBlur(back, (0, 0), SMOOTH, borderType=cv2.BORDER_REPLICATE), np.float32)
        squared = np.square(back).sum(axis=2, keepdims=True)
        back = back * (squared**2 / (squared**2 + np.float32(STILL**4)))
        places = pixel_places(range(back.shape[0]), back.shape[1]) + back
        self._moved = [sample(moved, places) + scale * back for moved in self._moved]
        self._drift = self._drift + scale * np.median(back.reshape(-1, 2), axis=0)
        self._age += 1
        for index, at in enumerate((0, PERIOD // 2)):
            if self._age % PERIOD == at:
                self._moved[index] = np.broadcast_to(self._drift, back.shape).astype(np.float32)


def _shares(age: int) -> tuple[float, float]:
    """How much either anchor counts: none when it is set anew, all half a period later."""
    first = 1 - abs(1 - 2 * (age % PERIOD) / PERIOD)
    return first, 1 - first


def _same_shot(grey0: NDArray[np.uint8], grey1: NDArray[np.uint8]) -> bool:
    if grey0.shape != grey1.shape:
        return False
    small0, small1 = _within(grey0, _CUT_SIDE), _within(grey1, _CUT_SIDE)
    there, back = dense_flow(small0, small1), dense_flow(small1, small0)
    missed = there + sample(back, pixel_places(range(there.shape[0]), there.shape[1]) + there)
    lengths = [np.sqrt(np.square(vectors).sum(axis=2)) for vectors in (missed, there)]
    return float((lengths[0] <= 1.0 + 0.1 * lengths[1]).mean()) >= _LEAST_CONSISTENT


def _within(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture with its longer side at most `side`."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
