"""The settings of the stage `style`. See pipeline.settings for how they are used."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from pipeline.motion_plan import FrozenModel
from pipeline.paths import PROJECT
from pipeline.transition_settings import AUTO, NONE

STYLES = PROJECT / "configs" / "styles"
"""The named styles, a file each."""


def style_names() -> tuple[str, ...]:
    """Names of all named styles, in the order of the alphabet."""
    return tuple(sorted(path.stem for path in STYLES.glob("*.yaml")))


class StyleSettings(FrozenModel):
    """Whether the video is painted over in a style. Without a name and an image it stays as it is."""

    name: str = Field("", max_length=60, json_schema_extra={"widget": "style"})
    """A named style, such as oil, watercolour or pencil. Empty: none."""

    image: Path | None = None
    """A picture whose colours and surface the video takes on."""

    strength: float = Field(1.0, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """How much of the style there is: 0 leaves every frame as it is."""

    model: str = Field(NONE, json_schema_extra={"widget": "helper", "role": "keyframes"})
    """The model that paints key frames of the video over: none leaves the style to the built-in ways, auto takes the
    best one on this machine."""

    prompt: str = Field("", max_length=2000)
    """What the model is told beside the words of the named style: a manner, or what the video shows."""

    denoising_strength: float = Field(0.4, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """How much the model paints anew: from 0.3 to 0.5 the scene stays, with more it makes up its own."""

    every: int = Field(24, ge=1, le=240, json_schema_extra={"step": 1})
    """Frames from one painted key frame to the next; the frames between follow the motion. More need more memory."""

    num_inference_steps: int = Field(30, ge=1, le=200, json_schema_extra={"step": 1})
    """The model's denoising steps: more are slower and finer."""

    guidance_scale: float = Field(7.0, ge=1.0, le=30.0, json_schema_extra={"step": 0.5})
    """How closely the model follows the words."""

    control: str = Field(AUTO, json_schema_extra={"widget": "helper", "role": "control"})
    """The ControlNet that holds the edges of the video: auto takes one that suits the model."""

    adapter: str = Field(AUTO, json_schema_extra={"widget": "helper", "role": "adapter"})
    """The IP-Adapter that shows the style's picture to the model: auto takes one that suits it."""

    adapter_scale: float = Field(0.6, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """How strongly the picture is shown."""

    @property
    def is_painted(self) -> bool:
        """Whether a model is to paint."""
        return self.strength > 0 and self.model != NONE and bool(self.name or self.image or self.prompt.strip())

    @property
    def is_wanted(self) -> bool:
        """Whether any frame changes."""
        return self.is_painted or (self.strength > 0 and bool(self.name or self.image))

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.name and self.image:
            raise ValueError("a style is a name or an image, but both are given: leave one of them empty")
        return self
