"""Frames painted in bands: a style needs many planes at once, of a few rows at a time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.rows import Rows, cut
from pipeline.style.strokes import Direction, Tensor, along
from pipeline.style.weave import Texture, Weave

PIXELS = 400_000
"""About how many pixels a band has, with those that it reaches to: a plane of them in float32 takes 1.6 MB."""

_LEAST = 0.55
"""Least share of a band's rows that are its own: with a longer reach, bands become larger."""


@dataclass(frozen=True)
class Band:
    """Rows of a frame that are painted together.

    `tensor` tells, on the coarse grid of the weave, which way the lines of the frame run.
    """

    rows: Rows
    weave: Weave
    tensor: Tensor

    def lay(self, texture: Texture) -> Texture:
        """A texture over the rows needed."""
        return self.weave.lay(texture, self._needed)

    def direction(self, calm: NDArray[np.float32] | None = None) -> Direction:
        """Which way lines run in the rows needed; see `along`."""
        return along(self.weave.spread(self.tensor, self._needed), calm)

    @property
    def _needed(self) -> range:
        return range(self.rows.needed.start, self.rows.needed.stop)


def bands(weave: Weave, tensor: Tensor, reach: float) -> Iterator[Band]:
    """Cut a frame into bands, from its top, for a painter that looks `reach` pixels around each pixel."""
    around = 2 * math.ceil(reach)
    own = max(PIXELS // weave.width - around, int(_LEAST / (1 - _LEAST) * around), 1)
    for rows in cut(weave.height, own, reach):
        yield Band(rows, weave, tensor)
