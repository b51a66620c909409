"""What painting needs, and the way down the ladder."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalogue import FamilyName, Phase, Precision, get_helper
from pipeline.choices import Offload, Quantization
from pipeline.engines.stable_diffusion.ladder import LADDER, descend, downgrade, fit
from pipeline.engines.stable_diffusion.models import Models
from pipeline.engines.stable_diffusion.setup import FAMILIES, Setup, needs
from pipeline.errors import OutOfMemory
from pipeline.memory.machine import Machine
from pipeline.models.files import ModelFiles
from pipeline.settings import RuntimeSettings

GB = 10**9
RUNTIME = RuntimeSettings()

GPU = Setup("cuda", Precision.FLOAT16, 1024, 1024, 1024, guided=True)
CPU = Setup("cpu", Precision.FLOAT32, 1024, 1024, 1024, guided=True)


def models(name: str, control: str | None = None) -> Models:
    card, other = get_helper(name), get_helper(control) if control else None
    return Models(card, ModelFiles(card, Path()), other, ModelFiles(other, Path()) if other else None)


def machine(gpu: float = 0.0, ram: float = 64.0) -> Machine:
    device = "cuda" if gpu else "cpu"
    on_gpu, in_ram = int(gpu * GB), int(ram * GB)
    return Machine(device, on_gpu, on_gpu, in_ram, in_ram, disk_free=GB)


def peak(name: str, setup: Setup, control: str | None = None) -> float:
    """Peak in GB of the memory that the device works in."""
    chosen = models(name, control)
    found = needs(chosen.card, chosen.control_card, setup).values()
    return max(each.gpu_bytes or each.ram_bytes for each in found) / GB


SETUPS = st.builds(
    Setup,
    device=st.sampled_from(["cpu", "cuda"]),
    precision=st.sampled_from([Precision.FLOAT32, Precision.FLOAT16]),
    width=st.integers(8, 256).map(lambda side: 8 * side),
    height=st.integers(8, 256).map(lambda side: 8 * side),
    native=st.sampled_from([512, 1024]),
    guided=st.booleans(),
    offload=st.sampled_from([Offload.NONE, Offload.MODEL]),
    quantization=st.sampled_from([Quantization.NONE, Quantization.FLOAT8]),
    guidance_passes=st.sampled_from([1, 2]),
    tiled=st.booleans(),
)


@given(SETUPS, st.sampled_from(["sd-1.5", "sdxl"]))
def test_no_rung_makes_any_phase_need_more(setup: Setup, name: str) -> None:
    card = get_helper(name)
    before = needs(card, None, setup)
    for rung in LADDER:
        lower = rung.step(setup)
        if lower is not None:
            after = needs(card, None, lower)
            assert all(after[phase].gpu_bytes <= before[phase].gpu_bytes for phase in Phase)
            assert all(after[phase].ram_bytes <= before[phase].ram_bytes for phase in Phase)


@given(SETUPS, st.sampled_from(list(Phase)))
def test_the_ladder_ends(setup: Setup, phase: Phase) -> None:
    taken = []
    while step := descend(setup, phase, RUNTIME):
        taken.append(step[0].name)
        setup = step[1]
    assert len(taken) < 15
    assert len(set(taken) - {"resolution"}) == len([name for name in taken if name != "resolution"])


def test_the_needs_are_near_what_is_known_of_the_models() -> None:
    """Published figures: SD 1.5 runs on a card of 4 GB, and XL in 1024 x 1024 on one of 8 GB with offload and tiles."""
    small = replace(GPU, width=512, height=512, native=512)
    assert 2.5 < peak("sd-1.5", small) < 3.8
    assert 9.0 < peak("sdxl", GPU) < 13.0
    low = replace(GPU, offload=Offload.MODEL, tiled=True)
    assert 5.5 < peak("sdxl", low) < 8.0
    assert peak("sdxl", replace(low, quantization=Quantization.FLOAT8)) < 5.0
    assert peak("sdxl", GPU, "canny-sdxl") > peak("sdxl", GPU) + 2.0
    assert 13.0 < peak("sdxl", CPU) < 21.0


def test_what_fits_is_left_as_it_is() -> None:
    assert fit(GPU, models("sdxl"), machine(gpu=24), RUNTIME) == (GPU, [])
    assert fit(CPU, models("sdxl"), machine(ram=64), RUNTIME) == (CPU, [])


@pytest.mark.parametrize(
    ("setup", "here", "taken"),
    [
        (GPU, machine(gpu=10), ["model-offload"]),
        (GPU, machine(gpu=8), ["model-offload", "tiled-decoding"]),
        (GPU, machine(gpu=5), ["model-offload", "tiled-decoding", "float8"]),
        (CPU, machine(ram=10), ["tiled-decoding", "guidance-passes", "bfloat16"]),
    ],
)
def test_only_rungs_that_help_are_taken_least_loss_first(setup: Setup, here: Machine, taken: list[str]) -> None:
    lower, records = fit(setup, models("sdxl"), here, RUNTIME)
    assert [record.rung for record in records] == taken
    assert {record.reason for record in records} == {"forecast"}
    assert peak("sdxl", lower) < peak("sdxl", setup)


def test_too_little_for_the_lowest_rung_is_one_sentence() -> None:
    with pytest.raises(
        OutOfMemory, match=r"^Stable Diffusion XL needs about .* GB of GPU memory even to paint at .*used\.$"
    ):
        fit(GPU, models("sdxl"), machine(gpu=2), RUNTIME)


def test_rungs_that_change_the_picture_are_left_out_where_they_are_not_allowed() -> None:
    faithful = RuntimeSettings(allow_downgrades=False)
    with pytest.raises(OutOfMemory):
        fit(GPU, models("sdxl"), machine(gpu=4.5), faithful)
    assert descend(replace(CPU, guidance_passes=2, tiled=True), Phase.SAMPLE, faithful) is None


def test_a_rung_is_told_with_its_figures() -> None:
    low = replace(CPU, guidance_passes=2, tiled=True, precision=Precision.BFLOAT16)
    step = descend(low, Phase.DECODE, RUNTIME)
    assert step is not None
    record = downgrade(step[0], Phase.DECODE, "shortage", low, step[1])
    assert record.message == (
        "Key frames are painted at a lower resolution (768 x 768 instead of 1024 x 1024) because decoding ran out of "
        "memory: they have less detail."
    )
    assert (record.before, record.after) == (
        {"keyframes.width": 1024, "keyframes.height": 1024},
        {"keyframes.width": 768, "keyframes.height": 768},
    )


def test_every_family_of_painters_has_its_figures() -> None:
    assert set(FAMILIES) == {FamilyName.STABLE_DIFFUSION, FamilyName.STABLE_DIFFUSION_XL}
