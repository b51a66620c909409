"""The model on tiny checkpoints, whose answers are a sentence and four corners that depend on the image."""

from typing import Any

import numpy as np
import pytest
import torch

from pipeline.catalogue import Precision, get_helper
from pipeline.choices import Detail, Quantization
from pipeline.engines.florence2 import Florence2, load
from pipeline.engines.florence2.model import BEAMS, LIMITS, MAX_WORDS, TASKS, Task
from pipeline.errors import Cancelled
from pipeline.models.files import locate
from pipeline.models.load import LoadPlan
from pipeline.settings import RuntimeSettings
from tests.conftest import TinyModels
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, ROCKET, photo

PLAN = LoadPlan("cpu", Precision.FLOAT32)


@pytest.fixture(scope="module")
def model(tiny_models: TinyModels) -> Florence2:
    runtime = RuntimeSettings(models_dir=tiny_models("florence-2-base"))
    return load(locate(get_helper("florence-2-base"), runtime), PLAN)


def smaller(tiny_models: TinyModels, quantization: Quantization) -> Florence2:
    runtime = RuntimeSettings(models_dir=tiny_models("florence-2-large"))
    plan = LoadPlan("cpu", Precision.BFLOAT16, quantization)
    return load(locate(get_helper("florence-2-large"), runtime), plan)


class Generated:
    """Notes what the network is asked, and may let the answer be another one."""

    def __init__(
        self, model: Florence2, monkeypatch: pytest.MonkeyPatch, answers: dict[str, str] | None = None
    ) -> None:
        self.calls: list[dict[str, Any]] = []
        self.model, self.answers, self.generate = model, answers or {}, model.network.generate
        monkeypatch.setattr(model.network, "generate", self)

    def __call__(self, **arguments: Any) -> torch.Tensor:
        self.calls.append(arguments)
        asked = self.model.processor.batch_decode(arguments["input_ids"])[0]
        for words, answer in self.answers.items():
            if words in asked:
                tokens: torch.Tensor = self.model.processor.tokenizer(answer, return_tensors="pt").input_ids
                return tokens
        told: torch.Tensor = self.generate(**arguments)
        return told


@pytest.mark.parametrize("detail", list(Detail))
def test_an_image_is_described_in_a_sentence_without_preamble_the_same_each_time(
    model: Florence2, detail: Detail
) -> None:
    text = model.describe(photo(ROCKET), detail)
    assert text.endswith(".")
    assert len(text.split()) >= 5
    assert "<" not in text
    assert not text.startswith("The image shows")
    assert model.describe(photo(ROCKET), detail) == text


def test_what_is_said_depends_on_the_image(model: Florence2) -> None:
    texts = {model.describe(photo(name), Detail.SHORT) for name in (ASTRONAUT, COFFEE, CHELSEA, ROCKET)}
    assert len(texts) > 1


@pytest.mark.parametrize("size", [(16, 16), (300, 20), (1, 1), (900, 1200)])
def test_images_of_any_size_are_described_and_segmented(model: Florence2, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert model.describe(image, Detail.SHORT)
    mask, _ = model.segment(image, "the house")
    assert mask.shape == size


@pytest.mark.parametrize("detail", list(Detail))
def test_it_is_asked_as_published(model: Florence2, monkeypatch: pytest.MonkeyPatch, detail: Detail) -> None:
    generated = Generated(model, monkeypatch)
    model.describe(photo(CHELSEA), detail)
    call = generated.calls[0]
    assert call["pixel_values"].shape == (1, 3, 768, 768)
    assert float(call["pixel_values"].abs().max()) < 3.0  # of the mean and deviation of ImageNet
    assert call["num_beams"] == BEAMS
    assert call["max_new_tokens"] == LIMITS[TASKS[detail]]
    prompt = model.processor.batch_decode(call["input_ids"])[0]
    assert prompt.endswith(model.processor.task_prompts_without_inputs[TASKS[detail]] + "</s>")


def test_the_words_are_outlined(model: Florence2, monkeypatch: pytest.MonkeyPatch) -> None:
    generated = Generated(model, monkeypatch)
    image = photo(COFFEE)
    mask, way = model.segment(image, "the cup")
    assert mask.shape == image.shape[:2]
    assert mask.dtype == np.uint8
    assert 0.1 < (mask > 127).mean() < 0.9
    assert way.method == "outline"
    assert "Locate the cup in the image with mask" in model.processor.batch_decode(generated.calls[0]["input_ids"])[0]
    assert len(generated.calls) == 1


def test_corners_are_thousandths_of_the_image(model: Florence2, monkeypatch: pytest.MonkeyPatch) -> None:
    square = "<loc_250><loc_250><loc_749><loc_250><loc_749><loc_749><loc_250><loc_749>"
    Generated(model, monkeypatch, {"with mask": f"<s>{square}</s>"})
    mask, _ = model.segment(np.zeros((200, 400, 3), np.uint8), "the house")
    rows, columns = np.nonzero(mask > 127)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == pytest.approx((100, 299, 50, 149), abs=1)


def test_several_outlines_are_joined(model: Florence2, monkeypatch: pytest.MonkeyPatch) -> None:
    left = "<loc_0><loc_0><loc_200><loc_0><loc_200><loc_999><loc_0><loc_999>"
    right = "<loc_800><loc_0><loc_999><loc_0><loc_999><loc_999><loc_800><loc_999>"
    Generated(model, monkeypatch, {"with mask": f"{left}<sep>{right}</s>"})
    mask, _ = model.segment(np.zeros((100, 100, 3), np.uint8), "the walls")
    assert mask[50, 10] == mask[50, 90] == 255
    assert mask[50, 50] == 0


def test_without_an_outline_the_box_is_taken_and_without_that_nothing(
    model: Florence2, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"with mask": "nothing</s>", "the phrases": "the house<loc_100><loc_100><loc_500><loc_500></s>"}
    Generated(model, monkeypatch, answers)
    mask, way = model.segment(np.zeros((100, 100, 3), np.uint8), "the house")
    assert way.method == "box"
    assert (mask > 127).mean() == pytest.approx(0.16, abs=0.01)
    answers["the phrases"] = "the house</s>"
    mask, way = model.segment(np.zeros((100, 100, 3), np.uint8), "the house")
    assert way.method == "nothing"
    assert "'the house'" in way.reason
    assert not mask.any()


@pytest.mark.parametrize("words", ["<CAPTION>", "a <loc_3> house", "</s>", "猫", "x" * MAX_WORDS, "  the\nhouse "])
def test_any_words_are_taken_as_words(model: Florence2, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    generated = Generated(model, monkeypatch)
    model.segment(photo(CHELSEA), words)
    prompt = model.processor.batch_decode(generated.calls[0]["input_ids"])[0]
    assert prompt.endswith(" in the image with mask</s>")


def test_every_token_is_heard_of_and_may_end_the_work(model: Florence2) -> None:
    heard: list[int] = []
    model.describe(photo(CHELSEA), Detail.SHORT, lambda: heard.append(1))
    assert len(heard) >= 10

    def stop() -> None:
        if len(heard) > 2:
            raise Cancelled("The run was stopped.")
        heard.append(1)

    heard.clear()
    with pytest.raises(Cancelled):
        model.describe(photo(CHELSEA), Detail.SHORT, stop)
    assert len(heard) == 3


def test_every_detail_has_its_task_and_limit() -> None:
    assert set(TASKS) == set(Detail)
    assert set(TASKS.values()) == set(LIMITS)
    assert Task.SEGMENTATION not in LIMITS


def test_in_half_precision_it_works_as_well(tiny_models: TinyModels) -> None:
    runtime = RuntimeSettings(models_dir=tiny_models("florence-2-large"))
    half = load(locate(get_helper("florence-2-large"), runtime), LoadPlan("cpu", Precision.BFLOAT16))
    assert half.network.dtype == torch.bfloat16
    assert half.describe(photo(CHELSEA), Detail.SHORT)


@pytest.mark.parametrize(("quantization", "kind"), [(Quantization.INT8, torch.int8), (Quantization.NF4, torch.uint8)])
def test_its_weights_may_be_made_smaller(
    tiny_models: TinyModels, quantization: Quantization, kind: torch.dtype
) -> None:
    inner = smaller(tiny_models, quantization).network.model
    assert inner.language_model.encoder.layers[0].fc1.weight.dtype is kind
    assert inner.vision_tower.blocks[0][0].spatial_block.ffn.fc1.weight.dtype is torch.bfloat16
    assert inner.language_model.shared.weight.dtype is torch.bfloat16


def test_in_8_bits_it_says_the_same(tiny_models: TinyModels) -> None:
    # Not in 4 bits: on a processor bitsandbytes wants layers wider than those of the tiny checkpoint.
    whole, small = (smaller(tiny_models, each) for each in (Quantization.NONE, Quantization.INT8))
    for name in (CHELSEA, ROCKET):
        assert small.describe(photo(name), Detail.SHORT) == whole.describe(photo(name), Detail.SHORT)
    mask, way = small.segment(photo(COFFEE), "the cup")
    assert (mask.shape, way.method) == (photo(COFFEE).shape[:2], "outline")
