"""A style laid over a film while it is read."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import cv2
import numpy as np

from pipeline.frames import Frame
from pipeline.style.band import Band, bands
from pipeline.style.strokes import structure_tensor
from pipeline.style.weave import Anchors
from pipeline.workers import in_order

_SMALLEST_SIDE = 16
"""Shorter frames are painted with their edges repeated to this, as filters have no room in less."""


class Look(Protocol):
    """Paints one frame, band by band. May be called from several threads at once."""

    @property
    def reach(self) -> float:
        """How far in pixels a pixel depends on those around it."""

    @property
    def brush(self) -> float:
        """Width of the brush in pixels: the blur of the picture's lines that it follows."""

    def __call__(self, frame: Frame, band: Band) -> Frame:
        """The rows of a band, of which `frame` holds the pixels, painted; right in the band's own rows."""


class Painter(Protocol):
    """A style for one pass over a film."""

    def follow(self, frame: Frame, is_new_shot: bool) -> Look:
        """What the next frame is painted with. Called once a frame, in order."""


def styled(frames: Iterable[Frame], count: int, painter: Painter, strength: float, workers: int) -> Generator[Frame]:
    """Paint `count` frames of one size over, in order, while they are read.

    `strength`, above 0 to 1, is the share of the style in each pixel. `workers` threads paint, on bands of the same
    frame; memory does not grow with the number of frames. Raises ValueError when there are fewer frames than that.
    """
    with closing(in_order(_Piece.paint, _pieces(frames, count, painter, strength), workers)) as pieces:
        for piece in pieces:
            if piece.is_last:
                yield piece.made


@dataclass(frozen=True)
class _Piece:
    """A band of a frame, and `made`, where all bands of the frame are put. `padded` is the frame as it is painted."""

    frame: Frame
    padded: Frame
    look: Look
    band: Band
    strength: float
    made: Frame

    @property
    def is_last(self) -> bool:
        return bool(self.band.rows.own.stop == self.band.weave.height)

    def paint(self) -> "_Piece":
        cut, (height, width) = self.band.rows, self.frame.shape[:2]
        rows = slice(cut.own.start, min(cut.own.stop, height))
        painted = self.look(self.padded[cut.needed], self.band)[cut.inner][: max(0, rows.stop - rows.start), :width]
        if self.strength < 1.0:
            mixed = cv2.addWeighted(self.frame[rows], 1.0 - self.strength, painted, self.strength, 0.0)
            painted = np.asarray(mixed, np.uint8)
        self.made[rows] = painted
        return self


def _pieces(frames: Iterable[Frame], count: int, painter: Painter, strength: float) -> Iterator[_Piece]:
    """The bands of each frame, in order."""
    anchors, done = Anchors(), 0
    for frame in islice(frames, count):
        padded = _padded(frame)
        weave, is_new_shot = anchors.follow(padded)
        look = painter.follow(padded, is_new_shot)
        tensor = structure_tensor(weave.grey, max(look.brush * weave.grey.shape[1] / weave.width, 1.0))
        made = np.empty_like(frame)
        for band in bands(weave, tensor, look.reach):
            yield _Piece(frame, padded, look, band, strength, made)
        done += 1
    if done < count:
        raise ValueError("the film holds fewer frames than it promised")


def _padded(frame: Frame) -> Frame:
    down, right = (max(_SMALLEST_SIDE - side, 0) for side in frame.shape[:2])
    if not (down or right):
        return frame
    return np.asarray(cv2.copyMakeBorder(frame, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)
