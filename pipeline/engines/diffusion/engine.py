"""The engine over a model of the catalogue: from a forecast to frames on disk, best of several candidates."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.cache import Cache, cache_key
from pipeline.catalogue import CanDo, ModelCard
from pipeline.context import CandidateFrames, Context, FromCache
from pipeline.engines.base import Capabilities
from pipeline.engines.diffusion.driving import settled
from pipeline.engines.diffusion.family import Family
from pipeline.engines.diffusion.framing import take_from_frame
from pipeline.engines.diffusion.kept_frames import FrameKeeper, KeptFrames
from pipeline.engines.diffusion.limits import limited
from pipeline.engines.diffusion.lora import check_lora
from pipeline.engines.diffusion.progress import STAGE
from pipeline.engines.diffusion.sampling import Sampling, with_precision
from pipeline.engines.diffusion.store import StoredFrames
from pipeline.errors import InvalidSetting, OutputFailed
from pipeline.frames import Frame, FrameStream, PreparedImage
from pipeline.interpolation import enlarge, spread
from pipeline.memory.forecast import forecast
from pipeline.memory.ladder import fit
from pipeline.memory.limit import within_limits
from pipeline.memory.machine import Machine, read_machine
from pipeline.memory.pace import expected_seconds
from pipeline.models.files import locate
from pipeline.models.resident import RESIDENT
from pipeline.models.weights import measured_card
from pipeline.options import options
from pipeline.quality import QualityMeter, score
from pipeline.records import ForecastRecord, Notice
from pipeline.settings import Settings

EMBEDDED_ONLY = "No effect: it belongs to the embedded engine."


class DiffusionEngine:
    """A model of the catalogue, through the adapter of its family."""

    version = "1"

    def __init__(self, card: ModelCard, family: Family) -> None:
        self.card, self.family = card, family
        self.name = card.name
        rules = card.rules
        self.capabilities = Capabilities(
            size_multiple=rules.size_multiple,
            frames_multiple=rules.frames_multiple,
            frames_offset=rules.frames_offset,
            min_frames=rules.min_frames,
            max_frames=rules.max_frames,
            min_side=rules.min_side,
            max_side=rules.max_side,
            resolutions=rules.resolutions,
            last_image=card.can.last_image,
            ignores={**_embedded_only(), **_cannot(card), **family.ignores},
        )

    def resolve(self, settings: Settings) -> tuple[Settings, list[Notice]]:
        """Keep the size to work at within what the model can; a larger video is scaled up from it."""
        return limited(settings, self.card)

    def animate(self, image: PreparedImage, settings: Settings, context: Context) -> FrameStream:
        """Make the frames, all of them, on disk; the stream reads them, and can be opened again.

        Raises ModelMissing when the weights are not on this machine, OutOfMemory when no rung of the ladder is left.
        """
        _check_asked(image, settings, self.card, context)
        files = locate(self.card, settings.runtime)
        settings = settled(settings, self.card, context)
        outputs = context.outputs or context.work_dir
        machine = read_machine(settings.runtime, outputs)
        settings = self._foresee(settings, machine, context)
        sampling = Sampling(self.family, image, settings, context)
        with within_limits(machine, settings.runtime):
            sampling.begin(files, machine.device, expected_seconds(outputs, settings, machine.device))
            keeper = FrameKeeper(self.card, files, machine.device, image.key, context)
            try:
                made = [_frames(sampling, keeper, number) for number in range(settings.animate.candidates)]
            finally:
                if not settings.runtime.keep_model:
                    sampling.clear_device()
                    RESIDENT.release()
        if all(isinstance(each, KeptFrames) for each, _ in made):
            context.keep(FromCache(STAGE))
            context.note(STAGE, "These frames were sampled in an earlier run: only what follows is made anew.")
        settings = sampling.settings
        streams = [_stream(stored, key, self.card, settings, context) for stored, key in made]
        return streams[0] if len(streams) == 1 else _best(streams, image, settings, context)

    def kept(self, image: str, settings: Settings, cache: Cache) -> tuple[str | None, bool]:
        """The film's key, as `Engine.kept`, where every candidate was sampled before; none of several, of which one is
        chosen.
        """
        quiet = Context(seed=settings.seed, threads=1, work_dir=Path(), cache=cache)
        machine = read_machine(settings.runtime, Path())
        settings = settled(settings, self.card, quiet)
        settings, _ = fit(settings, measured_card(self.card, settings.runtime), machine)
        settings = with_precision(settings, self.card, machine.device)
        keeper = FrameKeeper(self.card, locate(self.card, settings.runtime), machine.device, image, quiet)
        count = settings.animate.candidates
        keys = [keeper.key(settings, settings.seed + number) for number in range(count)]
        if not all(key and cache.has(key) for key in keys):
            return None, False
        return (_film_key(keys[0], settings.animate.num_frames) if count == 1 else None), True

    def _foresee(self, settings: Settings, machine: Machine, context: Context) -> Settings:
        """Write the forecast into the record, and take the rungs that it asks for."""
        card = measured_card(self.card, settings.runtime)
        settings, downgrades = fit(settings, card, machine)
        for taken in downgrades:
            context.keep(taken)
        need = forecast(settings, card, machine.device)
        if need.disk_bytes > machine.disk_free:
            raise OutputFailed(
                f"The run needs about {need.disk_bytes / 1e9:.2f} GB on the disk with the outputs, and "
                f"{machine.disk_free / 1e9:.2f} GB are free: free some space or choose another folder with --outputs."
            )
        context.keep(
            ForecastRecord(
                device=machine.device,
                gpu_bytes=need.gpu_bytes,
                ram_bytes=need.ram_bytes,
                disk_bytes=need.disk_bytes,
                seconds=expected_seconds(context.outputs, settings, machine.device),
            )
        )
        return settings


def _frames(sampling: Sampling, keeper: FrameKeeper, number: int) -> tuple[StoredFrames | KeptFrames, str | None]:
    """The frames of a candidate, kept or made now, and their key."""
    seed = sampling.settings.seed + number
    key = keeper.key(sampling.settings, seed)
    kept = keeper.find(key, seed)
    if kept is not None:
        return kept, key
    made = sampling.frames(seed, number)
    key = keeper.key(sampling.settings, seed)  # the memory ladder may have changed what was asked for
    keeper.keep(key, made)
    return made, key


def _embedded_only() -> Mapping[str, str]:
    return {option.name: EMBEDDED_ONLY for option in options() if option.name.startswith("animate.motion.")}


def _cannot(card: ModelCard) -> Mapping[str, str]:
    """Settings for which the model has no use, from its card."""
    can: CanDo = card.can
    missing = {
        "prompt": (can.prompt, "takes no prompt"),
        "animate.negative_prompt": (can.negative_prompt, "takes no negative prompt"),
        "animate.lora": (can.lora, "takes no LoRA files"),
        "animate.lora_scale": (can.lora, "takes no LoRA files"),
        "animate.scheduler": (can.scheduler, "works with its own sampler only"),
    }
    driven = [option.name for option in options() if option.name.startswith("animate.control.")]
    missing |= dict.fromkeys(driven, (can.control_video, "cannot be driven by a video"))
    return {name: f"No effect: {card.title} {reason}." for name, (able, reason) in missing.items() if not able}


def _check_asked(image: PreparedImage, settings: Settings, card: ModelCard, context: Context) -> None:
    """Say what of the request the model does not use."""
    if settings.prompt and not card.can.prompt:
        message = f"{card.title} takes no prompt: the motion comes from the image alone."
        context.note(STAGE, message, "warning", "prompt")
    if card.can.prompt and not settings.prompt:
        context.note(STAGE, f"{card.title} works best with a prompt that says what moves and how.", setting="prompt")
    lora = settings.animate.lora
    if lora is not None and not card.can.lora:
        raise InvalidSetting(f"animate.lora: {card.title} takes no LoRA files; leave it empty.")
    if lora is not None:
        check_lora(lora)
    if settings.runtime.compile:
        _check_compiler()
        context.note(STAGE, "The first step compiles the model, which takes minutes; later runs of this size do not.")
    if card.options.get("last_image") == "still" and image.last_image is None:
        message = f"{card.title} goes from a first to a last picture: with one picture, the video ends where it began."
        context.note(STAGE, message)


def _check_compiler() -> None:
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++", "cl")):
        raise InvalidSetting(
            "runtime.compile needs a C++ compiler, such as g++, and there is none here: install one, or leave it off."
        )


def _best(streams: list[FrameStream], image: PreparedImage, settings: Settings, context: Context) -> FrameStream:
    """The stream of the best candidate. The others go to the record's keeper where they are to be kept."""
    scores = [_score(stream, image, context) for stream in streams]
    order = sorted(range(len(streams)), key=lambda number: -scores[number])
    best = order[0]
    message = f"Candidate {best + 1} of {len(streams)} is the best by its measures: seed {settings.seed + best}."
    context.note(STAGE, message)
    if settings.animate.keep_candidates:
        for number in order[1:]:
            context.keep(CandidateFrames(number + 1, settings.seed + number, _afresh(streams[number])))
    return _afresh(streams[best])


def _score(stream: FrameStream, image: PreparedImage, context: Context) -> float:
    meter = QualityMeter(image.image, stream.count)
    for _ in meter.watch(stream.frames):
        context.check_cancelled()
    return score(meter.result())


def _afresh(stream: FrameStream) -> FrameStream:
    """The stream from its first frame again."""
    return stream if stream.again is None else replace(stream, frames=stream.again())


def _stream(
    stored: StoredFrames | KeptFrames, key: str | None, card: ModelCard, settings: Settings, context: Context
) -> FrameStream:
    """Frames from the disk, which have a key, in the size and number of the video."""
    width, height = settings.prepare.width or stored.width, settings.prepare.height or stored.height
    target = settings.animate.num_frames
    resized = enlarge if card.rules.fixed_size is None else take_from_frame

    def frames() -> Iterator[Frame]:
        between = spread(stored, stored.count, target, context.check_cancelled) if stored.count != target else stored
        for frame in between:
            yield resized(frame, width, height)

    return FrameStream(frames(), width, height, settings.encode.fps, target, frames, key=_film_key(key, target))


def _film_key(frames: str | None, count: int) -> str | None:
    """The key of a film of so many frames, made from kept frames."""
    return None if frames is None else cache_key(STAGE, DiffusionEngine.version, {"frames": frames, "count": count})
