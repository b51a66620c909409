"""Pictures worked on a few rows at a time, where the work needs many planes at once."""

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Rows:
    """Rows that are wanted, and those that they depend on."""

    own: slice
    needed: slice

    @property
    def inner(self) -> slice:
        """The wanted rows among those needed."""
        return slice(self.own.start - self.needed.start, self.own.stop - self.needed.start)


def cut(height: int, own: int, reach: float) -> Iterator[Rows]:
    """Yield all rows of a picture, `own` of them at a time from the top.

    `reach` is how far in pixels a pixel depends on those around it.
    """
    margin = math.ceil(reach)
    for top in range(0, height, own):
        bottom = min(top + own, height)
        yield Rows(slice(top, bottom), slice(max(0, top - margin), min(bottom + margin, height)))
