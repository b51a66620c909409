"""Networks and processors from the top of a repository: whole ones are loaded, anything else is called damaged."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.catalogue import Precision, get_helper
from pipeline.errors import ModelMissing
from pipeline.models.files import ModelFiles
from pipeline.models.load import LoadPlan, load_network, load_processor, load_tokenizer
from tests.conftest import TinyModels

NETWORK = "Florence2ForConditionalGeneration"
PLAN = LoadPlan("cpu", Precision.FLOAT32)
WEIGHTS = "model.safetensors"


@pytest.fixture
def files(tiny_models: TinyModels, tmp_path: Path) -> ModelFiles:
    """A copy of a checkpoint that a test may damage."""
    folder = tmp_path / "florence-2-base"
    shutil.copytree(tiny_models("florence-2-base") / "florence-2-base", folder)
    return ModelFiles(get_helper("florence-2-base"), folder)


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor], str], None]) -> None:
    """Change one of the weights in a checkpoint's file."""
    weights = load_file(folder / WEIGHTS)
    change(weights, "model.multi_modal_projector.image_projection.weight")
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def lose(weights: dict[str, torch.Tensor], name: str) -> None:
    del weights[name]


def reshape(weights: dict[str, torch.Tensor], name: str) -> None:
    weights[name] = torch.zeros(3, 3)


def cut(path: Path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.BFLOAT16])
def test_a_network_is_loaded_in_the_planned_precision_and_in_evaluation_mode(
    files: ModelFiles, precision: Precision
) -> None:
    network = load_network(NETWORK, files, LoadPlan("cpu", precision))
    assert type(network).__name__ == NETWORK
    assert not network.training
    assert {str(parameter.dtype) for parameter in network.parameters()} == {f"torch.{precision}"}


def test_the_checkpoint_holds_all_weights_and_no_others(files: ModelFiles) -> None:
    import transformers

    kind: Any = transformers.Florence2ForConditionalGeneration
    _, found = kind.from_pretrained(files.folder, output_loading_info=True)
    assert not any(found[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))


def test_processor_and_tokenizer_lie_at_the_top_as_well(files: ModelFiles) -> None:
    processor, tokenizer = load_processor(files), load_tokenizer(files)
    assert type(processor).__name__ == "Florence2Processor"
    assert tokenizer("the house").input_ids == processor.tokenizer("the house").input_ids


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: cut(folder / WEIGHTS, 0.5),
        lambda folder: cut(folder / WEIGHTS, 0.0),
        lambda folder: (folder / WEIGHTS).unlink(),
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: rewrite(folder, lose),
        lambda folder: rewrite(folder, reshape),
    ],
    ids=["cut", "empty", "no weights", "bad config", "weight lost", "weight of another shape"],
)
def test_a_damaged_network_is_never_filled_with_random_weights(
    files: ModelFiles, damage: Callable[[Path], None]
) -> None:
    damage(files.folder)
    with pytest.raises(
        ModelMissing, match=r"incomplete or damaged: `python -m pipeline models verify florence-2-base`"
    ):
        load_network(NETWORK, files, PLAN)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", "{"),
        ("tokenizer.json", "{}"),
        ("tokenizer_config.json", "{"),
        ("preprocessor_config.json", "{"),
        ("preprocessor_config.json", None),
        ("processor_config.json", "["),
    ],
)
def test_a_damaged_processor_is_called_so(files: ModelFiles, name: str, content: str | None) -> None:
    if content is None:
        (files.folder / name).unlink()
    else:
        (files.folder / name).write_text(content)
    with pytest.raises(ModelMissing, match="incomplete or damaged"):
        load_processor(files)


def test_a_file_that_may_not_be_read_is_not_called_damaged(files: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import Florence2ForConditionalGeneration

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Florence2ForConditionalGeneration, "from_pretrained", refuse)
    with pytest.raises(PermissionError):
        load_network(NETWORK, files, PLAN)
