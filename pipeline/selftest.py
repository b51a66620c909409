"""A self-test of an engine with the user's own weights: two steps, beside the plain diffusers call."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.catalogue import ModelCard, Precision, get_card
from pipeline.engines import EMBEDDED, get_engine, get_family
from pipeline.engines.diffusion.family import Request
from pipeline.errors import InvalidSetting, OutOfMemory
from pipeline.frames import Frame
from pipeline.memory.machine import read_machine
from pipeline.memory.recover import free, is_out_of_memory
from pipeline.models.files import ModelFiles, locate
from pipeline.models.load import LoadPlan
from pipeline.models.placement import place
from pipeline.models.resident import RESIDENT
from pipeline.resolve import resolve
from pipeline.settings import RuntimeSettings, Settings, make_settings

STEPS = 2
PROMPT = "A red ball rolls slowly over green grass"
TOLERANCE = 2
"""Largest difference, in 8-bit levels, that still counts as agreement: GPUs round differently from call to call."""


@dataclass(frozen=True)
class SelfTest:
    """How our frames compare with those of the plain diffusers call. `max_difference` is in 8-bit levels."""

    engine: str
    device: str
    width: int
    height: int
    num_frames: int
    max_difference: int
    shows_something: bool
    seconds: float
    bare_seconds: float

    @property
    def agrees(self) -> bool:
        """Whether both made the same frames, and frames that show something."""
        return self.shows_something and self.max_difference <= TOLERANCE

    @property
    def message(self) -> str:
        """The finding in one sentence."""
        work = f"{STEPS} steps of {self.num_frames} frames at {self.width} x {self.height} on the {self.device}"
        times = f"{self.seconds:.1f} s here, {self.bare_seconds:.1f} s by diffusers alone"
        if not self.shows_something:
            return f"{work} came out blank: the weights are damaged, or the precision does not suit them ({times})."
        if self.agrees:
            return f"{work} agree with the plain diffusers call, up to {self.max_difference} of 255 levels ({times})."
        return f"{work} differ from the plain diffusers call by up to {self.max_difference} of 255 levels ({times})."


def self_test(name: str, runtime: RuntimeSettings, outputs: Path) -> SelfTest:
    """Run two steps through our phases and through the plain diffusers call, with the weights on this machine.

    Raises InvalidSetting for an engine without weights, ModelMissing where they are not here, and OutOfMemory.
    """
    card = _card(name)
    files = locate(card, runtime)
    device = read_machine(runtime, outputs).device
    try:
        return _compare(files, _settings(card, runtime), device)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        free(error)
    finally:
        RESIDENT.release()
    raise OutOfMemory(f"The self-test of {name} ran out of memory: try it with --runtime.offload model or group.")


def _card(name: str) -> ModelCard:
    if name == EMBEDDED:
        raise InvalidSetting(f"The engine {EMBEDDED} has no weights to test: name a model, as `models list` does.")
    get_engine(name)  # says which names there are
    return get_card(name)


def _settings(card: ModelCard, runtime: RuntimeSettings) -> Settings:
    """Two steps of the fewest frames at the lowest resolution that is offered."""
    rules = card.rules
    fewest = -(-max(rules.min_frames - rules.frames_offset, 1) // rules.frames_multiple)
    changes = {
        "prompt": PROMPT,
        "seed": 1,
        "prepare": {"resolution": rules.resolutions[0]},
        "animate": {
            "engine": card.name,
            "num_inference_steps": STEPS,
            "num_frames": fewest * rules.frames_multiple + rules.frames_offset,
        },
        "runtime": runtime.model_dump(),
    }
    return resolve(make_settings(changes), 4, 3)[0]


def _compare(files: ModelFiles, settings: Settings, device: str) -> SelfTest:
    card = get_card(files.card.name)
    family = get_family(card)
    precision = settings.animate.precision or (card.precision if device == "cuda" else Precision.FLOAT32)
    plan = LoadPlan(device, precision, settings.animate.quantization)
    pipe = RESIDENT.acquire((files.card.name, files.folder, plan), lambda: family.load(files, plan))
    place(pipe, settings, device)
    width, height = card.rules.fixed_size or (settings.prepare.width or 0, settings.prepare.height or 0)
    request = Request(_picture(width, height), settings, settings.seed, settings.animate.num_frames, device)
    began = time.monotonic()
    with family.arrange(pipe, request):
        latents = family.sample(pipe, request, family.condition(pipe, request))
    ours = np.stack(list(family.decode(pipe, latents, request)))
    middle = time.monotonic()
    theirs = np.stack(family.bare(pipe, request))
    return SelfTest(
        engine=files.card.name,
        device=device,
        width=width,
        height=height,
        num_frames=len(ours),
        max_difference=int(np.abs(ours.astype(np.int16) - theirs).max()),
        shows_something=bool(ours.std() > 0),
        seconds=middle - began,
        bare_seconds=time.monotonic() - middle,
    )


def _picture(width: int, height: int) -> Frame:
    """A red disc before a green meadow and a blue sky."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    disc = (x - 0.5) ** 2 + (y - 0.35) ** 2 < 0.02
    meadow = y > 0.45
    picture = np.stack([60 + 40 * x, 120 + 60 * y, 220 - 80 * y], axis=-1)
    picture[meadow] = (50, 140, 60)
    picture[disc] = (200, 40, 40)
    return picture.astype(np.uint8)
