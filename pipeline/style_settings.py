"""The settings of the stage `style`. See pipeline.settings for how they are used."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from pipeline.motion_plan import FrozenModel
from pipeline.paths import PROJECT

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

    @property
    def is_wanted(self) -> bool:
        """Whether any frame changes."""
        return self.strength > 0 and bool(self.name or self.image)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.name and self.image:
            raise ValueError("a style is a name or an image, but both are given: leave one of them empty")
        return self
