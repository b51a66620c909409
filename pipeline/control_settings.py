"""The settings of a driving video. See pipeline.settings for how they are used."""

from pathlib import Path

from pydantic import Field

from pipeline.choices import ControlKind
from pipeline.motion_plan import FrozenModel
from pipeline.transition_settings import AUTO


class ControlSettings(FrozenModel):
    """A video whose motion the image takes on, for models that can be driven by one."""

    video: Path | None = None
    """A driving video: as it moves, the image moves. It is cut to the shape of the video. Empty: none."""

    kind: ControlKind = ControlKind.AUTO
    """Edges (canny), depth, grey levels or optical flow are found in it. pose and as_given take its frames as they are:
    poses drawn by OpenPose or DWPose (no detector comes with this program), or another map. auto takes figures and
    lines on black as they are, else depth where a model sees it, else edges."""

    start: float = Field(0.0, ge=0.0, le=36000.0, json_schema_extra={"step": 0.5})
    """The second of the driving video that the first frame shows. Where it ends too soon, it runs back and forth."""

    scale: float = Field(1.0, ge=0.0, le=2.0, json_schema_extra={"step": 0.05})
    """How strictly it is followed: less leaves the motion to the prompt."""

    first_frame: bool = True
    """Begins with the image itself. Without it the image lends its looks alone, and every frame is laid out as in the
    driving video: for poses that begin elsewhere than the image."""

    depth_model: str = Field(AUTO, json_schema_extra={"widget": "helper", "role": "depth"})
    """The model that sees depth in it: auto takes one that is on this machine, none only estimates."""
