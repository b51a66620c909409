"""Which mover moves which kind of region."""

from typing import Protocol

from pipeline.engines.motion.flow import FlowMover
from pipeline.engines.motion.oscillation import Clock
from pipeline.engines.motion.particles import FallingLeavesMover
from pipeline.engines.motion.patch import Patch
from pipeline.engines.motion.swaying import SWAY_STYLES, SwayMover
from pipeline.engines.motion.twinkle import TwinkleMover
from pipeline.frames import Frame, Mask
from pipeline.motion_plan import Region, RegionKind


class Mover(Protocol):
    """Moves one region."""

    def apply(self, canvas: Frame, index: int) -> None:
        """Write frame `index` of the region into `canvas`; several threads may do so at once, each its own canvas."""


class RegionAnimator:
    """Moves one region of a still: everything outside its mask stays as it is, bit for bit.

    Only falling leaves leave their mask: they come down over the picture below it.
    """

    def __init__(self, plate: Frame, mask: Mask, region: Region, num_frames: int, loop: bool, seed: int) -> None:
        """Prepare the region; this takes the time of a few frames. `mask` has the plate's height and width."""
        self._mover: Mover | None = None
        if region.speed > 0.0 and mask.any():
            clock = Clock(num_frames, loop, region.speed)
            self._mover = _mover(plate, Patch(plate, mask), region, clock, seed)

    def apply(self, canvas: Frame, index: int) -> None:
        """Write frame `index` of the region into `canvas`, a copy of the plate, in place. Thread-safe."""
        if self._mover is not None:
            self._mover.apply(canvas, index)


def _mover(plate: Frame, patch: Patch, region: Region, clock: Clock, seed: int) -> Mover:
    if region.kind is RegionKind.STARS:
        return TwinkleMover(plate, patch, clock, seed)
    if region.kind is RegionKind.FALLING_LEAVES:
        return FallingLeavesMover(plate, patch, region, clock, seed)
    if region.kind in SWAY_STYLES:
        return SwayMover(plate, patch, region, clock, seed)
    return FlowMover(plate, patch, region, clock, seed)
