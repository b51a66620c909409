"""Which model paints, and with which ControlNet; and both from files to a pipeline."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from pipeline.catalogue import FamilyName, HelperCard, Role
from pipeline.engines.diffusion.guidance import two_passes
from pipeline.engines.diffusion.image_vae import tiled
from pipeline.engines.diffusion.lora import check_lora, loaded_lora
from pipeline.engines.diffusion.schedulers import exchanged
from pipeline.engines.stable_diffusion.adapter import Adapter
from pipeline.engines.stable_diffusion.schedule import STEP
from pipeline.engines.stable_diffusion.setup import Setup
from pipeline.errors import InvalidSetting
from pipeline.models.files import ModelFiles, locate
from pipeline.models.helpers import choose
from pipeline.models.load import LoadPlan, damaged, load_pipeline, load_top
from pipeline.models.weights import measured_helper
from pipeline.settings import Settings
from pipeline.transition_settings import AUTO, KeyframesSettings

LORA = "keyframes.lora"

_CLASSES: Mapping[FamilyName, str] = {
    FamilyName.STABLE_DIFFUSION: "StableDiffusion",
    FamilyName.STABLE_DIFFUSION_XL: "StableDiffusionXL",
}
"""How the names of diffusers' pipelines begin."""

_LEFT_OUT: dict[FamilyName, dict[str, Any]] = {
    FamilyName.STABLE_DIFFUSION: {"safety_checker": None, "requires_safety_checker": False},
    FamilyName.STABLE_DIFFUSION_XL: {"add_watermarker": False},
}
"""What the pipelines would otherwise look for."""


@dataclass(frozen=True)
class Models:
    """What paints: the model's files, and those of the ControlNet that holds the edges, if one does.

    The cards count the parameters that the files hold.
    """

    card: HelperCard
    files: ModelFiles
    control_card: HelperCard | None = None
    control_files: ModelFiles | None = None
    adapter: Adapter | None = None
    """Shows a picture to the model, if one does; its own parameters are counted with the model's."""

    @property
    def native(self) -> int:
        """Side in pixels of the square that the model was trained for. Raises ModelMissing for damaged files."""
        try:
            config = json.loads((self.files.folder / "unet" / "config.json").read_text(encoding="utf-8"))
            return int(config["sample_size"]) * STEP
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise damaged(self.files, error) from error


def choose_models(settings: Settings, below: HelperCard | None = None, section: str = "keyframes") -> Models | None:
    """The model that paints, and its ControlNet; None where nothing is to be painted, or nothing is here for it.

    `below`: only models smaller than this one. `section` is the one of the settings that errors name. Raises
    InvalidSetting for unknown names, a ControlNet of another family or a wrong LoRA file, and ModelMissing when what
    was asked for by name is not on this machine.
    """
    asked, runtime = settings.keyframes, settings.runtime
    control = None if asked.control == AUTO else choose(Role.CONTROL, asked.control, runtime)

    def suits(card: HelperCard) -> bool:
        smaller = below is None or card.total_bytes < below.total_bytes
        return smaller and (control is None or control.family is card.family)

    card = choose(Role.KEYFRAMES, asked.model, runtime, suits)
    if card is None:
        return None
    if asked.control == AUTO:
        control = choose(Role.CONTROL, AUTO, runtime, lambda each: each.family is card.family)
    if control is not None and control.family is not card.family:
        raise InvalidSetting(f"{section}.control: {control.title} does not fit {card.title}; choose auto or none.")
    if asked.lora is not None:
        check_lora(asked.lora, LORA)
    measured = measured_helper(card, runtime)
    if control is None:
        return Models(measured, locate(card, runtime))
    return Models(measured, locate(card, runtime), measured_helper(control, runtime), locate(control, runtime))


def load_plan(setup: Setup) -> LoadPlan:
    """What of a setup is decided when the model is loaded: weights that became float8 do not go back."""
    return LoadPlan(setup.device, setup.precision, setup.quantization)


def load(models: Models, setup: Setup) -> Any:
    """Load the pipeline that paints over pictures into main memory. Raises ModelMissing for damaged files."""
    family, plan = models.card.family, load_plan(setup)
    parts: dict[str, Any] = {"feature_extractor": None, "image_encoder": None, **_LEFT_OUT[family]}
    if models.control_files is None:
        return load_pipeline(f"{_CLASSES[family]}Img2ImgPipeline", models.files, plan, **parts)
    parts["controlnet"] = load_top("ControlNetModel", models.control_files, plan)
    return load_pipeline(f"{_CLASSES[family]}ControlNetImg2ImgPipeline", models.files, plan, **parts)


@contextmanager
def arranged(pipe: Any, asked: KeyframesSettings, setup: Setup, note: Callable[[str], None]) -> Iterator[None]:
    """Exchange the sampler, lay a LoRA over the model, split guidance and work in tiles, as asked, until left."""
    with ExitStack() as stack:
        stack.enter_context(exchanged(pipe, asked.scheduler))
        stack.enter_context(tiled(pipe.vae, setup.tiled))
        if asked.lora is not None:
            stack.enter_context(loaded_lora(pipe, asked.lora, asked.lora_scale, note, LORA))
        if setup.guided and setup.guidance_passes == 2:
            networks = (pipe.unet, pipe.components.get("controlnet"))
            for network in filter(None, networks):
                stack.enter_context(two_passes(network, nested=True))
        yield
