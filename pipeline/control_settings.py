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
    """What is taken from it: edges (canny), depth, grey levels or optical flow, which are found here; or its frames as
    they are, where it shows poses drawn by OpenPose or DWPose (pose: no detector comes with this program) or another
    map of this kind (as_given). auto takes figures or lines on black as given, else depth where a model sees it, else
    edges."""

    start: float = Field(0.0, ge=0.0, le=36000.0, json_schema_extra={"step": 0.5})
    """The second of the driving video that the first frame shows. Where it ends too soon, it runs back and forth."""

    scale: float = Field(1.0, ge=0.0, le=2.0, json_schema_extra={"step": 0.05})
    """How strictly it is followed: less leaves the motion to the prompt."""

    first_frame: bool = True
    """Begins with the image itself. Without it the image only lends its looks, and every frame is laid out as in the
    driving video."""

    depth_model: str = Field(AUTO, json_schema_extra={"widget": "helper", "role": "depth"})
    """The model that sees depth in it: auto takes one that is on this machine, none only estimates."""
