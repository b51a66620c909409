"""Settings: the one source of every parameter.

The command line, the page's form, the presets, the documentation and the record are derived from these models. The
docstring of a field is its help text and its bounds are its slider. `json_schema_extra` holds hints for the form:
`step`, `widget`, `choices` (offered, others allowed) and `slider_max` (where a slider ends below the hard bound).
"""

import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError, WithJsonSchema, model_validator

from pipeline.catalogue import Precision, get_card, merge, model_defaults, model_names
from pipeline.choices import Device, InterpolationMethod, Offload, Quantization, Scheduler, VideoFormat, X264Preset
from pipeline.control_settings import ControlSettings
from pipeline.enhance_settings import EnhanceSettings
from pipeline.errors import InvalidSetting
from pipeline.motion_plan import Colour, FrozenModel, MotionPlan, RegionKind
from pipeline.paths import PRESETS
from pipeline.style_settings import StyleSettings
from pipeline.transition_settings import (
    AUTO,
    FLOW,
    KEYFRAMES,
    AlignSettings,
    CaptionSettings,
    KeyframesSettings,
    PlanSettings,
    TransitionSettings,
)
from pipeline.yaml_files import parse_yaml

MIN_SIDE, MAX_SIDE = 16, 4096
"""Bounds in pixels on the sides of a video; images under 16 px a side are refused as well."""

_RATE = re.compile(r"-?\d{1,9}(\.\d{1,12}|/\d{1,9})?")
_NTSC = {23.976: Fraction(24000, 1001), 29.97: Fraction(30000, 1001), 59.94: Fraction(60000, 1001)}


def parse_fps(value: object) -> Fraction:
    """Read a frame rate: 30, "30", "29.97" (which means 30000/1001) or "30000/1001".

    Raises ValueError when it is none of these.
    """
    if isinstance(value, Fraction | int):
        return Fraction(value)
    text = str(value).strip()
    try:
        if not _RATE.fullmatch(text):  # "1e999999999" is a number that would be worked out
            raise ValueError
        exact = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError("a frame rate is a number such as 30, 29.97 or 30000/1001") from None
    return _NTSC.get(round(float(exact), 3), exact.limit_denominator(1001))


FrameRate = Annotated[
    Fraction,
    BeforeValidator(parse_fps),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+|/\d+)?$"}),
]
"""Frames per second, exact; written as "30" or "30000/1001"."""


class PrepareSettings(FrozenModel):
    """How the input becomes a picture in the size of the video."""

    width: int | None = Field(None, ge=MIN_SIDE, le=MAX_SIDE, json_schema_extra={"step": 2})
    """Width of the video in pixels. Empty: follows from the height, or from the image and the resolution."""

    height: int | None = Field(None, ge=MIN_SIDE, le=MAX_SIDE, json_schema_extra={"step": 2})
    """Height of the video in pixels. Empty: follows from the width, or from the image and the resolution."""

    resolution: int = Field(
        720, ge=MIN_SIDE, le=2160, json_schema_extra={"step": 2, "choices": [360, 480, 540, 720, 1080, 1440, 2160]}
    )
    """Length of the shorter side in pixels when neither width nor height is given; the aspect is then the image's."""

    focus_x: float = Field(0.5, ge=0.0, le=1.0, json_schema_extra={"step": 0.01})
    """What a crop keeps, across: 0 keeps the left edge, 0.5 the centre, 1 the right edge."""

    focus_y: float = Field(0.5, ge=0.0, le=1.0, json_schema_extra={"step": 0.01})
    """What a crop keeps, down: 0 keeps the top edge, 0.5 the centre, 1 the bottom edge."""

    background: Colour = "#ffffff"
    """The colour behind transparent parts of the image."""

    masks: tuple[Path, ...] = Field((), max_length=4, json_schema_extra={"widget": "none"})
    """Mask files, white where things move, as large as the image: the areas of the motion plan's regions, in order."""

    max_megapixels: int = Field(150, ge=1, le=500, json_schema_extra={"step": 1})
    """Largest image accepted, in millions of pixels; looked up before anything is decoded."""

    max_file_mb: int = Field(200, ge=1, le=2000, json_schema_extra={"step": 1})
    """Largest image file accepted, in megabytes."""


class MotionSettings(FrozenModel):
    """What belongs to the embedded engine `motion` alone."""

    plan: MotionPlan | None = Field(None, json_schema_extra={"widget": "none"})
    """The motion plan to render, as JSON. Empty: the plan that the prompt is read as."""

    amount: float = Field(1.0, ge=0.0, le=3.0, json_schema_extra={"step": 0.1})
    """Scales all travel of the camera: 0 holds it still, 2 doubles it."""

    speed: float = Field(1.0, ge=0.0, le=5.0, json_schema_extra={"step": 0.1})
    """Scales the speed of everything that moves by itself."""

    loop: bool = False
    """Makes a seamless loop, also where the prompt does not ask for one."""

    parallax: float | None = Field(None, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """How much more near things move than far ones. Empty: 0.5 where the prompt or a depth map asks for it, else 0."""

    depth: Path | None = None
    """A depth map: a grey PNG of the whole image, 8 or 16 bits, nearer is brighter. Empty: a model's or an estimate."""

    depth_inverted: bool = False
    """In the depth map, nearer is darker."""

    depth_model: str = Field(AUTO, json_schema_extra={"widget": "helper", "role": "depth"})
    """The model that sees depth where there is no map: auto takes one that is on this machine, none only estimates."""

    brush_kind: RegionKind | None = None
    """How a painted area moves. Empty: as the prompt says, or a steady drift."""

    brush_direction: float | None = Field(None, ge=-360.0, le=360.0, json_schema_extra={"step": 1})
    """Where a painted area moves, in degrees: 0 right, 90 up, 180 left, 270 down. Empty: as the prompt says."""


class Segment(FrozenModel):
    """A stretch of a long video. Written as text: "waves roll in | 4", or the prompt alone for 3 seconds."""

    prompt: str = Field("", max_length=2000)
    """What should happen in it. Empty: the video's own prompt."""

    seconds: float = Field(3.0, gt=0.0, le=1200.0)
    """How long it lasts."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        prompt, bar, seconds = value.rpartition("|")
        return {"prompt": prompt.strip(), "seconds": seconds.strip()} if bar else {"prompt": value.strip()}


class AnimateSettings(FrozenModel):
    """How the picture is brought to life."""

    engine: str = Field("motion", json_schema_extra={"widget": "engine"})
    """The engine that makes the frames. `motion` is built in and needs no GPU and no download."""

    num_frames: int = Field(90, ge=1, le=36000, json_schema_extra={"step": 1, "slider_max": 600})
    """Frames in the video; 90 frames at 30 frames per second last 3 seconds."""

    seconds: float | None = Field(None, gt=0.0, le=1200.0, json_schema_extra={"step": 0.5})
    """Length of the video in seconds. When given, it decides the number of frames."""

    segments: tuple[Segment, ...] = Field(
        (), max_length=64, json_schema_extra={"widget": "lines", "example": "waves roll in | 4"}
    )
    """A prompt and its seconds a line, each going on from the last frames of the one before. Empty: one clip."""

    overlap: int = Field(4, ge=0, le=32, json_schema_extra={"step": 1})
    """Frames over which a segment dissolves into the next."""

    hold_colour: float = Field(0.5, ge=0.0, le=1.0, json_schema_extra={"step": 0.05})
    """How far the colours of each pass of a model are led back to those that it began with, so that a long video does
    not drift away from the image; less lets the light change."""

    num_inference_steps: int = Field(50, ge=1, le=200, json_schema_extra={"step": 1})
    """Denoising steps of a diffusion model: more are slower and finer."""

    guidance_scale: float = Field(9.0, ge=1.0, le=30.0, json_schema_extra={"step": 0.5})
    """How closely a diffusion model follows the prompt."""

    negative_prompt: str = Field("", max_length=2000)
    """What a diffusion model should keep out of the video."""

    scheduler: Scheduler = Scheduler.PUBLISHED
    """The sampler: the one the model was published with, or another where the model allows it."""

    target_fps: int = Field(16, ge=1, le=60, json_schema_extra={"step": 1})
    """The frame rate that the model is told to imagine: lower means more motion. It does not set the file's rate."""

    motion_bucket_id: int = Field(127, ge=1, le=255, json_schema_extra={"step": 1})
    """How much motion Stable Video Diffusion makes."""

    noise_aug_strength: float = Field(0.02, ge=0.0, le=1.0, json_schema_extra={"step": 0.01})
    """Noise that Stable Video Diffusion adds to the image: more frees the motion and loses likeness."""

    candidates: int = Field(1, ge=1, le=8, json_schema_extra={"step": 1})
    """Videos made with successive seeds, of which the quality measures keep the best."""

    keep_candidates: bool = False
    """Keeps the other candidates too, beside the best one."""

    sample_width: int | None = Field(None, ge=MIN_SIDE, le=MAX_SIDE, json_schema_extra={"step": 8})
    """Width in pixels that a diffusion model works at, scaled up to the video's. Empty: the video's own."""

    sample_height: int | None = Field(None, ge=MIN_SIDE, le=MAX_SIDE, json_schema_extra={"step": 8})
    """Height in pixels that a diffusion model works at, scaled up to the video's. Empty: the video's own."""

    sample_frames: int | None = Field(None, ge=1, le=36000, json_schema_extra={"step": 1})
    """Frames that a diffusion model makes; the others are interpolated between them. Empty: all of them."""

    decode_chunk_size: int | None = Field(None, ge=1, le=64, json_schema_extra={"step": 1})
    """Frames that an image autoencoder decodes at once: fewer take less memory. Empty: what the model can afford."""

    vae_tiling: bool = False
    """Decodes in overlapping tiles: much less memory, a slight change of tone."""

    encode_tiling: bool = False
    """Encodes what sampling starts from in overlapping tiles: much less memory, a slight change of tone."""

    precision: Precision | None = None
    """Number format of weights and activations. Empty: the model's own on a GPU, float32 on a CPU."""

    decode_precision: Precision | None = None
    """Number format that frames are decoded in. Empty: the one that the model's autoencoder works in anyway."""

    quantization: Quantization = Quantization.NONE
    """Smaller weights: float8 suits every model, int8 and nf4 pay for transformers only and need a GPU."""

    lora: Path | None = None
    """A LoRA file (.safetensors) that is laid over the model."""

    lora_scale: float = Field(1.0, ge=0.0, le=2.0, json_schema_extra={"step": 0.05})
    """Strength of the LoRA."""

    motion: MotionSettings = MotionSettings()
    """The embedded engine's own settings."""

    control: ControlSettings = ControlSettings()
    """A driving video and what is taken from it."""


class InterpolateSettings(FrozenModel):
    """New frames between those that were made, so that the video runs smoothly."""

    fps: FrameRate | None = Field(None, ge=1, le=120, json_schema_extra={"choices": ["24", "25", "30", "50", "60"]})
    """Frames per second that the video goes out at: a model's 8 become 24 or 30. Empty: as the factor says."""

    factor: int = Field(1, ge=1, le=16, json_schema_extra={"step": 1})
    """How many times as many frames the video goes out with, in the same time. 1 makes none."""

    method: InterpolationMethod = InterpolationMethod.FLOW
    """What makes them, and those of a transition: flow is built in; FILM and RIFE take weights in the models folder."""


class EncodeSettings(FrozenModel):
    """How the frames become a file."""

    format: VideoFormat = VideoFormat.MP4
    """mp4 (H.264) plays everywhere, webm (VP9) is free, gif suits chats and has 256 colours."""

    fps: FrameRate = Field(
        Fraction(30),
        ge=1,
        le=120,
        json_schema_extra={"choices": ["8", "12", "15", "24", "25", "29.97", "30", "50", "60"]},
    )
    """Frames per second: whole, decimal (29.97) or exact (30000/1001)."""

    crf: int = Field(18, ge=0, le=51, json_schema_extra={"step": 1})
    """Constant rate factor: 18 looks like the original, 23 is smaller. 0 is lossless, which some players refuse."""

    x264_preset: X264Preset = X264Preset.MEDIUM
    """Slower presets make smaller mp4 files of the same quality; from 720p on a shorter lookahead saves memory."""

    threads: int = Field(4, ge=1, le=64, json_schema_extra={"step": 1})
    """Threads of the encoder. Another count gives slightly other pixels, so the same count repeats a video exactly."""

    embed_settings: bool = True
    """Writes prompt and settings into the video, and into its poster, so that dropping it on the page brings them back.
    Names and paths of files are never written."""


class RuntimeSettings(FrozenModel):
    """What must not change a single pixel."""

    threads: int = Field(0, ge=0, le=256, json_schema_extra={"step": 1})
    """Threads that render frames, and that networks on the processor and OpenCV compute with. 0: one for each core."""

    device: Device = Device.AUTO
    """What a diffusion model runs on: the GPU where there is one, else the processor."""

    models_dir: Path | None = None
    """Folder with models. Empty: the Hugging Face cache that all programs of this machine share."""

    offline: bool = False
    """Never asks the network, also when a model is missing."""

    vram_limit_gb: float | None = Field(None, gt=0.0, le=1024.0, json_schema_extra={"step": 0.5})
    """The most GPU memory to use, in GB; on a machine without a GPU, the most memory. Empty: all that is free."""

    allow_downgrades: bool = True
    """Lets the memory ladder change the picture (fewer frames, lower resolution) rather than give up."""

    cache_gb: float = Field(10.0, ge=0.0, le=10_000.0, json_schema_extra={"step": 1.0})
    """Disk space for results of earlier runs, in GB, so that only what has changed is made anew. 0: nothing is kept."""

    offload: Offload = Offload.NONE
    """Where weights wait: on the GPU, or in main memory by model (slower) or by group of layers (slowest)."""

    guidance_passes: int = Field(1, ge=1, le=2, json_schema_extra={"step": 1})
    """Passes for classifier-free guidance: two halve the memory of sampling and take a little longer."""

    chunk_feed_forward: bool = False
    """Runs the feed-forward layers of I2VGen-XL's input transformer in chunks: less memory, slower."""

    compile: bool = False
    """Compiles the denoiser (needs a C++ compiler): the first run of a size warms up for minutes, then it is faster."""

    keep_model: bool = True
    """Keeps the model in memory for the next run. Another model frees it first."""


class Settings(FrozenModel):
    """Everything that decides a run. One nested model for each stage, and `runtime` for what changes no pixel."""

    preset: str = Field("standard", json_schema_extra={"widget": "preset"})
    """Quality preset: draft, standard or high, or the name of a file in configs/presets."""

    prompt: str = Field("", max_length=2000)
    """What should happen: subject, action, direction or speed, mood. English or Chinese."""

    seed: int = Field(-1, ge=-1, le=2**32 - 1, json_schema_extra={"step": 1})
    """Seed of everything random; -1 draws one, which the record keeps."""

    prepare: PrepareSettings = PrepareSettings()
    animate: AnimateSettings = AnimateSettings()
    transition: TransitionSettings = TransitionSettings()
    align: AlignSettings = AlignSettings()
    caption: CaptionSettings = CaptionSettings()
    plan: PlanSettings = PlanSettings()
    keyframes: KeyframesSettings = KeyframesSettings()
    interpolate: InterpolateSettings = InterpolateSettings()
    enhance: EnhanceSettings = EnhanceSettings()
    style: StyleSettings = StyleSettings()
    encode: EncodeSettings = EncodeSettings()
    runtime: RuntimeSettings = RuntimeSettings()


def preset_names() -> list[str]:
    """Names of the presets in configs/presets: the three of the contract first, the user's own after them."""
    found = sorted(path.stem for path in PRESETS.glob("*.yaml"))
    first = [name for name in ("draft", "standard", "high") if name in found]
    return first + [name for name in found if name not in first]


def load_preset(name: str) -> dict[str, Any]:
    """Read the differences from the defaults that a preset stands for, nested by section.

    Raises InvalidSetting when there is no such preset or its file does not hold settings.
    """
    if name not in preset_names():
        raise InvalidSetting(f"There is no preset '{name}': choose one of {', '.join(preset_names())}.")
    try:
        values = parse_yaml((PRESETS / f"{name}.yaml").read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise InvalidSetting(f"The preset file {name}.yaml is not valid YAML: {error.__class__.__name__}.") from error
    if not isinstance(values, dict):
        raise InvalidSetting(f"The preset file {name}.yaml must hold sections such as 'encode:' with settings below.")
    return values


def make_settings(changes: dict[str, Any]) -> Settings:
    """Build Settings from the defaults, the preset named in `changes`, the engine's own values for it, and `changes`.

    Each one is laid over those before it. Raises InvalidSetting, one sentence that names the setting and its bounds,
    when a value does not fit.
    """
    preset = str(changes.get("preset", "standard"))
    base = merge(load_preset(preset), _engine_values(changes, preset))
    try:
        return Settings.model_validate(merge(base, changes))
    except ValidationError as error:
        raise InvalidSetting(explain(error)) from error


def _engine_values(changes: dict[str, Any], preset: str) -> dict[str, Any]:
    """The values of the model that makes the frames. One that makes a transition has its number of frames there too."""
    passing = _engine_in(changes, "transition")
    if passing not in model_names():
        return model_defaults(_engine_in(changes, "animate"), preset)
    values = model_defaults(passing, preset)
    animate = {**values.get("animate", {}), "engine": passing}
    frames = {"num_frames": animate["num_frames"]} if "num_frames" in animate else {}
    return {**values, "animate": animate, "transition": frames}


def _engine_in(changes: dict[str, Any], section: str) -> str:
    values = changes.get(section, {})
    return str(values.get("engine", "")) if isinstance(values, dict) else ""


def passage_engines() -> list[str]:
    """Names of the engines that make transitions, the built-in one first."""
    return [FLOW, KEYFRAMES, *(name for name in model_names() if get_card(name).can.last_image)]


def explain(error: ValidationError) -> str:
    """One sentence for the first thing that is wrong: the setting's full name, the reason, the value given."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"There is no setting '{name}'."
    reason = first["msg"].removeprefix("Value error, ")
    return f"{name}: {reason[:1].lower()}{reason[1:]}, but {first['input']!r} was given."
