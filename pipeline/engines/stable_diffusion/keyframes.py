"""Key frames from the pictures of a morph: painted where a model is present, and with a reason where they are not."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.cache import Recalled
from pipeline.catalogue import Role, helper_names
from pipeline.context import Context, FromCache, Way
from pipeline.engines.stable_diffusion.gallery import Gallery, key_of, shared_part
from pipeline.engines.stable_diffusion.models import Models, choose_models
from pipeline.engines.stable_diffusion.pace import STAGE
from pipeline.engines.stable_diffusion.painter import Order, Task
from pipeline.engines.stable_diffusion.painting import Finished, Painting
from pipeline.engines.stable_diffusion.room import with_room
from pipeline.engines.stable_diffusion.schedule import LEAST_STRENGTH, strength_at, words_at
from pipeline.engines.stable_diffusion.setup import Setup, needs
from pipeline.errors import Cancelled, ImageToVideoError, InvalidInput, ModelMissing, OutOfMemory, is_disk_full
from pipeline.frames import Frame, PictureKey
from pipeline.memory.limit import within_limits
from pipeline.memory.machine import read_machine
from pipeline.memory.recover import free
from pipeline.records import ForecastRecord, ModelRecord
from pipeline.settings import Settings
from pipeline.transition_settings import AUTO, NONE

LOG = logging.getLogger("pipeline.keyframes")

MORPH = "morph alone"
"""The method of a run whose key frames nothing was painted over."""

STAYS = "The key frames stay the morph."


@dataclass(frozen=True)
class PaintedFrames:
    """The key frames in order, each painted or the picture of the morph itself, and how they came about.

    `files` are the paths of those painted, relative to the outputs folder, and empty for the others.
    """

    frames: list[Frame]
    painted: list[bool]
    files: list[str]
    way: Way


def recall(
    morphs: Sequence[PictureKey], times: Sequence[float], prompts: Sequence[str], settings: Settings, outputs: Path
) -> Recalled[list[str]] | None:
    """The files of the key frames, as `paint` names them, where none is left to paint; None where one is.

    `morphs` are what `pixel_digest` says of the pictures, which have the size of the video. Frames are looked for, not
    read. Raises as `choose_models` does, and OutOfMemory and ModelMissing where `paint` would say why it cannot work.
    """
    models = choose_models(settings)
    files = [""] * len(morphs)
    orders = [] if models is None else _orders(times, prompts, settings, settings.seed)
    if models is None or not orders:
        return Recalled(files, is_kept=False)
    quiet = Context(seed=settings.seed, threads=1, work_dir=outputs)
    size = settings.prepare.width or 0, settings.prepare.height or 0
    models, setup = with_room(models, size, settings, read_machine(settings.runtime, outputs), quiet)
    gallery, shared = Gallery(outputs), shared_part(models, settings.keyframes)
    for order in orders:
        key = key_of(order, morphs[order.number], settings.keyframes, setup, shared)
        if not gallery.has(key):
            return None
        files[order.number] = gallery.file(key)
    return Recalled(files, is_kept=True)


def paint(
    morphs: Sequence[Frame], times: Sequence[float], prompts: Sequence[str], settings: Settings, context: Context
) -> PaintedFrames:
    """Paint over the pictures of a morph at these times from 0 to 1, all of the video's size.

    Whatever fails half-way, files that turn out to be damaged among it, is said, and what was painted until then is
    kept. Raises InvalidSetting and ModelMissing as `choose_models` does, and Cancelled.
    """
    context.check_cancelled()
    models = choose_models(settings)
    if models is None:
        return _alone(morphs, _why_none(settings.keyframes.model), context)
    orders = _orders(times, prompts, settings, context.seed)
    tasks = [Task(**vars(order), morph=morphs[order.number]) for order in orders]
    if not tasks:
        strength = settings.keyframes.strength
        return _alone(morphs, f"keyframes.strength is {strength:g}: so little is painted that nothing is.", context)
    machine = read_machine(settings.runtime, context.outputs or context.work_dir)
    try:
        models, setup = with_room(models, morphs[0].shape[1::-1], settings, machine, context)
    except (OutOfMemory, ModelMissing) as error:  # its files are here, so they are damaged
        return _alone(morphs, f"{error} {STAYS}", context, "warning")
    _tell(models, setup, morphs[0], settings, context)
    painting = Painting(models, setup, settings, context, len(morphs))
    with within_limits(machine, settings.runtime):
        problem = failure_of(painting, tasks)
    if problem:
        context.note(STAGE, problem, "warning")
    if len(painting.finished) == len(tasks) and all(each.kept for each in painting.finished.values()):
        context.keep(FromCache(STAGE))
    return _result(morphs, painting.finished, _way(painting, len(tasks), len(morphs), problem))


def _alone(
    morphs: Sequence[Frame], reason: str, context: Context, level: Literal["info", "warning"] = "info"
) -> PaintedFrames:
    """The morph as it is, and why."""
    context.note(STAGE, reason, level)
    return _result(morphs, {}, Way(MORPH, reason))


def _why_none(wanted: str) -> str:
    if wanted == NONE:
        return "No model is to paint key frames."
    smallest = helper_names(Role.KEYFRAMES)[0]
    return (
        "No model that paints key frames is on this machine: the morph goes on alone, or get one with "
        f"`python -m pipeline models download {smallest}`."
    )


def _orders(times: Sequence[float], prompts: Sequence[str], settings: Settings, seed: int) -> list[Order]:
    """What is to be painted at these times; those at which hardly anything would be are left out.

    All key frames have one seed, so the same noise lies over them and they belong together; a seed of a frame's own
    paints that one alone anew, and one below 0 is the run's.
    """
    own, single = settings.keyframes.seeds, settings.keyframes.prompts
    orders = []
    for number, time in enumerate(times):
        strength = strength_at(time, settings.keyframes.strength)
        chosen = own[number] if number < len(own) and own[number] >= 0 else seed
        words = words_at(number, len(times), prompts)
        if number < len(single) and single[number].strip():
            words = words_at(0, 1, (single[number].strip(),))
        if strength >= LEAST_STRENGTH:
            orders.append(Order(number, strength, words, chosen))
    return orders


def _tell(models: Models, setup: Setup, morph: Frame, settings: Settings, context: Context) -> None:
    """Say what paints, and how, on the page and in the record."""
    card, files, control = models.card, models.files, models.control_card
    height, width = morph.shape[:2]
    if (setup.width, setup.height) != (width, height):
        context.note(
            STAGE,
            f"{card.title} paints at {setup.width} x {setup.height}, a size that it is made for; the key frames are "
            f"scaled to {width} x {height}.",
        )
    if settings.keyframes.control == AUTO and control is None:
        context.note(STAGE, f"No ControlNet for {card.title} is on this machine: it paints without one.")
    found = needs(card, control, setup).values()
    context.keep(
        ForecastRecord(
            device=setup.device,
            gpu_bytes=max(each.gpu_bytes for each in found),
            ram_bytes=max(each.ram_bytes for each in found),
            disk_bytes=3 * width * height,
        )
    )
    context.keep(
        ModelRecord(
            name=card.name,
            repository=card.repository,
            revision=files.revision,
            variant=card.variant,
            licence=card.licence,
            device=setup.device,
            precision=setup.precision,
        )
    )


def failure_of(painting: Painting, tasks: Sequence[Task]) -> str:
    """Paint what can be painted; returns in one sentence what went wrong, empty when nothing did."""
    try:
        painting.run(tasks)
    except (Cancelled, InvalidInput):
        raise
    except ImageToVideoError as error:
        return str(error)
    except Exception as error:
        if is_disk_full(error):
            raise
        LOG.warning("%s failed", painting.models.card.name, exc_info=error)
        free(error)
        title = painting.models.card.title
        return f"{title} failed with an error of its own ({type(error).__name__}), which the log explains."
    return ""


def _way(painting: Painting, wanted: int, count: int, problem: str) -> Way:
    """What was painted and what was not, and why."""
    finished = painting.finished.values()
    kept = sum(each.kept for each in finished)
    card, control = painting.models.card, painting.models.control_card
    if not finished:
        return Way(MORPH, f"{problem} {STAYS}".strip())
    parts = [f"{card.title} painted {len(finished)} of {count} key frames"]
    if kept:
        parts.append(f", {kept} of them in an earlier run")
    if control is not None:
        parts.append(f", with the edges held by {control.title}")
    rest = " Of the others too little would be painted." if count > wanted else ""
    return Way(card.name, f"{''.join(parts)}.{rest} {problem}".strip())


def _result(morphs: Sequence[Frame], finished: Mapping[int, Finished], way: Way) -> PaintedFrames:
    done = [finished.get(number) for number in range(len(morphs))]
    return PaintedFrames(
        frames=[morph if each is None else each.frame for morph, each in zip(morphs, done, strict=True)],
        painted=[each is not None for each in done],
        files=["" if each is None else each.file for each in done],
        way=way,
    )
