"""What a run would do, before it is done: settings as they would be used, notices, how the prompt is read, areas, and
whether a model would fit into memory.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.catalogue import ModelCard, get_card, model_names
from pipeline.engines.motion.areas import FoundArea, find_area
from pipeline.engines.motion.prompt import PromptReading, read_prompt
from pipeline.errors import OutOfMemory
from pipeline.frames import Frame
from pipeline.images import open_image, probe
from pipeline.memory.forecast import describe, forecast, room
from pipeline.memory.ladder import fit
from pipeline.memory.machine import read_machine
from pipeline.memory.pace import expected_seconds
from pipeline.models.weights import measured_card
from pipeline.records import DowngradeRecord, Notice
from pipeline.resolve import resolve, resolve_transition
from pipeline.run.ahead import Foreseen, foresee_animation, foresee_transition
from pipeline.settings import Settings
from pipeline.without_effect import ignored, ignored_in_transition

NOMINAL_SIZE = (1920, 1080)
"""Stands for the image's width and height in pixels while there is no image yet."""

AREA_SIDE = 1024
"""Longer side in pixels of the picture in which areas are looked for, and of the masks returned."""


@dataclass(frozen=True)
class Outlook:
    """What a model would need of this machine.

    `text` says it for people. `fits` is false where no rung of the memory ladder helps; `downgrades` are those that
    would be taken. `share` is the need with them as a part of what is free, `seconds` the time where it is known.
    """

    text: str
    fits: bool
    share: float
    downgrades: tuple[DowngradeRecord, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Preview:
    """What the page shows before Generate is pressed.

    `outlook` is empty for the embedded engine, which needs no more memory than a few frames. `areas` has one entry for
    each region of the motion plan, with masks over the whole image as displayed; it is empty unless areas were asked
    for. `foreseen` names the stages that would be taken from the cache and those that would be done.
    """

    settings: Settings
    notices: tuple[Notice, ...]
    reading: PromptReading
    ignored: dict[str, str]
    outlook: Outlook | None = None
    areas: tuple[FoundArea, ...] = ()
    foreseen: Foreseen = field(default_factory=Foreseen)


def preview(image: Path | None, settings: Settings, areas: bool = False, outputs: Path | None = None) -> Preview:
    """Say what a run with these settings would do. Quick unless `areas` are asked for, which takes about a second.

    The records in `outputs` tell how long runs take. Raises InvalidImage and InvalidSetting as a run would report them.
    """
    used, notices = resolve(settings, *_size(image, settings))
    plan = used.animate.motion.plan
    found: tuple[FoundArea, ...] = ()
    if areas and image is not None and plan is not None:
        picture = _small_picture(image, settings)
        found = tuple(find_area(picture, region.kind) for region in plan.regions)
    outlook = None
    if used.animate.engine in model_names():
        outlook = look_ahead(used, measured_card(get_card(used.animate.engine), used.runtime), outputs)
    foreseen = foresee_animation(image, used, outputs) if image and outputs else Foreseen()
    return Preview(used, tuple(notices), read_prompt(settings.prompt), ignored(settings), outlook, found, foreseen)


@dataclass(frozen=True)
class PassagePreview:
    """What the page shows of a transition before Generate is pressed; see `Preview`.

    `outlook` is for models that make all frames.
    """

    settings: Settings
    notices: tuple[Notice, ...]
    ignored: dict[str, str]
    outlook: Outlook | None = None
    foreseen: Foreseen = field(default_factory=Foreseen)


def preview_transition(
    images: tuple[Path | None, Path | None], settings: Settings, outputs: Path | None = None
) -> PassagePreview:
    """Say what a transition with these settings would do. Raises InvalidImage and InvalidSetting as a run would."""
    sizes = [_size(image, settings) for image in images]
    used, notices = resolve_transition(settings, *sizes[0])
    outlook = None
    if used.transition.engine in model_names():
        outlook = look_ahead(used, measured_card(get_card(used.transition.engine), used.runtime), outputs)
    paths = [image for image in images if image is not None]
    foreseen = foresee_transition(paths, used, outputs) if outputs else Foreseen()
    return PassagePreview(used, tuple(notices), ignored_in_transition(settings), outlook, foreseen)


def _size(image: Path | None, settings: Settings) -> tuple[int, int]:
    """Width and height of an image, checked as a run would; nominal ones while there is none."""
    if image is None:
        return NOMINAL_SIZE
    info = probe(image, settings.prepare.max_megapixels, settings.prepare.max_file_mb)
    return info.width, info.height


def look_ahead(settings: Settings, card: ModelCard, outputs: Path | None) -> Outlook:
    """Say what a model would need with resolved settings, and what would be changed so that it fits.

    Raises InvalidSetting when the device that is asked for is not there.
    """
    machine = read_machine(settings.runtime, outputs or Path())
    need = forecast(settings, card, machine.device)
    text = describe(need, machine, settings, card)
    try:
        used, downgrades = fit(settings, card, machine)
    except OutOfMemory as error:
        return Outlook(str(error), fits=False, share=1.0)
    last = forecast(used, card, machine.device)
    gpu, ram = room(machine.device, machine, used.runtime)
    share = max(last.ram_bytes / max(ram, 1), last.gpu_bytes / gpu if gpu else 0.0)
    seconds = expected_seconds(outputs, used, machine.device)
    return Outlook(text, fits=True, share=share, downgrades=tuple(downgrades), seconds=seconds)


def _small_picture(image: Path, settings: Settings) -> Frame:
    picture = open_image(image, settings.prepare, lambda *_: None)
    picture.thumbnail((AREA_SIDE, AREA_SIDE), Image.Resampling.LANCZOS)
    return np.array(picture)
