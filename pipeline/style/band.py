"""Frames painted in bands: a style needs many planes at once, of a few rows at a time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.rows import cut
from pipeline.style.strokes import Direction, Tensor, along
from pipeline.style.weave import Texture, Weave

PIXELS = 400_000
"""About how many pixels a band has, with those that it reaches to: a plane of them in float32 takes 1.6 MB."""

_LEAST = 0.55
"""Least share of a band's rows that are its own: with a longer reach, bands become larger."""


@dataclass(frozen=True)
class Band:
    """Rows of a frame that are painted together. `own` are those that are wanted, `rows` those that they depend on.

    `tensor` tells, on the coarse grid of the weave, which way the lines of the frame run.
    """

    own: range
    rows: range
    weave: Weave
    tensor: Tensor

    @property
    def inner(self) -> slice:
        """Its own rows among all of them."""
        return slice(self.own.start - self.rows.start, self.own.stop - self.rows.start)

    def lay(self, texture: Texture) -> Texture:
        """A texture over its rows."""
        return self.weave.lay(texture, self.rows)

    def direction(self, calm: NDArray[np.float32] | None = None) -> Direction:
        """Which way lines run in its rows; see `along`."""
        return along(self.weave.spread(self.tensor, self.rows), calm)


def bands(weave: Weave, tensor: Tensor, reach: float) -> Iterator[Band]:
    """Cut a frame into bands, from its top, for a painter that looks `reach` pixels around each pixel."""
    around = 2 * math.ceil(reach)
    own = max(PIXELS // weave.width - around, int(_LEAST / (1 - _LEAST) * around), 1)
    for rows, needed in cut(weave.height, own, reach):
        yield Band(rows, needed, weave, tensor)
