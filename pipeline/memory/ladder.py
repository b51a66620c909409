"""The ladder of downgrades, least loss first: what a run gives up, one rung at a time, until it fits.

A rung that was taken is in the settings as used, and another run starts at the top again.
"""

from collections.abc import Iterator
from typing import Any, Literal

from pipeline.catalogue import ModelCard, Phase
from pipeline.errors import OutOfMemory
from pipeline.memory.forecast import GB, Forecast, forecast, room, shortages
from pipeline.memory.machine import Machine
from pipeline.memory.rung import Rung
from pipeline.memory.rungs import LADDER, Step, changed, working_size
from pipeline.records import DowngradeRecord
from pipeline.settings import Settings

TOLERANCE = 1.15
"""On a GPU a run whose forecast exceeds what is free by up to this factor is tried all the same: the driver reports a
shortage there, and the ladder goes on. In main memory Linux would end the program instead."""

_DOING = {
    Phase.LOAD: "loading the model",
    Phase.CONDITION: "reading the prompt and the image",
    Phase.SAMPLE: "sampling",
    Phase.DECODE: "decoding",
}


def descend(settings: Settings, card: ModelCard, device: str, phase: Phase) -> tuple[Rung[Step], Settings] | None:
    """The next rung that applies, is allowed and lets this phase do with less, and the settings with it.

    `settings` are resolved; `device` is "cuda" or "cpu". None when there is no such rung.
    """
    for rung in LADDER:
        if phase in rung.phases:
            for lower in _steps(rung, settings, card, device):
                if _is_worth_it(settings, lower, card, device, phase):
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
    rung: Rung[Step], phase: Phase, reason: Literal["forecast", "shortage"], before: Settings, after: Settings
) -> DowngradeRecord:
    """The record of a rung that was taken for a phase, with the settings that it changed."""
    old, new = _flat(before.model_dump(mode="json")), _flat(after.model_dump(mode="json"))
    return rung.taken(phase, reason, _DOING[phase], old, new, _figures(before, after))


def no_rung_left(settings: Settings, card: ModelCard, device: str, phase: Phase) -> OutOfMemory:
    """The error for a phase that ran out of memory where no rung helps it any more, with what would have helped."""
    return OutOfMemory(
        f"{card.title} ran out of {'GPU ' if device == 'cuda' else ''}memory while {_DOING[phase]}, and the memory "
        f"ladder has no rung left: {_advice(settings, card, device, phase)}."
    )


def _steps(rung: Rung[Step], settings: Settings, card: ModelCard, device: str) -> Iterator[Settings]:
    """The settings after one step of a rung, after two, and so on; none where it is not allowed."""
    if not rung.is_allowed(settings.runtime):
        return
    lower = rung.step(settings, card, device)
    while lower is not None:
        yield lower
        lower = rung.step(lower, card, device)


def _is_worth_it(before: Settings, after: Settings, card: ModelCard, device: str, phase: Phase) -> bool:
    """Whether a phase needs less afterwards, by the forecast, where that is in doubt.

    Fewer frames do not help an image autoencoder, which decodes a few at a time whatever their number, nor fewer pixels
    the text encoder, nor a decoder whose tiles are smaller still; each would cost what was sampled already. Tiles help
    where encoding takes more than denoising.
    """
    tiles = before.animate.encode_tiling != after.animate.encode_tiling
    fewer_frames = before.animate.sample_frames != after.animate.sample_frames
    fewer_pixels = working_size(before) != working_size(after)
    if not tiles and not fewer_frames and not (fewer_pixels and phase is not Phase.SAMPLE):
        return True
    return _needs(forecast(after, card, device))[phase] < _needs(forecast(before, card, device))[phase]


def _foreseen(
    settings: Settings, card: ModelCard, device: str, short: tuple[Phase, ...]
) -> tuple[Rung[Step], Phase, Settings] | None:
    """The first rung that lowers the forecast of a phase that is short of memory, that phase, and the settings."""
    before = _needs(forecast(settings, card, device))
    for rung in LADDER:
        for lower in _steps(rung, settings, card, device):
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
    allowed = changed(settings, "runtime", allow_downgrades=True)
    forbidden = None if settings.runtime.allow_downgrades else descend(allowed, card, device, phase)
    if forbidden is not None:
        figures = _figures(settings, forbidden[1])
        return f"runtime.allow_downgrades would let it go on ({forbidden[0].title.lower()}{figures})"
    width, height = working_size(settings)
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
        (width, height), (less_width, less_height) = working_size(before), working_size(after)
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
