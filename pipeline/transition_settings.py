"""The settings of the transition's own stages, one model for each. See pipeline.settings for how they are used."""

from pathlib import Path

from pydantic import Field

from pipeline.choices import Curve, Detail, LanguageQuantization, Scheduler
from pipeline.motion_plan import FrozenModel

STAGES = ("transition", "align", "caption", "plan", "keyframes")
"""Sections of the settings that belong to transitions alone."""

AUTO = "auto"
"""Names the largest model of a role that is on this machine, and none where there is none."""

NONE = "none"
"""Names no model: the stage does what it can without one."""

FLOW = "flow"
"""The transition engine that moves the pixels of both images; needs no model."""

KEYFRAMES = "keyframes"
"""The transition engine with painted key frames between the images."""


class TransitionSettings(FrozenModel):
    """How one image becomes the other."""

    engine: str = Field(FLOW, json_schema_extra={"widget": "transition_engine"})
    """What makes the frames: `flow` (built in), `keyframes` (painted on the way), or a model with a last image."""

    num_frames: int = Field(90, ge=2, le=36000, json_schema_extra={"step": 1, "slider_max": 600})
    """Frames in the video, both images among them; 90 frames at 30 frames per second last 3 seconds."""

    seconds: float | None = Field(None, gt=0.0, le=1200.0, json_schema_extra={"step": 0.5})
    """Length of the video in seconds. When given, it decides the number of frames."""

    curve: Curve = Curve.EASE
    """Speed along the way: even, slow at both ends, or slow at one."""

    hold: float = Field(0.05, ge=0.0, le=0.45, json_schema_extra={"step": 0.01})
    """Share of the length for which each image stands still at its end."""

    common_crop: bool = True
    """Zooms in on the way, so that the borders that only one view has never show."""

    match_colour: bool = True
    """Leads exposure and colour over from one image to the other."""


class AlignSettings(FrozenModel):
    """How the scene that both images show is found."""

    enabled: bool = True
    """Looks for one scene in both images, and moves from view to view where there is one."""

    seconds: float = Field(10.0, ge=0.5, le=120.0, json_schema_extra={"step": 0.5})
    """Time for all tries together; what was found by then counts."""

    second_try: bool = True
    """Tries strong changes of viewpoint (affine SIFT) when the first try finds nothing."""

    refine: bool = True
    """Refines the alignment to fractions of a pixel."""

    max_keypoints: int = Field(8000, ge=500, le=40000, json_schema_extra={"step": 500})
    """Most keypoints looked at in each image."""


class CaptionSettings(FrozenModel):
    """How the two images are put into words."""

    model: str = Field(AUTO, json_schema_extra={"widget": "helper", "role": "caption"})
    """The model that describes: `auto` takes the one on this machine, `none` leaves it to you."""

    text0: str = Field("", max_length=2000)
    """What the first image shows. Empty: described by the model."""

    text1: str = Field("", max_length=2000)
    """What the second image shows. Empty: described by the model."""

    detail: Detail = Detail.DETAILED
    """How much the model says."""

    quantization: LanguageQuantization = LanguageQuantization.NONE
    """Smaller weights for the model that describes; taken by themselves where there is no room for the whole ones."""

    half_precision: bool = False
    """Describes in bfloat16 on a processor too: much faster where that has instructions for it, else slower."""


class PlanSettings(FrozenModel):
    """How the way between the two captions is written."""

    model: str = Field(AUTO, json_schema_extra={"widget": "helper", "role": "plan"})
    """The model that writes: `auto` takes the one on this machine, `none` crosses the captions over by rule."""

    prompts: tuple[str, ...] = Field((), max_length=32, json_schema_extra={"widget": "none"})
    """A prompt for each key frame, in order. Empty: written from the captions."""

    quantization: LanguageQuantization = LanguageQuantization.NONE
    """Smaller weights for the language model; taken by themselves where there is no room for the whole ones."""

    half_precision: bool = False
    """Writes in bfloat16 on a processor too: much faster where that has instructions for it, else slower."""


class KeyframesSettings(FrozenModel):
    """How pictures are painted on the way."""

    model: str = Field(AUTO, json_schema_extra={"widget": "helper", "role": "keyframes"})
    """The model that paints: `auto` takes the one on this machine, `none` paints nothing."""

    count: int = Field(5, ge=1, le=32, json_schema_extra={"step": 1})
    """Key frames between the two images."""

    strength: float = Field(0.5, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """How much is painted anew in the middle of the way; it rises to this and falls again."""

    num_inference_steps: int = Field(30, ge=1, le=200, json_schema_extra={"step": 1})
    """Denoising steps: more are slower and finer."""

    guidance_scale: float = Field(7.0, ge=1.0, le=30.0, json_schema_extra={"step": 0.5})
    """How closely the painting follows its prompt."""

    negative_prompt: str = Field("blurry, low quality, deformed, text, watermark", max_length=2000)
    """What should be kept out of the painting."""

    scheduler: Scheduler = Scheduler.PUBLISHED
    """The sampler."""

    control: str = Field(NONE, json_schema_extra={"widget": "helper", "role": "control"})
    """The ControlNet that holds the edges of the morph: `auto` takes one that suits the model."""

    control_scale: float = Field(0.6, ge=0.0, le=2.0, json_schema_extra={"step": 0.05})
    """Strength of the ControlNet."""

    prompts: tuple[str, ...] = Field((), max_length=32, json_schema_extra={"widget": "none"})
    """A prompt for each key frame that goes its own way; those that are empty follow the plan."""

    seeds: tuple[int, ...] = Field((), max_length=32, json_schema_extra={"widget": "none"})
    """A seed for each key frame, to paint one alone anew; -1 is the run's. Empty: the run's seed for all."""

    lora: Path | None = None
    """A LoRA file (.safetensors) that is laid over the painting model."""

    lora_scale: float = Field(1.0, ge=0.0, le=2.0, json_schema_extra={"step": 0.05})
    """Strength of the LoRA."""
