"""A large picture that meets a network piece by piece, put together without seams."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame

OVERLAP = 32
"""Least overlap of neighbouring tiles in pixels. What a network makes near the border of a tile lacks what lies beyond;
a quarter of the overlap is dropped on either side, and the two results cross over in the half between."""


@dataclass(frozen=True)
class Span:
    """One tile along one axis, in pixels: what the network sees, from `start` to `stop`, and what is kept of it, from
    `first` to `last`. Over the first `ramp` kept pixels it takes over from its neighbour.
    """

    start: int
    stop: int
    first: int
    last: int
    ramp: int


def spans(length: int, tile: int) -> list[Span]:
    """Tiles of at most `tile` pixels over an axis, evenly spread; one alone where that is enough."""
    if length <= tile:
        return [Span(0, length, 0, length, 0)]
    count = -(-(length - OVERLAP) // (tile - OVERLAP))
    starts = [round(index * (length - tile) / (count - 1)) for index in range(count)]
    ramp = OVERLAP // 2
    middles = [(left + tile + right) // 2 for left, right in pairwise(starts)]
    firsts = [0, *(middle - ramp // 2 for middle in middles)]
    lasts = [*(middle + ramp // 2 for middle in middles), length]
    return [
        Span(start, start + tile, first, last, ramp if index else 0)
        for index, (start, first, last) in enumerate(zip(starts, firsts, lasts, strict=True))
    ]


def tiled(frame: Frame, scale: int, tile: int, network: Callable[[Frame], Frame]) -> Frame:
    """What `network`, which makes pictures `scale` times as large, makes of a frame that is shown to it in tiles.

    `tile` is the longest side of a tile in pixels, more than OVERLAP. Memory beyond the network's own: the result, and
    one row of tiles of it, 8 bits a sample.
    """
    height, width = frame.shape[:2]
    rows, columns = spans(height, tile), spans(width, tile)
    if len(rows) == len(columns) == 1:
        return network(frame)
    made = np.empty((height * scale, width * scale, 3), np.uint8)
    for row in rows:
        seen = frame[row.start : row.stop]
        band = np.empty((len(seen) * scale, width * scale, 3), np.uint8)
        for column in columns:
            piece = network(np.ascontiguousarray(seen[:, column.start : column.stop]))
            _lay(band.swapaxes(0, 1), piece.swapaxes(0, 1), column, scale)
        _lay(made, band, row, scale)
    return made


def _lay(canvas: Frame, piece: Frame, span: Span, scale: int) -> None:
    """Put what is kept of a piece onto the canvas, along the first axis, and cross over from what is there."""
    first, last, ramp = span.first * scale, span.last * scale, span.ramp * scale
    kept = piece[first - span.start * scale : last - span.start * scale]
    share = _shares(ramp)
    before = canvas[first : first + ramp].astype(np.float32)
    canvas[first : first + ramp] = np.rint(before + share * (kept[:ramp] - before))
    canvas[first + ramp : last] = kept[ramp:]


def _shares(count: int) -> NDArray[np.float32]:
    """Evenly rising weights between 0 and 1, shape (count, 1, 1)."""
    return np.asarray((np.arange(count) + 0.5) / max(count, 1), np.float32)[:, None, None]
