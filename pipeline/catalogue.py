"""The catalogue of models: one card for each file in configs/models, data that nothing but an adapter interprets.

A user adds a model of a known family by adding a file; the file's stem is the model's name. The cards at the top are
of models that make videos, and their names are those of engines. The cards in the folders below are of helpers of the
transition, by what they do: configs/models/caption, plan, keyframes and control; those in configs/models/interpolate
make frames between others, those in configs/models/depth tell how near things are, and those in configs/models/adapter
show a picture to the models that paint.
"""

import difflib
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import Field, ValidationError

from pipeline.errors import InvalidSetting
from pipeline.motion_plan import FrozenModel
from pipeline.paths import CATALOGUE
from pipeline.yaml_files import parse_yaml


class FamilyName(StrEnum):
    """The families of models that an adapter exists for."""

    I2VGEN_XL = "i2vgen_xl"
    SVD = "svd"
    WAN = "wan"
    WAN_VACE = "wan_vace"
    LTX = "ltx"
    COGVIDEOX = "cogvideox"
    FRAMEPACK = "framepack"
    FLORENCE2 = "florence2"
    PHI = "phi"
    STABLE_DIFFUSION = "stable_diffusion"
    STABLE_DIFFUSION_XL = "stable_diffusion_xl"
    FILM = "film"
    RIFE = "rife"
    DEPTH_ANYTHING = "depth_anything"


class Role(StrEnum):
    """What a helper does, in the transition, between frames or before them; the name of its card's folder."""

    CAPTION = "caption"
    PLAN = "plan"
    KEYFRAMES = "keyframes"
    CONTROL = "control"
    INTERPOLATE = "interpolate"
    DEPTH = "depth"
    ADAPTER = "adapter"


class Precision(StrEnum):
    """Number formats of weights and activations."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


class Phase(StrEnum):
    """The phases of a diffusion run, in order. Each one's result is kept, so that only a failed one is repeated."""

    LOAD = "load"
    CONDITION = "condition"
    SAMPLE = "sample"
    DECODE = "decode"


class Part(FrozenModel):
    """A component that lies in a repository of its own."""

    component: str
    """Name of the pipeline's component, such as transformer."""
    repository: str
    revision: str = "main"
    subfolder: str = ""
    """Folder inside that repository that holds the component; empty for its top."""
    download_bytes: int
    licence: str


class CanDo(FrozenModel):
    """What the model takes beside the image."""

    prompt: bool = True
    negative_prompt: bool = True
    last_image: bool = False
    lora: bool = False
    control_video: bool = False
    """Whether a driving video can guide its motion."""
    scheduler: bool = False
    """Whether the sampler may be exchanged."""


class Rules(FrozenModel):
    """Sizes (pixels) and frame counts (`frames_multiple * k + frames_offset`) that the model makes."""

    size_multiple: int = Field(ge=1)
    fixed_size: tuple[int, int] | None = None
    """Width and height of the only size that the model works at; pictures of other shapes are fitted into it."""
    min_side: int = Field(64, ge=16)
    max_side: int = Field(2048, ge=16)
    resolutions: tuple[int, ...]
    """Lengths of the shorter side that are offered, smallest first; the ladder steps down along them."""
    frames_multiple: int = Field(1, ge=1)
    frames_offset: int = Field(0, ge=0)
    min_frames: int = Field(1, ge=1)
    max_frames: int = Field(ge=1)


class Component(FrozenModel):
    """One network of the pipeline: what its weights take, and in which phases they are needed."""

    name: str
    parameters: int = Field(ge=0)
    """Number of parameters."""
    phases: tuple[Phase, ...]
    precision: Precision | None = None
    """Kept in this precision whatever the others have, such as the VAE of Wan in float32."""
    largest_layer: int | None = Field(None, ge=1)
    """Parameters of its largest single layer, which is what group offload moves. Empty: the component as a whole."""


class Activation(FrozenModel):
    """Peak of what is allocated beside the weights: `base + per_frame * F + per_position * P + per_unit * F * P` bytes.

    In the card's precision, or that of the phase's components where all have one of their own. P are the positions of
    one frame: of the latents (batch * height * width) when sampling, else pixels. F are the frames: of the latents when
    sampling, those at work at once when decoding. A causal video VAE keeps what it knows of a frame however many there
    are (`per_position`), and a tile has the same size however large the picture is (`per_frame`).
    """

    base: float = Field(0.0, ge=0.0)
    per_frame: float = Field(0.0, ge=0.0)
    per_position: float = Field(0.0, ge=0.0)
    per_unit: float = Field(0.0, ge=0.0)
    stitching: float = Field(0.0, ge=0.0)

    def peak(self, positions: float, frames: int) -> float:
        """The peak in bytes."""
        working = self.base + self.per_frame * frames + (self.per_position + self.per_unit * frames) * positions
        return max(working, self.stitching * frames * positions)


class MemoryModel(FrozenModel):
    """From which the forecast is made. Measured on the meta device: see benchmarks/memory_model.py."""

    components: tuple[Component, ...]
    latent_stride: int = Field(8, ge=1)
    """Pixels of a side for each latent position."""
    latent_frames: int = Field(1, ge=1)
    """Frames for each latent frame: 1 for an image VAE, 4 or 8 (and one more frame) for a video VAE."""
    guidance_doubles_batch: bool
    """Whether classifier-free guidance runs as one pass over a batch of two."""
    sample: Activation
    sample_chunked: Activation | None = None
    """With runtime.chunk_feed_forward. Empty where the layers at the model's input cannot work in chunks."""
    encode: Activation = Activation()
    """Encoding what sampling starts from, which may take more than sampling; as many frames as the video has."""
    encode_tiled: Activation | None = None
    """With `animate.encode_tiling`. Empty where tiles do not help."""
    encode_precision: Precision | None = None
    """The precision that the VAE is cast to for encoding, such as that of SVD in float32. Empty: its own."""
    decode: Activation
    decode_tiled: Activation | None = None
    """Empty where the VAE cannot decode in tiles."""
    decode_chunked: bool
    """Whether the VAE can decode a few frames at a time (an image VAE); otherwise it decodes the clip as a whole."""
    decode_chunk: int = Field(1, ge=1)
    """Frames decoded at once where the settings leave it open, if the VAE can."""
    condition: Activation = Activation()
    """Positions are pixels of the image, and there is one frame."""

    @property
    def feed_forward_chunks(self) -> bool:
        """Whether `runtime.chunk_feed_forward` makes sampling take less."""
        return self.sample_chunked is not None


class Card(FrozenModel):
    """What every entry of the catalogue says: where the model comes from and what it costs to have."""

    name: str
    family: FamilyName
    title: str
    """The model's name for people."""
    summary: str
    """What it is good for, in one sentence."""
    repository: str
    revision: str = "main"
    variant: str | None = None
    """Which files of the repository are meant, such as fp16."""
    parts: tuple[Part, ...] = ()
    without: tuple[str, ...] = ()
    """Components of the repository's pipeline that are neither needed nor downloaded."""
    top: tuple[str, ...] = ()
    """Classes whose files lie together at the top of a repository that holds no pipeline of diffusers."""
    weights: tuple[str, ...] = ()
    """Paths of all files that are wanted, in a repository that is laid out in no such way; weights come first."""
    files: tuple[str, ...] = ()
    """Names of files any one of which is the whole model, where it is not on the hub: the user puts it in place."""
    source: str = ""
    """The page from which such a file comes."""
    config: dict[str, Any] = Field({})
    """What config.json at the top may not contradict, where the same model is also published for remote code."""
    licence: str
    licence_url: str
    gated: bool = False
    """Whether the hub asks for a token and an accepted licence."""
    download_bytes: int = Field(gt=0)
    """Size of the files that are needed, parts not included."""
    precision: Precision
    """What the model is published for on a GPU; on a CPU everything is float32."""
    options: dict[str, Any] = Field({})
    """Facts that the family's adapter alone understands."""
    ran_on_real_weights: bool = False
    """Whether this program has been seen to run with the published weights; README lists those where it was not."""

    @property
    def total_bytes(self) -> int:
        """Download size with all parts."""
        return self.download_bytes + sum(part.download_bytes for part in self.parts)

    @property
    def own_precisions(self) -> dict[str, Precision]:
        """Components that are kept in a precision of their own, whatever the others have."""
        return {}


class ModelCard(Card):
    """A model that makes videos."""

    can: CanDo = CanDo()
    rules: Rules
    defaults: dict[str, Any]
    """The settings it was published with, nested by section."""
    presets: dict[str, dict[str, Any]]
    """What draft, standard and high change in them."""
    memory: MemoryModel

    @property
    def own_precisions(self) -> dict[str, Precision]:
        """Components that are kept in a precision of their own, whatever the others have."""
        return {part.name: part.precision for part in self.memory.components if part.precision}


class HelperCard(Card):
    """A model that helps on the way: it describes, plans, paints, or makes frames between others."""

    parameters: int = Field(gt=0)
    """Number of parameters of all networks that are loaded."""
    resident: int | None = Field(None, gt=0)
    """Parameters of the largest network, which is what stays on a GPU under model offload. Empty: all of them."""
    working: Activation = Activation()
    """Peak beside the weights, in the card's precision: positions are pixels of the picture, frames are 1."""


CardKind = TypeVar("CardKind", bound=Card)


def read_card(path: Path, kind: type[CardKind]) -> CardKind:
    """Read one file of the catalogue. Raises InvalidSetting, one sentence that names file and field."""
    try:
        values = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidSetting(f"The model card {path.name} cannot be read: {type(error).__name__}.") from error
    if not isinstance(values, dict):
        raise InvalidSetting(f"The model card {path.name} must hold fields such as 'family:' and 'repository:'.")
    try:
        return kind.model_validate({**values, "name": path.stem})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidSetting(f"The model card {path.name} is not valid: {place}: {first['msg']}.") from error


@cache
def model_names() -> tuple[str, ...]:
    """Names of the models that make videos: I2VGen-XL, the reference, first, the others by name."""
    found = sorted(path.stem for path in CATALOGUE.glob("*.yaml"))
    return tuple(sorted(found, key=lambda name: name != "i2vgen-xl"))


@cache
def helper_names(role: Role | None = None) -> tuple[str, ...]:
    """Names of the helpers of a role, or of all, in the order of the roles; each role's by download size."""
    roles = tuple(Role) if role is None else (role,)
    found = [(each, path.stem) for each in roles for path in (CATALOGUE / each).glob("*.yaml")]
    found.sort(key=lambda pair: (roles.index(pair[0]), _helper(*pair).total_bytes, pair[1]))
    return tuple(name for _, name in found)


def all_names() -> tuple[str, ...]:
    """Names of all models: those that make videos first, the helpers after them."""
    return model_names() + helper_names()


@cache
def get_card(name: str) -> ModelCard:
    """The card of a model that makes videos. Raises InvalidSetting when there is none, or its file is wrong."""
    if name not in model_names():
        raise InvalidSetting(_unknown(name, model_names()))
    return read_card(CATALOGUE / f"{name}.yaml", ModelCard)


@cache
def get_helper(name: str, role: Role | None = None) -> HelperCard:
    """The card of a helper of a role, or of any. Raises InvalidSetting when there is none, or its file is wrong."""
    for each in tuple(Role) if role is None else (role,):
        if (CATALOGUE / each / f"{name}.yaml").is_file():
            return _helper(each, name)
    raise InvalidSetting(_unknown(name, helper_names(role)))


def find_card(name: str) -> Card:
    """The card of any model. Raises InvalidSetting when there is none, or its file is wrong."""
    if name in model_names():
        return get_card(name)
    if name in helper_names():
        return get_helper(name)
    raise InvalidSetting(_unknown(name, all_names()))


@cache
def _helper(role: Role, name: str) -> HelperCard:
    return read_card(CATALOGUE / role / f"{name}.yaml", HelperCard)


def _unknown(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"choose one of {', '.join(known)}."
    return f"There is no model '{name}': {hint}"


def model_defaults(engine: str, preset: str) -> dict[str, Any]:
    """What an engine changes in the defaults of all settings, nested by section; nothing for an engine without card.

    Raises InvalidSetting when the engine's card is wrong.
    """
    if engine not in model_names():
        return {}
    card = get_card(engine)
    return merge(card.defaults, card.presets.get(preset, {}))


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes` laid over it, section by section. Neither argument is altered."""
    merged = dict(base)
    for name, value in changes.items():
        below = merged.get(name)
        merged[name] = merge(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged
