"""The motion plan: what the embedded engine does, as data that is shown, edited and recorded.

A plan never depends on the frame rate. Camera travel is a total over the whole clip; rates are per 30 frames, which is
one second at the default frame rate.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", json_schema_extra={"widget": "colour"})]
"""An sRGB colour, #RRGGBB."""

FRAMES_PER_UNIT_TIME = 30
"""Rates in a plan are per this many frames."""


class FrozenModel(BaseModel):
    """Base of all settings: immutable, unknown names refused, the docstring of a field is its help text."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Easing(StrEnum):
    """How the camera's speed changes over the clip."""

    LINEAR = "linear"
    EASE_IN = "ease_in"
    EASE_OUT = "ease_out"
    EASE_IN_OUT = "ease_in_out"


class RegionKind(StrEnum):
    """What moves in a region, which decides how it moves."""

    WATER = "water"
    CLOUDS = "clouds"
    SMOKE = "smoke"
    FIRE = "fire"
    LEAVES = "leaves"
    FALLING_LEAVES = "falling_leaves"
    GRASS = "grass"
    HAIR = "hair"
    STARS = "stars"
    DRIFT = "drift"


class Camera(FrozenModel):
    """The move of the camera over the clip. All parts add up; the neutral values mean a camera that stands still."""

    zoom: float = Field(1.0, ge=0.25, le=4.0, json_schema_extra={"step": 0.01})
    """Size of things at the end of the clip, relative to the start: 1.25 moves in, 0.8 moves out, 1 stays."""

    zoom_x: float = Field(0.5, ge=0.0, le=1.0, json_schema_extra={"step": 0.01})
    """The point that the zoom moves towards or away from: 0 is the left edge, 1 the right edge."""

    zoom_y: float = Field(0.5, ge=0.0, le=1.0, json_schema_extra={"step": 0.01})
    """The point that the zoom moves towards or away from: 0 is the top edge, 1 the bottom edge."""

    pan_x: float = Field(0.0, ge=-1.0, le=1.0, json_schema_extra={"step": 0.01})
    """Travel of the camera as a fraction of the frame's width: 0.2 looks further right, so the picture slides left."""

    pan_y: float = Field(0.0, ge=-1.0, le=1.0, json_schema_extra={"step": 0.01})
    """Travel of the camera as a fraction of the frame's height: 0.2 looks further down, so the picture slides up."""

    roll: float = Field(0.0, ge=-180.0, le=180.0, json_schema_extra={"step": 1})
    """Turn of the picture in degrees over the clip: positive is clockwise."""

    dolly_zoom: float = Field(0.0, ge=-1.0, le=1.0, json_schema_extra={"step": 0.01})
    """The subject at the zoom point keeps its size while what surrounds it grows (positive) or shrinks (negative)."""

    sway: float = Field(0.0, ge=0.0, le=0.1, json_schema_extra={"step": 0.001})
    """Handheld sway: amplitude as a fraction of the frame's height."""

    sway_rate: float = Field(0.5, ge=0.05, le=4.0, json_schema_extra={"step": 0.05})
    """Swings of the handheld sway per 30 frames."""

    parallax: float = Field(0.0, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """How much more near things move than far ones: 0 is a flat picture, at 1 what is farthest stands still."""

    orbit: bool = False
    """A pan in depth circles around the zoom point: what is there stays, near and far things pass it both ways."""

    easing: Easing = Easing.EASE_IN_OUT
    """How the camera starts and stops."""


class Region(FrozenModel):
    """A part of the picture that moves by itself while the rest stands still."""

    kind: RegionKind = RegionKind.DRIFT
    """What it is, which decides how it moves."""

    direction: float | None = Field(None, ge=-360.0, le=360.0, json_schema_extra={"step": 1})
    """Where it moves, in degrees: 0 is right, 90 is up, 180 is left, 270 is down. Empty: what suits the kind."""

    speed: float = Field(1.0, ge=0.0, le=5.0, json_schema_extra={"step": 0.1})
    """1 is the natural speed of the kind, 2 is twice as fast."""

    swirl: bool = False
    """The motion turns in vortices instead of running straight."""


class MotionPlan(FrozenModel):
    """Everything that the embedded engine does to one still."""

    camera: Camera = Camera()
    """The move of the camera."""

    regions: tuple[Region, ...] = Field((), max_length=4)
    """The parts of the picture that move by themselves. The first mask is the area of the first one, and so on."""

    fade_in: float = Field(0.0, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """Part of the clip that fades in from the fade colour."""

    fade_out: float = Field(0.0, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """Part of the clip that fades out to the fade colour."""

    fade_colour: Colour = "#000000"
    """The colour that fades begin from and end in."""

    loop: bool = False
    """The last frame leads back into the first without a jump; the camera goes there and back."""
