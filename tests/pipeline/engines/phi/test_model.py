"""The model on tiny checkpoints, which write as many prompts as a request names."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.catalogue import Precision, get_helper
from pipeline.choices import Quantization
from pipeline.engines.phi import Phi, load
from pipeline.errors import Cancelled
from pipeline.models.files import ModelFiles, locate
from pipeline.models.load import LoadPlan
from pipeline.planning import Message, answer_limit, read_answer
from pipeline.planning.conversation import request
from pipeline.settings import RuntimeSettings
from tests.conftest import TinyModels

NAMES = ("phi-4", "phi-4-mini")
WHOLE = LoadPlan("cpu", Precision.FLOAT32)
CHATS = {
    "phi-4": "<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|>Hi<|im_end|>"
    "<|im_start|>assistant<|im_sep|>",
    "phi-4-mini": "<|system|>Be brief.<|end|><|user|>Hi<|end|><|assistant|>",
}


def files_of(name: str, tiny_models: TinyModels) -> ModelFiles:
    return locate(get_helper(name), RuntimeSettings(models_dir=tiny_models(name)))


@pytest.fixture(scope="module", params=NAMES)
def model(request: pytest.FixtureRequest, tiny_models: TinyModels) -> Phi:
    return load(files_of(request.param, tiny_models), WHOLE)


def ask(model: Phi, count: int, caption: str = "a house", **arguments: Any) -> str:
    return model.answer(request(caption, "a boat", count), answer_limit(count), **arguments)


@pytest.mark.parametrize("count", [1, 32])
def test_it_writes_what_it_is_asked_for_the_same_each_time(model: Phi, count: int) -> None:
    answer = ask(model, count, "a red house, " * 150)
    assert len(read_answer(answer, count).texts) == count
    assert ask(model, count, "a red house, " * 150) == answer


@pytest.mark.parametrize("name", NAMES)
def test_it_is_asked_in_its_own_chat(name: str, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(files_of(name, tiny_models), WHOLE)
    calls: list[dict[str, Any]] = []
    generate = model.network.generate

    def noted(**arguments: Any) -> Any:
        calls.append(arguments)
        return generate(**arguments)

    monkeypatch.setattr(model.network, "generate", noted)
    model.answer([Message("system", "Be brief."), Message("user", "Hi")], 3)
    call = calls[0]
    assert model.tokenizer.decode(call["input_ids"][0]) == CHATS[name]
    assert call["attention_mask"].all()
    assert call["do_sample"] is False
    assert call["max_new_tokens"] == 3


def test_any_language_goes_in_and_comes_back(model: Phi) -> None:
    tokens = model.tokenizer("一只猫 – état, naïve 🙂").input_ids
    assert model.tokenizer.decode(tokens) == "一只猫 – état, naïve 🙂"


def test_it_ends_with_its_message_whatever_the_files_name_as_the_end(model: Phi) -> None:
    expected = ask(model, 2)
    ends = model.network.generation_config.eos_token_id
    heard: list[int] = []
    for named in (None, ends[-1], ends):
        model.network.generation_config.eos_token_id = named
        heard.clear()
        assert ask(model, 2, on_token=lambda: heard.append(1)) == expected
        assert len(heard) == 4  # two prompts, the end of the list, and that of the message
    assert not any(token in expected for token in ("<|end|>", "<|im_end|>", "<|endoftext|>"))


def test_an_answer_is_no_longer_than_its_limit(model: Phi) -> None:
    heard: list[int] = []
    model.answer(request("a", "b", 32), 7, lambda: heard.append(1))
    assert len(heard) == 7


def test_every_token_may_end_the_work(model: Phi) -> None:
    heard: list[int] = []

    def stop() -> None:
        heard.append(1)
        if len(heard) == 3:
            raise Cancelled("The run was stopped.")

    with pytest.raises(Cancelled):
        ask(model, 32, on_token=stop)
    assert len(heard) == 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("quantization", "kind", "share"),
    [(Quantization.INT8, torch.int8, 1 / 2), (Quantization.NF4, torch.uint8, 1 / 4)],
)
def test_its_weights_may_be_made_smaller(
    name: str, tiny_models: TinyModels, quantization: Quantization, kind: torch.dtype, share: float
) -> None:
    files = files_of(name, tiny_models)
    whole = load(files, LoadPlan("cpu", Precision.BFLOAT16))
    small = load(files, LoadPlan("cpu", Precision.BFLOAT16, quantization))
    layers = [each.network.model.layers for each in (whole, small)]
    assert small.network.model.layers[0].mlp.down_proj.weight.dtype is kind
    assert small.network.model.embed_tokens.weight.dtype is torch.bfloat16
    sizes = [sum(weights.nbytes for weights in each.parameters()) for each in layers]
    assert sizes[1] / sizes[0] == pytest.approx(share, rel=0.05)
    assert ask(small, 5) == ask(whole, 5)


def test_in_half_precision_it_writes_the_same(tiny_models: TinyModels) -> None:
    half = load(files_of("phi-4", tiny_models), LoadPlan("cpu", Precision.BFLOAT16))
    assert half.network.dtype is torch.bfloat16
    assert len(read_answer(ask(half, 9), 9).texts) == 9


def test_the_checkpoints_are_described_as_published(tiny_models: TinyModels) -> None:
    configs = [json.loads(Path(files_of(name, tiny_models).folder, "config.json").read_text()) for name in NAMES]
    assert [config["tie_word_embeddings"] for config in configs] == [False, True]
    assert configs[1]["rope_scaling"]["type"] == "longrope"
    assert "AutoModelForCausalLM" in configs[1]["auto_map"]  # which is not asked for its code
