"""Helpers are held as their own files are, and as the user wants it."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.catalogue import Precision, get_helper
from pipeline.choices import Device, Quantization
from pipeline.engines import florence2, phi
from pipeline.engines.held import ways, work_held
from pipeline.errors import ModelMissing
from pipeline.memory.fitting import Setup, Wish
from pipeline.memory.machine import read_machine
from pipeline.models.files import locate
from pipeline.models.load import LoadPlan
from pipeline.models.resident import RESIDENT
from pipeline.settings import RuntimeSettings
from tests.conftest import TinyModels

LOADERS: dict[str, Any] = {"florence-2-base": florence2.load, "phi-4": phi.load, "phi-4-mini": phi.load}

AS_IT_FITS = Wish()


def on_processor(name: str, runtime: RuntimeSettings, wish: Wish = AS_IT_FITS) -> tuple[Setup, ...]:
    return ways(get_helper(name), read_machine(runtime, Path()), wish, runtime)


def here(folder: Path) -> RuntimeSettings:
    return RuntimeSettings(models_dir=folder, device=Device.CPU, keep_model=False)


def taken(network: Any) -> int:
    """Bytes of a network's weights, with the scales of quantized ones."""
    size = sum(weights.nbytes for weights in network.parameters())
    for state in filter(None, (getattr(weights, "quant_state", None) for weights in network.parameters())):
        size += state.absmax.nbytes + state.state2.absmax.nbytes
    return int(size)


@pytest.mark.parametrize("name", LOADERS)
def test_what_a_way_needs_is_what_its_weights_take(name: str, tiny_models: TinyModels) -> None:
    runtime = here(tiny_models(name))
    files = locate(get_helper(name), runtime)
    found = on_processor(name, runtime)[1:]  # in half precision, where all work in the same room
    plans = [LoadPlan(each.device, each.precision, each.quantization) for each in found]
    sizes = [taken(LOADERS[name](files, plan).network) for plan in plans]
    saved = [each.ram_bytes - found[0].ram_bytes for each in found]
    assert [size - sizes[0] for size in sizes] == pytest.approx(saved, rel=0.05)


@pytest.mark.parametrize(
    ("wish", "precision", "quantization"),
    [
        (Wish(), Precision.FLOAT32, Quantization.NONE),
        (Wish(half_precision=True), Precision.BFLOAT16, Quantization.NONE),
        (Wish(Quantization.INT8), Precision.BFLOAT16, Quantization.INT8),
    ],
)
def test_the_model_is_held_as_it_is_wished_and_nothing_is_said(
    tiny_models: TinyModels, wish: Wish, precision: Precision, quantization: Quantization
) -> None:
    plans: list[LoadPlan] = []
    said: list[str] = []

    def load(_: Any, plan: LoadPlan) -> str:
        plans.append(plan)
        return "model"

    name = "florence-2-base"
    answer = work_held(get_helper(name), wish, here(tiny_models(name)), load, lambda model: f"a {model}", said.append)
    RESIDENT.release()
    assert answer == "a model"
    assert plans == [LoadPlan("cpu", precision, quantization)]
    assert said == []


@pytest.mark.parametrize("quantization", [Quantization.NONE, Quantization.INT8])
def test_files_that_cannot_be_read_are_damage(
    tiny_models: TinyModels, tmp_path: Path, quantization: Quantization
) -> None:
    name = "phi-4-mini"
    shutil.copytree(tiny_models(name) / name, tmp_path / name)
    for path in (tmp_path / name).glob("*.safetensors"):
        path.write_bytes(b"no weights")
    assert {each.quantization for each in on_processor(name, here(tmp_path))} == {Quantization.NONE}
    with pytest.raises(ModelMissing, match=f"models verify {name}"):
        work_held(get_helper(name), Wish(quantization), here(tmp_path), phi.load, lambda _: None, lambda _: None)
