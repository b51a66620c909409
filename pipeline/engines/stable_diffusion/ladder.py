"""The painter's ladder of downgrades, least loss first: what is given up, one rung at a time, until painting fits."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Literal

from pipeline.catalogue import Phase, Precision
from pipeline.choices import Offload, Quantization
from pipeline.engines.diffusion.image_vae import TILE
from pipeline.engines.stable_diffusion.models import Models
from pipeline.engines.stable_diffusion.schedule import LEAST_SIDE, snapped
from pipeline.engines.stable_diffusion.setup import Need, Setup, needs
from pipeline.errors import OutOfMemory
from pipeline.memory.forecast import GB, room
from pipeline.memory.machine import Machine
from pipeline.memory.rung import Rung
from pipeline.records import DowngradeRecord
from pipeline.settings import RuntimeSettings

SMALLEST = 0.5
"""Shortest side that is worked at, in sides of the square that the model was trained for."""

_DOING = {
    Phase.LOAD: "loading the model",
    Phase.CONDITION: "reading the prompts",
    Phase.SAMPLE: "painting",
    Phase.DECODE: "decoding",
}


Step = Callable[[Setup], Setup | None]
"""The setup one rung lower; None where the rung does not apply, or not any more."""


def _guide_in_two_passes(setup: Setup) -> Setup | None:
    return replace(setup, guidance_passes=2) if setup.guided and setup.guidance_passes == 1 else None


def _offload_models(setup: Setup) -> Setup | None:
    applies = setup.device == "cuda" and setup.offload is Offload.NONE
    return replace(setup, offload=Offload.MODEL) if applies else None


def _tile(setup: Setup) -> Setup | None:
    applies = not setup.tiled and max(setup.width, setup.height) > TILE
    return replace(setup, tiled=True) if applies else None


def _use_float8(setup: Setup) -> Setup | None:
    applies = setup.device == "cuda" and setup.quantization is Quantization.NONE
    return replace(setup, quantization=Quantization.FLOAT8) if applies else None


def _use_bfloat16(setup: Setup) -> Setup | None:
    applies = setup.device == "cpu" and setup.precision is Precision.FLOAT32
    return replace(setup, precision=Precision.BFLOAT16) if applies else None


def _paint_smaller(setup: Setup) -> Setup | None:
    width, height = setup.width * 0.75, setup.height * 0.75
    if min(width, height) < max(SMALLEST * setup.native, LEAST_SIDE):
        return None
    return replace(setup, width=snapped(width), height=snapped(height))


_ALL = frozenset(Phase)

LADDER: tuple[Rung[Step], ...] = (
    Rung(
        name="guidance-passes",
        title="Guidance runs in two passes",
        cost="the key frames stay the same, and painting takes a little longer",
        changes_picture=False,
        phases=frozenset({Phase.SAMPLE}),
        step=_guide_in_two_passes,
    ),
    Rung(
        name="model-offload",
        title="Each part of the model is on the GPU only while it works",
        cost="the key frames stay the same, and painting takes some seconds longer",
        changes_picture=False,
        phases=_ALL,
        step=_offload_models,
    ),
    Rung(
        name="tiled-decoding",
        title="Key frames are encoded and decoded in tiles",
        cost="tones may differ by less than can be seen",
        changes_picture=False,
        phases=frozenset({Phase.SAMPLE, Phase.DECODE}),
        step=_tile,
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
        name="bfloat16",
        title="The model works in bfloat16 instead of float32",
        cost="fine detail may differ slightly, and older processors are slower with it",
        changes_picture=True,
        phases=_ALL,
        step=_use_bfloat16,
    ),
    Rung(
        name="resolution",
        title="Key frames are painted at a lower resolution",
        cost="they have less detail",
        changes_picture=True,
        phases=frozenset({Phase.SAMPLE, Phase.DECODE}),
        step=_paint_smaller,
    ),
)
"""The rungs in the order in which they are taken. Each one applies once, `resolution` until the smallest is reached."""


def fit(
    setup: Setup, models: Models, machine: Machine, runtime: RuntimeSettings
) -> tuple[Setup, list[DowngradeRecord]]:
    """A setup that has room on this machine, and the rungs that were taken for it, in order.

    Only rungs are taken that lower the need of a phase that has no room. Raises OutOfMemory, one sentence, when there
    is none left.
    """
    taken = []
    while short := _short(setup, models, machine, runtime):
        found = _foreseen(setup, short, models, runtime)
        if found is None:
            raise OutOfMemory(_too_little(setup, models, machine, runtime))
        rung, phase, lower = found
        taken.append(downgrade(rung, phase, "forecast", setup, lower))
        setup = lower
    return setup, taken


def descend(setup: Setup, phase: Phase, runtime: RuntimeSettings) -> tuple[Rung[Step], Setup] | None:
    """The next rung that applies, is allowed and lets this phase do with less, and the setup with it."""
    for rung in LADDER:
        lower = rung.step(setup) if phase in rung.phases and rung.is_allowed(runtime) else None
        if lower is not None:
            return rung, lower
    return None


def downgrade(
    rung: Rung[Step], phase: Phase, reason: Literal["forecast", "shortage"], before: Setup, after: Setup
) -> DowngradeRecord:
    """The record of a rung that was taken for a phase."""
    size = (after.width, after.height) != (before.width, before.height)
    figures = f" ({after.width} x {after.height} instead of {before.width} x {before.height})" if size else ""
    return rung.taken(phase, reason, _DOING[phase], _by_name(before), _by_name(after), figures)


def _short(setup: Setup, models: Models, machine: Machine, runtime: RuntimeSettings) -> tuple[Phase, ...]:
    """The phases that have no room."""
    gpu, ram = room(setup.device, machine, runtime)
    found = needs(models.card, models.control_card, setup)
    return tuple(phase for phase, need in found.items() if need.gpu_bytes > gpu or need.ram_bytes > ram)


def _foreseen(
    setup: Setup, short: tuple[Phase, ...], models: Models, runtime: RuntimeSettings
) -> tuple[Rung[Step], Phase, Setup] | None:
    """The first rung that lowers the need of a phase that is short of memory, that phase, and the setup."""
    before = needs(models.card, models.control_card, setup)
    for rung in LADDER:
        lower = rung.step(setup) if rung.is_allowed(runtime) else None
        if lower is not None:
            after = needs(models.card, models.control_card, lower)
            for phase in short:
                if _at_work(after[phase], setup) < _at_work(before[phase], setup):
                    return rung, phase, lower
    return None


def _at_work(need: Need, setup: Setup) -> int:
    """Bytes of the memory that the device works in."""
    return need.gpu_bytes if setup.device == "cuda" else need.ram_bytes


def _too_little(setup: Setup, models: Models, machine: Machine, runtime: RuntimeSettings) -> str:
    gpu, ram = room(setup.device, machine, runtime)
    found = needs(models.card, models.control_card, setup).values()
    on_gpu = setup.device == "cuda" and max(each.gpu_bytes for each in found) > gpu
    needed = max(each.gpu_bytes if on_gpu else each.ram_bytes for each in found)
    return (
        f"{models.card.title} needs about {needed / GB:.1f} GB of {'GPU ' if on_gpu else ''}memory even to paint at "
        f"{setup.width} x {setup.height}, and {max(gpu if on_gpu else ram, 0) / GB:.1f} GB may be used."
    )


def _by_name(setup: Setup) -> dict[str, object]:
    """The values of a setup under the names of the settings they belong to."""
    runtime = ("offload", "guidance_passes")
    return {f"{'runtime' if name in runtime else 'keyframes'}.{name}": value for name, value in asdict(setup).items()}
