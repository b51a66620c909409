"""Wan on tiny checkpoints: image to video, first and last frame, two transformers, and the 5B model."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.catalogue import Precision, get_card
from pipeline.engines.wan import Wan
from tests.conftest import TinyModels
from tests.pipeline.engines.video_runs import (
    Run,
    check_decoding_in_another_precision,
    check_encoding_in_tiles,
    check_lora,
    check_near_the_plain_call,
    check_phases_equal_the_plain_call,
    check_the_seed_decides,
    check_tiles_come_near,
    load,
    picture,
    write_lora,
)

IMAGE, FIRST_LAST, TWO_STAGES, SMALL = (
    "wan2.1-i2v-14b-480p",
    "wan2.1-flf2v-14b-720p",
    "wan2.2-i2v-a14b",
    "wan2.2-ti2v-5b",
)
Load = Callable[[str], Run]


@pytest.fixture(scope="module")
def wan(tiny_models: TinyModels) -> Load:
    """Loads a model of the family, once."""
    return cache(lambda name: load(Wan, tiny_models(name), name, num_frames=9))


@pytest.mark.parametrize("name", [IMAGE, FIRST_LAST, TWO_STAGES, SMALL])
def test_the_phases_give_the_frames_of_the_plain_call(wan: Load, name: str) -> None:
    check_phases_equal_the_plain_call(wan(name))


@pytest.mark.parametrize("name", [IMAGE, SMALL])
def test_without_guidance_there_is_no_second_text(wan: Load, name: str) -> None:
    run = wan(name).asking({"animate": {"guidance_scale": 1.0}})
    assert "negative_prompt_embeds" not in run.family.condition(run.pipe, run.request)
    check_phases_equal_the_plain_call(run)


@pytest.mark.parametrize("name", [IMAGE, SMALL])
@pytest.mark.parametrize("count", [5, 13])
def test_other_numbers_of_frames_come_out_as_asked(wan: Load, name: str, count: int) -> None:
    check_phases_equal_the_plain_call(wan(name).asking(num_frames=count))


def test_in_half_precision_it_is_the_plain_call_too(tiny_models: TinyModels) -> None:
    half = load(Wan, tiny_models(FIRST_LAST), FIRST_LAST, num_frames=9, precision=Precision.BFLOAT16)
    check_near_the_plain_call(half)
    check_decoding_in_another_precision(half)


@pytest.mark.parametrize("name", [FIRST_LAST, TWO_STAGES])
def test_the_seed_alone_decides(wan: Load, name: str) -> None:
    check_the_seed_decides(wan(name))


def test_the_negative_prompt_has_an_effect(wan: Load) -> None:
    run = wan(IMAGE)
    other = run.asking({"animate": {"negative_prompt": "the water in the wind"}})
    assert not torch.equal(run.latents()["latents"], other.latents()["latents"])


def test_without_a_last_image_the_film_ends_on_the_still(wan: Load) -> None:
    run = wan(FIRST_LAST)
    assert isinstance(run.family, Wan)
    assert run.family.ends_on_still
    alone = run.latents()["latents"]
    given = replace(run, request=replace(run.request, last_image=run.request.image)).latents()["latents"]
    assert torch.equal(alone, given)


def test_the_last_image_has_an_effect(wan: Load) -> None:
    run = wan(FIRST_LAST)
    other = replace(run, request=replace(run.request, last_image=picture(96, 64, seed=3)))
    check_phases_equal_the_plain_call(other)
    assert not torch.equal(run.latents()["latents"], other.latents()["latents"])


def test_a_model_without_last_image_needs_none(wan: Load) -> None:
    run = wan(IMAGE)
    assert isinstance(run.family, Wan)
    assert not run.family.ends_on_still
    assert "last_image" not in run.family.arguments(run.pipe, run.request)


def test_each_transformer_has_its_share_of_the_steps(wan: Load) -> None:
    run = wan(TWO_STAGES).asking({"animate": {"num_inference_steps": 6}})
    calls = {"transformer": 0, "transformer_2": 0}

    def counting(name: str) -> Callable[..., None]:
        def count(*_: Any) -> None:
            calls[name] += 1

        return count

    handles = [getattr(run.pipe, name).register_forward_hook(counting(name)) for name in calls]
    run.latents()
    for handle in handles:
        handle.remove()
    assert min(calls.values()) > 0
    assert sum(calls.values()) == 2 * 6  # with and without the prompt


def test_the_second_transformer_can_have_a_guidance_of_its_own(wan: Load) -> None:
    run = wan(TWO_STAGES).asking({"animate": {"num_inference_steps": 6}})
    card = get_card(TWO_STAGES).model_copy(update={"options": {"guidance_scale_2": 9.0}})
    assert not torch.equal(replace(run, family=Wan(card)).latents()["latents"], run.latents()["latents"])


@pytest.mark.parametrize("name", [IMAGE, SMALL])
def test_decoding_in_tiles_comes_near(wan: Load, name: str) -> None:
    check_tiles_come_near(wan(name).asking(image=picture(288, 64), num_frames=5))


@pytest.mark.parametrize("name", [IMAGE, FIRST_LAST, SMALL])
def test_encoding_in_tiles_comes_near(wan: Load, name: str) -> None:
    check_encoding_in_tiles(wan(name).asking(image=picture(544, 64), num_frames=5))


def test_every_step_is_seen_as_a_small_picture(wan: Load) -> None:
    for name, stride in ((IMAGE, 8), (SMALL, 16)):
        seen = wan(name).steps()
        assert len(seen) == wan(name).family.steps(wan(name).request) == 2
        assert [frame.shape for frame in seen if frame is not None] == [(64 // stride, 96 // stride, 3)] * 2


def test_the_scheduler_keeps_no_tensors_of_a_run(wan: Load) -> None:
    run = wan(IMAGE)
    before = dict(vars(run.pipe.scheduler))
    conditions = run.family.condition(run.pipe, run.request)
    with run.family.arrange(run.pipe, run.request):
        run.family.sample(run.pipe, run.request, conditions)
        kept = [each for each in run.pipe.scheduler.model_outputs if each is not None]
    assert kept
    assert vars(run.pipe.scheduler) == before


def test_a_failed_decoding_keeps_no_tensors(wan: Load) -> None:
    run = wan(IMAGE)
    latents, vae = run.latents(), run.pipe.vae
    calls = itertools.count()

    def fail(*_: Any) -> None:
        if next(calls) == 1:  # not the first frames: those leave what the next ones need
            raise torch.OutOfMemoryError("made up")

    handle = vae.decoder.conv_out.register_forward_hook(fail)
    with pytest.raises(torch.OutOfMemoryError):
        run.decode(latents)
    handle.remove()
    assert not any(isinstance(each, torch.Tensor) for each in vae._feat_map)
    assert all(map(np.array_equal, run.decode(latents), run.bare()))


def test_a_lora_changes_the_film_and_is_gone_afterwards(wan: Load, tmp_path: Path) -> None:
    run = wan(IMAGE)
    check_lora(run, write_lora(tmp_path, run.pipe.transformer, "attn1.to_q"))


def test_a_lora_lies_over_both_transformers(wan: Load, tmp_path: Path) -> None:
    run = wan(TWO_STAGES)
    path = write_lora(tmp_path, run.pipe.transformer, "attn1.to_q")
    asked = run.asking({"animate": {"lora": path}})
    with asked.family.arrange(asked.pipe, asked.request):
        adapters = asked.pipe.get_list_adapters()
    assert {part for part, names in adapters.items() if names} == {"transformer", "transformer_2"}
    assert not run.pipe.get_list_adapters()
    check_lora(run, path)
