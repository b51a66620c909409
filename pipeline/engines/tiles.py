"""Windows: parts of a frame that a network works on by themselves, and how they become a frame again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Window:
    """Rows from `top` to before `bottom`, columns from `left` to before `right`, in pixels of the frame."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    def within(self, outer: "Window") -> tuple[slice, slice]:
        """Rows and columns of this window in an array that holds what lies in `outer`."""
        return (
            slice(self.top - outer.top, self.bottom - outer.top),
            slice(self.left - outer.left, self.right - outer.left),
        )

    def of(self, picture: "Tensor") -> "Tensor":
        """The part of a picture (N, C, H, W) that lies in this window."""
        return picture[:, :, self.top : self.bottom, self.left : self.right]

    def grown(self, margin: int, outer: "Window") -> "Window":
        """The window with a margin on all sides, as far as `outer` reaches."""
        return Window(
            max(self.top - margin, outer.top),
            max(self.left - margin, outer.left),
            min(self.bottom + margin, outer.bottom),
            min(self.right + margin, outer.right),
        )


def tiles(height: int, width: int, side: int | None) -> Iterator[Window]:
    """Windows of at most `side` x `side` pixels that cover a frame side by side; one for all of it without a side."""
    tall, wide = (height, width) if side is None else (side, side)
    for top in range(0, height, tall):
        for left in range(0, width, wide):
            yield Window(top, left, min(top + tall, height), min(left + wide, width))


def faded(parts: Iterable[tuple[Window, "Tensor"]], height: int, width: int) -> "Tensor":
    """A frame (1, C, height, width) of parts (1, C, h, w) that overlap, each at its window, without seams.

    A part counts less the nearer its edge is, so that parts fade into each other; at the frame's edges it counts whole.
    """
    import torch

    total = weights = torch.zeros(())
    for window, part in parts:
        if not weights.ndim:
            total, weights = part.new_zeros(1, part.shape[1], height, width), part.new_zeros(height, width)
        rows, columns = window.within(Window(0, 0, height, width))
        tall = _ramps(window.top > 0, window.bottom < height, part[0, 0, :, 0])
        wide = _ramps(window.left > 0, window.right < width, part[0, 0, 0, :])
        share = tall[:, None] * wide
        total[:, :, rows, columns] += part * share
        weights[rows, columns] += share
    return total / weights


def _ramps(first: bool, last: bool, like: "Tensor") -> "Tensor":
    """Shares along one side of a part: rising to its middle from each end that others overlap."""
    import torch

    steps = torch.arange(1, len(like) + 1, device=like.device, dtype=like.dtype) / (len(like) + 1)
    rising = steps if first else torch.ones_like(steps)
    falling = steps.flip(0) if last else torch.ones_like(steps)
    return torch.minimum(rising, falling)
