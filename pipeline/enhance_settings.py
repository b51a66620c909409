"""The settings of the stage `enhance`. See pipeline.settings for how they are used."""

from pydantic import Field

from pipeline.motion_plan import FrozenModel

MAX_SIDE = 4096
"""Largest side of a video in pixels, as in pipeline.settings."""


class EnhanceSettings(FrozenModel):
    """What is done to the finished frames before they are encoded; as it stands, nothing."""

    scale: float = Field(1.0, ge=1.0, le=8.0, json_schema_extra={"step": 0.25})
    """How many times larger the video becomes. No effect while a width or a height is given here."""

    width: int | None = Field(None, ge=16, le=MAX_SIDE, json_schema_extra={"step": 2})
    """Width in pixels that the video is enlarged to. Empty: follows from the height, or from the scale."""

    height: int | None = Field(None, ge=16, le=MAX_SIDE, json_schema_extra={"step": 2})
    """Height in pixels that the video is enlarged to; with a width as well, the video becomes as large as fits both."""

    model: str = Field("", max_length=1000)
    """A file of super-resolution weights (.pth or .safetensors), or its name in the models folder's `enhance`. Empty:
    enlarged by Lanczos resampling, which needs none."""

    tile: int = Field(512, ge=128, le=2048, json_schema_extra={"step": 64})
    """Side in pixels of the pieces that the super-resolution model sees at a time; smaller ones need less memory."""

    deflicker: float = Field(0.0, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """How much of the flicker of brightness and tint is taken out; fades and light that changes stay."""

    colour: float = Field(0.0, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """How far a slow drift of brightness, contrast and tint is led back to the first frame of each shot."""

    sharpen: float = Field(0.0, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """Sharpening of details and edges; flat areas, grain and the brightness beside edges stay as they are."""
