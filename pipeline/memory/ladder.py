"""The ladder of downgrades, least loss first: what a run gives up, one rung at a time, until it fits.

First what leaves the video as it is and costs time, then what changes it by less than can be seen, then precision,
frames, resolution and, last, guidance. Every rung is a function from settings to settings, so a rung that was taken
is in the settings as used and another run starts at the top again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from pipeline.catalogue import ModelCard, Phase, Precision, Rules
from pipeline.choices import Offload, Quantization
from pipeline.errors import OutOfMemory
from pipeline.memory.forecast import GB, Forecast, Work, forecast, room, shortages
from pipeline.memory.machine import Machine
from pipeline.records import DowngradeRecord
from pipeline.settings import Settings

TOLERANCE = 1.15
"""On a GPU a run whose forecast exceeds what is free by up to this factor is tried all the same: the driver reports a
shortage there, and the ladder goes on. In main memory Linux would end the program instead."""

Step = Callable[[Settings, ModelCard, str], Settings | None]
"""The settings one rung lower for a card and a device; None where the rung does not apply, or not any more."""

_DOING = {
    Phase.LOAD: "loading the model",
    Phase.CONDITION: "reading the prompt and the image",
    Phase.SAMPLE: "sampling",
    Phase.DECODE: "decoding",
}


@dataclass(frozen=True)
class Rung:
    """One downgrade. `title` says what is done and `cost` what that costs, in words for users.

    `changes_picture` marks what `runtime.allow_downgrades` forbids. `phases` are those that need less memory with it.
    """

    name: str
    title: str
    cost: str
    changes_picture: bool
    phases: frozenset[Phase]
    step: Step


def _with(settings: Settings, section: str, **values: Any) -> Settings:
    changed = getattr(settings, section).model_copy(update=values)
    return settings.model_copy(update={section: changed})


def _decode_singly(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    present = settings.animate.decode_chunk_size or card.memory.decode_chunk
    if not card.memory.decode_chunked or present == 1:
        return None
    return _with(settings, "animate", decode_chunk_size=1)


def _guide_in_two_passes(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    guided = card.memory.guidance_doubles_batch and settings.animate.guidance_scale > 1.0
    if not guided or settings.runtime.guidance_passes == 2:
        return None
    return _with(settings, "runtime", guidance_passes=2)


def _offload_models(settings: Settings, _card: ModelCard, device: str) -> Settings | None:
    if device != "cuda" or settings.runtime.offload is not Offload.NONE:
        return None
    return _with(settings, "runtime", offload=Offload.MODEL)


def _chunk_feed_forward(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    if not card.memory.feed_forward_chunks or settings.runtime.chunk_feed_forward:
        return None
    return _with(settings, "runtime", chunk_feed_forward=True)


def _tile(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    if card.memory.decode_tiled is None or settings.animate.vae_tiling:
        return None
    return _with(settings, "animate", vae_tiling=True)


def _tile_encoding(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    if card.memory.encode_tiled is None or settings.animate.encode_tiling:
        return None
    return _with(settings, "animate", encode_tiling=True)


def _offload_groups(settings: Settings, _card: ModelCard, device: str) -> Settings | None:
    # Weights of bitsandbytes cannot be moved layer by layer.
    movable = settings.animate.quantization in (Quantization.NONE, Quantization.FLOAT8)
    if device != "cuda" or not movable or settings.runtime.offload is Offload.GROUP:
        return None
    return _with(settings, "runtime", offload=Offload.GROUP)


def _use_float8(settings: Settings, _card: ModelCard, device: str) -> Settings | None:
    if device != "cuda" or settings.animate.quantization is not Quantization.NONE:
        return None
    return _with(settings, "animate", quantization=Quantization.FLOAT8)


def _decode_in_bfloat16(settings: Settings, card: ModelCard, device: str) -> Settings | None:
    work = Work.of(settings, card, device)
    decoders = (part for part in card.memory.components if Phase.DECODE in part.phases)
    if all(work.precision_of(part, Phase.DECODE) is not Precision.FLOAT32 for part in decoders):
        return None
    return _with(settings, "animate", decode_precision=Precision.BFLOAT16)


def _use_bfloat16(settings: Settings, _card: ModelCard, device: str) -> Settings | None:
    if device != "cpu" or settings.animate.precision not in (None, Precision.FLOAT32):
        return None
    return _with(settings, "animate", precision=Precision.BFLOAT16)


def _sample_share(share: Fraction) -> Step:
    """A step to this share of the frames asked for, in a number that the model makes."""

    def step(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
        animate, rules = settings.animate, card.rules
        count = _nearest_count(animate.num_frames * share, rules)
        if not rules.min_frames <= count < (animate.sample_frames or animate.num_frames):
            return None
        return _with(settings, "animate", sample_frames=count)

    return step


def _nearest_count(frames: Fraction, rules: Rules) -> int:
    return round((frames - rules.frames_offset) / rules.frames_multiple) * rules.frames_multiple + rules.frames_offset


def _lower_resolution(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    """The next resolution of the card below the present one, in the aspect of the video."""
    video, present = _video_size(settings), _working_size(settings)
    for resolution in reversed(card.rules.resolutions):
        if resolution < min(present):
            width, height = (_nearest_side(side * resolution / min(video), card.rules) for side in video)
            if width <= present[0] and height <= present[1] and (width, height) != present:
                return _with(settings, "animate", sample_width=width, sample_height=height)
    return None


def _nearest_side(pixels: float, rules: Rules) -> int:
    step = rules.size_multiple
    least, most = -(-rules.min_side // step), rules.max_side // step
    return min(max(round(pixels / step), least), most) * step


def _video_size(settings: Settings) -> tuple[int, int]:
    width, height = settings.prepare.width, settings.prepare.height
    if width is None or height is None:
        raise ValueError("the settings are not resolved: the video has no size")
    return width, height


def _working_size(settings: Settings) -> tuple[int, int]:
    width, height = _video_size(settings)
    return settings.animate.sample_width or width, settings.animate.sample_height or height


def _leave_guidance(settings: Settings, card: ModelCard, _device: str) -> Settings | None:
    if not card.memory.guidance_doubles_batch or settings.animate.guidance_scale == 1.0:
        return None
    return _with(settings, "animate", guidance_scale=1.0)


_ALL = frozenset(Phase)
_SAMPLE, _DECODE = frozenset({Phase.SAMPLE}), frozenset({Phase.DECODE})
_BETWEEN = "the video keeps its length, and the frames between are interpolated"

LADDER: tuple[Rung, ...] = (
    Rung(
        name="decode-singly",
        title="Frames are decoded one at a time",
        cost="the video stays the same, and decoding takes a little longer",
        changes_picture=False,
        phases=_DECODE,
        step=_decode_singly,
    ),
    Rung(
        name="guidance-passes",
        title="Guidance runs in two passes",
        cost="the video stays the same, and sampling takes a little longer",
        changes_picture=False,
        phases=_SAMPLE,
        step=_guide_in_two_passes,
    ),
    Rung(
        name="model-offload",
        title="Each part of the model is on the GPU only while it works",
        cost="the video stays the same, and the run takes some seconds longer",
        changes_picture=False,
        phases=_ALL,
        step=_offload_models,
    ),
    Rung(
        name="feed-forward-chunks",
        title="The input layers work in chunks",
        cost="the video stays the same, and sampling takes a little longer",
        changes_picture=False,
        phases=_SAMPLE,
        step=_chunk_feed_forward,
    ),
    Rung(
        name="tiled-decoding",
        title="Frames are decoded in tiles",
        cost="tones may differ by less than can be seen, and decoding takes longer",
        changes_picture=False,
        phases=_DECODE,
        step=_tile,
    ),
    Rung(
        name="tiled-encoding",
        title="Pictures are encoded in tiles",
        cost="tones may differ by less than can be seen, and sampling starts a little later",
        changes_picture=False,
        phases=_SAMPLE,
        step=_tile_encoding,
    ),
    Rung(
        name="group-offload",
        title="Single layers are on the GPU only while they work",
        cost="the video stays the same but for rounding, and sampling takes up to twice as long",
        changes_picture=False,
        phases=_ALL,
        step=_offload_groups,
    ),
    Rung(
        name="float8",
        title="Weights are kept in 8 bits",
        cost="fine detail may differ slightly",
        changes_picture=True,
        phases=frozenset({Phase.LOAD, Phase.SAMPLE}),
        step=_use_float8,
    ),
    Rung(
        name="decode-bfloat16",
        title="Frames are decoded in bfloat16 instead of float32",
        cost="fine detail may differ slightly, and the next run loads the model again",
        changes_picture=True,
        phases=_DECODE,
        step=_decode_in_bfloat16,
    ),
    Rung(
        name="bfloat16",
        title="The model works in bfloat16 instead of float32",
        cost="fine detail may differ slightly, and older processors are slower with it",
        changes_picture=True,
        phases=_ALL - _DECODE,  # it would cost what was sampled, and decoding has a rung like it of its own
        step=_use_bfloat16,
    ),
    Rung(
        name="frames-three-quarters",
        title="Three quarters of the frames are sampled",
        cost=_BETWEEN,
        changes_picture=True,
        phases=_SAMPLE | _DECODE,
        step=_sample_share(Fraction(3, 4)),
    ),
    Rung(
        name="frames-half",
        title="Half of the frames are sampled",
        cost=_BETWEEN,
        changes_picture=True,
        phases=_SAMPLE | _DECODE,
        step=_sample_share(Fraction(1, 2)),
    ),
    Rung(
        name="resolution",
        title="The model works at a lower resolution",
        cost="the video keeps its size, and has less detail",
        changes_picture=True,
        phases=_SAMPLE | _DECODE | {Phase.CONDITION},
        step=_lower_resolution,
    ),
    Rung(
        name="no-guidance",
        title="Sampling goes without guidance",
        cost="the video follows the prompt less and may look quite different",
        changes_picture=True,
        phases=_SAMPLE,
        step=_leave_guidance,
    ),
)
"""The rungs in the order in which they are taken. Each one applies once, `resolution` until the smallest is reached."""


def descend(settings: Settings, card: ModelCard, device: str, phase: Phase) -> tuple[Rung, Settings] | None:
    """The next rung that applies, is allowed and lets this phase do with less, and the settings with it.

    `settings` are resolved; `device` is "cuda" or "cpu". None when there is no such rung.
    """
    for rung in LADDER:
        if phase in rung.phases and _is_allowed(rung, settings):
            lower = rung.step(settings, card, device)
            if lower is not None and _is_worth_it(settings, lower, card, device, phase):
                return rung, lower
    return None


def fit(settings: Settings, card: ModelCard, machine: Machine) -> tuple[Settings, list[DowngradeRecord]]:
    """Settings whose forecast fits this machine, and the rungs that were taken for it, in order.

    Only rungs are taken that lower the forecast of a phase that does not fit. Raises OutOfMemory, one sentence with
    what would have helped, when it does not fit on the lowest rung: on a GPU by more than TOLERANCE.
    """
    taken = []
    while short := shortages(forecast(settings, card, machine.device), machine, settings.runtime):
        found = _foreseen(settings, card, machine.device, short)
        if found is None:
            _check_bottom(settings, card, machine)
            break
        rung, phase, lower = found
        taken.append(downgrade(rung, phase, "forecast", settings, lower))
        settings = lower
    return settings, taken


def downgrade(
    rung: Rung, phase: Phase, reason: Literal["forecast", "shortage"], before: Settings, after: Settings
) -> DowngradeRecord:
    """The record of a rung that was taken for a phase, with the settings that it changed."""
    old, new = _flat(before.model_dump(mode="json")), _flat(after.model_dump(mode="json"))
    changed = [name for name in new if new[name] != old[name]]
    why = f"{_DOING[phase]} {'would need more memory than is free' if reason == 'forecast' else 'ran out of memory'}"
    return DowngradeRecord(
        rung=rung.name,
        phase=phase,
        reason=reason,
        message=f"{rung.title}{_figures(before, after)} because {why}: {rung.cost}.",
        changes_picture=rung.changes_picture,
        before={name: old[name] for name in changed},
        after={name: new[name] for name in changed},
    )


def no_rung_left(settings: Settings, card: ModelCard, device: str, phase: Phase) -> OutOfMemory:
    """The error for a phase that ran out of memory where no rung helps it any more, with what would have helped."""
    return OutOfMemory(
        f"{card.title} ran out of {'GPU ' if device == 'cuda' else ''}memory while {_DOING[phase]}, and the memory "
        f"ladder has no rung left: {_advice(settings, card, device, phase)}."
    )


def _is_allowed(rung: Rung, settings: Settings) -> bool:
    return settings.runtime.allow_downgrades or not rung.changes_picture


def _is_worth_it(before: Settings, after: Settings, card: ModelCard, device: str, phase: Phase) -> bool:
    """Whether a phase needs less afterwards, by the forecast, where that is in doubt.

    Fewer frames do not help an image autoencoder, which decodes a few at a time whatever their number, nor fewer pixels
    the text encoder; both would cost what was sampled already. Tiles help where encoding takes more than denoising.
    """
    tiles = before.animate.encode_tiling != after.animate.encode_tiling
    fewer_frames = before.animate.sample_frames != after.animate.sample_frames
    fewer_pixels = _working_size(before) != _working_size(after)
    if not tiles and not fewer_frames and not (fewer_pixels and phase is Phase.CONDITION):
        return True
    return _needs(forecast(after, card, device))[phase] < _needs(forecast(before, card, device))[phase]


def _foreseen(
    settings: Settings, card: ModelCard, device: str, short: tuple[Phase, ...]
) -> tuple[Rung, Phase, Settings] | None:
    """The first rung that lowers the forecast of a phase that is short of memory, that phase, and the settings."""
    before = _needs(forecast(settings, card, device))
    for rung in LADDER:
        lower = rung.step(settings, card, device) if _is_allowed(rung, settings) else None
        if lower is not None:
            after = _needs(forecast(lower, card, device))
            for phase in short:
                if after[phase] < before[phase]:
                    return rung, phase, lower
    return None


def _needs(need: Forecast) -> dict[Phase, int]:
    """Bytes that each phase needs of the memory that the device works in."""
    return {each.phase: each.gpu_bytes if need.device == "cuda" else each.ram_bytes for each in need.phases}


def _check_bottom(settings: Settings, card: ModelCard, machine: Machine) -> None:
    """Raise OutOfMemory unless what is missing on the lowest rung is little enough to be tried."""
    need = forecast(settings, card, machine.device)
    gpu, ram = room(machine.device, machine, settings.runtime)
    if machine.device == "cuda" and need.gpu_bytes <= gpu * TOLERANCE and need.ram_bytes <= ram:
        return
    on_gpu = machine.device == "cuda" and need.gpu_bytes > gpu
    needed, free = (need.gpu_bytes, gpu) if on_gpu else (need.ram_bytes, ram)
    worst = max(need.phases, key=lambda each: each.gpu_bytes if on_gpu else each.ram_bytes).phase
    raise OutOfMemory(
        f"{card.title} needs about {needed / GB:.1f} GB of {'GPU ' if on_gpu else ''}memory even on the lowest rung of "
        f"the memory ladder, and {max(free, 0) / GB:.1f} GB may be used: "
        f"{_advice(settings, card, machine.device, worst)}."
    )


def _advice(settings: Settings, card: ModelCard, device: str, phase: Phase) -> str:
    """What would have helped, as the end of a sentence."""
    allowed = _with(settings, "runtime", allow_downgrades=True)
    forbidden = None if settings.runtime.allow_downgrades else descend(allowed, card, device, phase)
    if forbidden is not None:
        figures = _figures(settings, forbidden[1])
        return f"runtime.allow_downgrades would let it go on ({forbidden[0].title.lower()}{figures})"
    width, height = _working_size(settings)
    helps = [f"a size below {width} x {height}", "fewer frames"] if phase in (Phase.SAMPLE, Phase.DECODE) else []
    helps += ["a smaller model"] + ["runtime.device cpu"] * (device == "cuda")
    last = "a higher runtime.vram_limit_gb" if settings.runtime.vram_limit_gb else "closing other programs"
    return f"{', '.join(helps)} or {last} may help"


def _figures(before: Settings, after: Settings) -> str:
    """What a rung changed in figures, in brackets; empty where its title says it all."""
    old, new = before.animate, after.animate
    if old.sample_frames != new.sample_frames:
        return f" ({new.sample_frames} instead of {old.sample_frames or old.num_frames})"
    if (old.sample_width, old.sample_height) != (new.sample_width, new.sample_height):
        (width, height), (less_width, less_height) = _working_size(before), _working_size(after)
        return f" ({less_width} x {less_height} instead of {width} x {height})"
    return ""


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by their full names."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
