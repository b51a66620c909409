"""What every way to make frames between two has in common."""

from collections.abc import Sequence
from typing import Protocol

from pipeline.frames import Frame
from pipeline.interpolation.around import ALONE, Around
from pipeline.interpolation.between import Between


class Method(Protocol):
    """Makes frames between two. May be called from several threads at once, which may then wait for each other."""

    @property
    def name(self) -> str:
        """The name it is chosen by."""
        ...

    def frames(self, frame0: Frame, frame1: Frame, times: Sequence[float], around: Around = ALONE) -> list[Frame]:
        """New frames between two of the same size, one for each time, in the order of the times.

        Times lie strictly between 0, the first frame, and 1, the second. `around` may tell how things moved before and
        after; a method is free to look at the two frames alone.
        """
        ...

    def close(self) -> None:
        """Free what the method holds. It may be used again, and then loads what it needs again."""
        ...


class FlowMethod:
    """The embedded method: optical flow in both directions, see `Between`. Needs no weights."""

    name = "flow"

    def frames(self, frame0: Frame, frame1: Frame, times: Sequence[float], around: Around = ALONE) -> list[Frame]:
        """New frames between two of the same size. Raises ValueError for frames of two sizes."""
        between = Between(frame0, frame1, around)
        return [between.at(time) for time in times]

    def close(self) -> None:
        """Nothing is held."""
