"""The ways to hold a language model, and what each needs."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.catalogue import HelperCard, Precision, get_helper
from pipeline.choices import Quantization
from pipeline.engines.phi import load
from pipeline.engines.phi.setups import setups
from pipeline.errors import ModelMissing
from pipeline.memory.fitting import Setup
from pipeline.models.files import ModelFiles, locate
from pipeline.models.load import LoadPlan
from pipeline.models.weights import measured_helper
from pipeline.settings import RuntimeSettings
from tests.conftest import TinyModels
from tests.tiny_models.hub import write_json

PUBLISHED = {
    "phi-4": {"vocab_size": 100352, "hidden_size": 5120, "tie_word_embeddings": False},
    "phi-4-mini": {"vocab_size": 200064, "hidden_size": 3072, "tie_word_embeddings": True},
}
"""What decides the size of the embeddings, from the published configurations."""


def published(name: str, folder: Path) -> tuple[HelperCard, ModelFiles]:
    """The card with the published figures, and files that hold the published configuration."""
    write_json(folder / "config.json", PUBLISHED[name])
    card = get_helper(name)
    return card, ModelFiles(card, folder, {})


def ways(name: str, folder: Path, device: str, asked: Quantization = Quantization.NONE) -> tuple[Setup, ...]:
    return setups(*published(name, folder), device, asked)


def test_the_gpu_comes_before_the_processor_and_whole_weights_before_small_ones(tmp_path: Path) -> None:
    found = [(each.device, each.precision, each.quantization) for each in ways("phi-4-mini", tmp_path, "cuda")]
    assert found == [
        ("cuda", Precision.BFLOAT16, Quantization.NONE),
        ("cuda", Precision.BFLOAT16, Quantization.INT8),
        ("cuda", Precision.BFLOAT16, Quantization.NF4),
        ("cpu", Precision.FLOAT32, Quantization.NONE),
        ("cpu", Precision.BFLOAT16, Quantization.NONE),
        ("cpu", Precision.BFLOAT16, Quantization.INT8),
        ("cpu", Precision.BFLOAT16, Quantization.NF4),
    ]
    assert [each.where for each in ways("phi-4-mini", tmp_path, "cpu")] == [
        "on the processor",
        "on the processor in half precision",
        "on the processor with INT8 weights",
        "on the processor with NF4 weights",
    ]


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_way_on_a_device_needs_less_than_the_one_before_it(name: str, tmp_path: Path) -> None:
    found = ways(name, tmp_path, "cuda")
    on_gpu = [each.gpu_bytes for each in found if each.device == "cuda"]
    in_main = [each.ram_bytes for each in found if each.device == "cpu"]
    assert on_gpu == sorted(on_gpu, reverse=True)
    assert in_main == sorted(in_main, reverse=True)


def test_what_is_asked_for_is_all_there_is(tmp_path: Path) -> None:
    found = ways("phi-4", tmp_path, "cuda", Quantization.NF4)
    assert [(each.device, each.quantization) for each in found] == [
        ("cuda", Quantization.NF4),
        ("cpu", Quantization.NF4),
    ]


@pytest.mark.parametrize(
    ("name", "whole", "nf4"),
    [("phi-4", 40, 12), ("phi-4-mini", 12, 6)],
)
def test_the_cards_of_the_summaries_are_large_enough(name: str, whole: float, nf4: float, tmp_path: Path) -> None:
    by_weights = {each.quantization: each.gpu_bytes for each in ways(name, tmp_path, "cuda") if each.device == "cuda"}
    assert by_weights[Quantization.NONE] < 0.97 * whole * 1024**3
    assert by_weights[Quantization.NF4] < 0.97 * nf4 * 1024**3
    assert f"{whole} GB" in get_helper(name).summary
    assert f"{nf4} GB" in get_helper(name).summary


def taken(network: Any) -> int:
    """Bytes of a network's weights, with the scales of quantized ones."""
    size = sum(weights.nbytes for weights in network.parameters())
    for state in filter(None, (getattr(weights, "quant_state", None) for weights in network.parameters())):
        size += state.absmax.nbytes + state.state2.absmax.nbytes
    return int(size)


def test_what_a_way_needs_is_what_its_weights_take(tiny_models: TinyModels) -> None:
    runtime = RuntimeSettings(models_dir=tiny_models("phi-4"))
    files, card = locate(get_helper("phi-4"), runtime), measured_helper(get_helper("phi-4"), runtime)
    found = setups(card, files, "cpu", Quantization.NONE)[1:]  # in half precision, where all work in the same room
    plans = [LoadPlan(each.device, each.precision, each.quantization) for each in found]
    sizes = [taken(load(files, plan).network) for plan in plans]
    saved = [each.ram_bytes - found[0].ram_bytes for each in found]
    assert [size - sizes[0] for size in sizes] == pytest.approx(saved, rel=0.05)


def test_a_configuration_that_cannot_be_read_is_damage(tiny_models: TinyModels, tmp_path: Path) -> None:
    folder = tmp_path / "phi-4"
    shutil.copytree(tiny_models("phi-4") / "phi-4", folder)
    for text in ("", "[]", '{"vocab_size": null, "hidden_size": 8}', '{"hidden_size": 8}'):
        (folder / "config.json").write_text(text)
        with pytest.raises(ModelMissing, match="models verify phi-4"):
            setups(get_helper("phi-4"), ModelFiles(get_helper("phi-4"), folder, {}), "cpu", Quantization.NONE)
