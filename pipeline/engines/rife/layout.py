"""The published versions that the definition of IFNet fits, and how they work in tiles. Without torch."""

import math
from dataclasses import dataclass

HIDDEN = 8
"""Channels that a block hands to the next one beside flow and mask."""

FINE = 2
"""The last blocks, which see most pixels and reach the least far: those that work in tiles."""

REACH = 48
"""How far a block's result depends on what surrounds it, in pixels at its own scale: two convolutions that halve,
eight after them, and two steps that enlarge."""

LARGE = 2560
"""From this longer side on, in pixels, all blocks work at half their size, as the authors advise for 4K."""


@dataclass(frozen=True)
class Layout:
    """What differs between published versions.

    `features` are the encoder's channels, `channels` those of the five blocks, `scales` how many times smaller than the
    frames each block works.
    """

    version: str
    features: int
    channels: tuple[int, ...]
    scales: tuple[int, ...]

    @property
    def inputs(self) -> tuple[int, ...]:
        """Input channels of each block: two frames, their features, the time; then also mask, flow and hidden ones."""
        first = 2 * 3 + 2 * self.features + 1
        return first, *(first + 1 + 4 + HIDDEN for _ in self.channels[1:])


LAYOUTS = (
    Layout("4.25 or 4.26", 4, (192, 128, 96, 64, 32), (16, 8, 4, 2, 1)),
    Layout("4.25.lite", 4, (192, 128, 96, 64, 24), (32, 16, 8, 4, 1)),
    Layout("4.26.large", 16, (192, 128, 96, 64, 32), (16, 8, 4, 2, 1)),
)
"""Versions of Practical-RIFE (https://github.com/hzwer/Practical-RIFE) from 4.25 on, the recommended one first."""


def scales_for(layout: Layout, height: int, width: int) -> tuple[int, ...]:
    """How many times smaller than frames of a size each block works."""
    return tuple(2 * scale for scale in layout.scales) if max(height, width) >= LARGE else layout.scales


def margin(scales: tuple[int, ...]) -> int:
    """Pixels around a tile that its fine blocks must see for the tile to be the same as in the whole frame."""
    unit = 4 * scales[-FINE]
    return math.ceil(REACH * sum(scales[-FINE:]) / unit) * unit


def pixels_at_work(height: int, width: int, tile: int | None) -> int:
    """Pixels that count for the memory at the peak: with tiles a third of all, for what is kept whole, and the tile."""
    if tile is None:
        return height * width
    side = tile + 2 * margin(scales_for(LAYOUTS[0], height, width))
    return min(height * width, height * width // 3 + side * side)
