"""CogVideoX on a tiny checkpoint, and on one with the transformer of version 1.5."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import CogVideoXDPMScheduler

from pipeline.catalogue import Precision, get_card
from pipeline.engines.cogvideox import CogVideoX
from pipeline.errors import InvalidSetting
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
    check_two_passes_are_one,
    load,
    picture,
    write_lora,
)
from tests.tiny_models.hub import network

NAME = "cogvideox-5b-i2v"
Sized = Callable[[int, int], Run]


@pytest.fixture(scope="module")
def cogvideox(tiny_models: TinyModels) -> Sized:
    """The model, told that its positions were learned at another size than 720x480, which would take minutes."""
    models_dir = tiny_models(NAME)

    @cache
    def loaded(width: int, height: int) -> Run:
        run = load(CogVideoX, models_dir, NAME, num_frames=9, size=(width, height))
        positions = run.pipe.transformer.patch_embed
        positions.sample_width, positions.sample_height = width // 8, height // 8
        return run

    return loaded


@pytest.fixture(scope="module")
def small(cogvideox: Sized) -> Run:
    """A run of 9 frames of 96x64."""
    return cogvideox(96, 64)


@pytest.fixture(scope="module")
def later(small: Run) -> Run:
    """The same with a transformer as in version 1.5, whose patches span two latent frames."""
    pipe = type(small.pipe)(**small.pipe.components)
    pipe.set_progress_bar_config(disable=True)
    pipe.transformer = network(
        "diffusers.CogVideoXTransformer3DModel",
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=32,
        time_embed_dim=32,
        text_embed_dim=32,
        num_layers=2,
        patch_size_t=2,
        ofs_embed_dim=32,
        patch_bias=False,
        use_rotary_positional_embeddings=True,
    )
    return replace(small, pipe=pipe)


@pytest.mark.parametrize("count", [9, 17])
def test_the_phases_give_the_frames_of_the_plain_call(small: Run, count: int) -> None:
    check_phases_equal_the_plain_call(small.asking(num_frames=count))


def test_without_guidance_there_is_no_second_text(small: Run) -> None:
    run = small.asking({"animate": {"guidance_scale": 1.0}})
    assert set(run.family.condition(run.pipe, run.request)) == {"prompt_embeds"}
    check_phases_equal_the_plain_call(run)


@pytest.mark.parametrize("count", [5, 9])
def test_frames_that_fill_up_the_patches_of_version_1_5_are_left_out(later: Run, count: int) -> None:
    run = later.asking(num_frames=count)
    check_phases_equal_the_plain_call(run)
    assert run.latents()["latents"].shape[1] == {5: 2, 9: 4}[count]


def test_a_size_without_positions_is_refused_in_one_sentence(small: Run, later: Run) -> None:
    run = small.asking(image=picture(128, 64))
    with pytest.raises(InvalidSetting, match=r"works at 96 x 64 pixels only, not at 128 x 64; choose"):
        run.family.condition(run.pipe, run.request)
    check_phases_equal_the_plain_call(later.asking(image=picture(128, 64)))


def test_in_half_precision_it_is_the_plain_call_too(tiny_models: TinyModels, small: Run) -> None:
    half = load(CogVideoX, tiny_models(NAME), NAME, num_frames=9, precision=Precision.BFLOAT16)
    half.pipe.transformer.patch_embed = deepcopy(small.pipe.transformer.patch_embed).to(half.pipe.dtype)
    check_near_the_plain_call(half)
    check_decoding_in_another_precision(half)


def test_the_seed_alone_decides(small: Run) -> None:
    check_the_seed_decides(small)


def test_guidance_in_two_passes_is_that_in_one(small: Run, later: Run) -> None:
    for run in (small, later):
        check_two_passes_are_one(run, guidance=6.0)


def test_guidance_that_changes_is_for_the_sampler_that_it_was_published_with(small: Run) -> None:
    def latents(scheduler: Any, use_dynamic_cfg: bool) -> torch.Tensor:
        pipe = type(small.pipe)(**{**small.pipe.components, "scheduler": scheduler})
        pipe.set_progress_bar_config(disable=True)
        card = get_card(NAME).model_copy(update={"options": {"use_dynamic_cfg": use_dynamic_cfg}})
        run = replace(small, pipe=pipe, family=CogVideoX(card))
        check_phases_equal_the_plain_call(run)
        return run.latents()["latents"]

    ddim = small.pipe.scheduler
    dpm = CogVideoXDPMScheduler.from_config(ddim.config)
    assert torch.equal(latents(ddim, True), latents(ddim, False))
    assert not torch.equal(latents(dpm, True), latents(dpm, False))


def test_decoding_in_tiles_comes_near(cogvideox: Sized) -> None:
    check_tiles_come_near(cogvideox(400, 32).asking(image=picture(400, 32)))


def test_encoding_in_tiles_comes_near(cogvideox: Sized) -> None:
    check_encoding_in_tiles(cogvideox(400, 32).asking(image=picture(400, 32)))


def test_steps_are_counted_and_not_shown(small: Run) -> None:
    assert small.steps() == [None] * small.family.steps(small.request) == [None, None]


def test_a_lora_changes_the_film_and_is_gone_afterwards(small: Run, tmp_path: Path) -> None:
    check_lora(small, write_lora(tmp_path, small.pipe.transformer, "attn1.to_q"))
