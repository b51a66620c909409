"""How each kind of thing flows, as data."""

from dataclasses import dataclass

from pipeline.motion_plan import RegionKind


@dataclass(frozen=True)
class FlowStyle:
    """How one kind of thing flows. Lengths are fractions of the square root of the plate's area."""

    direction: float
    """Degrees, 0 is right and 90 is up, where the region names none."""

    rate: float
    """Distance covered in 30 frames."""

    travel: float
    """Distance that one copy of the picture covers in its life."""

    edge: float
    """Width of the band along the area's edge over which the motion dies down."""

    turbulence: float = 0.0
    """Speed of the eddies, as a part of the whole speed."""

    eddy: float = 0.1
    """Size of the eddies."""

    far: float = 1.0
    """Speed at the top of the area as a part of that at its bottom: below 1 for a surface that recedes."""

    ripple: float = 0.0
    """Height of the waves that run over the surface."""

    shimmer: float = 0.0
    """How much glints and small shadows come and go, 1 is wholly."""

    flicker: float = 0.0
    """How much the light changes, 1 is much."""

    held: float = 0.0
    """What is larger than this stays in its place, as reflections do; 0 lets everything flow."""

    keeps_stars: bool = False
    """Points of light in a dark area stay in their places."""

    whole: float = 0.0
    """A clip in which things go no further than this shows one copy of the picture from start to end."""


FLOW_STYLES = {
    RegionKind.WATER: FlowStyle(
        direction=0, rate=0.03, travel=0.045, edge=0.02, far=0.25, ripple=0.0014, shimmer=0.35, held=0.12
    ),
    RegionKind.CLOUDS: FlowStyle(
        direction=0, rate=0.016, travel=0.06, edge=0.035, turbulence=0.15, eddy=0.25, whole=0.06, keeps_stars=True
    ),
    RegionKind.SMOKE: FlowStyle(direction=90, rate=0.06, travel=0.09, edge=0.04, turbulence=0.45, eddy=0.08),
    RegionKind.FIRE: FlowStyle(direction=90, rate=0.16, travel=0.09, edge=0.02, turbulence=0.4, eddy=0.05, flicker=0.3),
    RegionKind.DRIFT: FlowStyle(direction=0, rate=0.03, travel=0.05, edge=0.02),
}
"""The flowing kinds."""
