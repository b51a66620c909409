"""LTX-Video on tiny checkpoints: the first model, and the distilled one, whose decoder expects noise."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalogue import Precision, get_card
from pipeline.engines.ltx import LTXVideo, spaced
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

FIRST, DISTILLED = "ltx-video", "ltx-video-distilled"
PUBLISHED: list[float] = get_card(DISTILLED).options["timesteps"]
Load = Callable[[str], Run]


@pytest.fixture(scope="module")
def ltx(tiny_models: TinyModels) -> Load:
    """Loads a model of the family, once."""
    return cache(lambda name: load(LTXVideo, tiny_models(name), name, num_frames=17))


@pytest.mark.parametrize("name", [FIRST, DISTILLED])
@pytest.mark.parametrize("count", [9, 17])
def test_the_phases_give_the_frames_of_the_plain_call(ltx: Load, name: str, count: int) -> None:
    check_phases_equal_the_plain_call(ltx(name).asking(num_frames=count))


@pytest.mark.parametrize(("name", "scale"), [(FIRST, 1.0), (DISTILLED, 4.0)])
def test_guidance_can_be_switched_off_and_on(ltx: Load, name: str, scale: float) -> None:
    run = ltx(name).asking({"animate": {"guidance_scale": scale}})
    assert ("negative_prompt_embeds" in run.family.condition(run.pipe, run.request)) == (scale > 1.0)
    check_phases_equal_the_plain_call(run)


@pytest.mark.parametrize(("name", "kind"), [(FIRST, "LTXImageToVideoPipeline"), (DISTILLED, "LTXConditionPipeline")])
def test_the_repository_says_which_pipeline_is_its_own(ltx: Load, name: str, kind: str) -> None:
    assert type(ltx(name).pipe).__name__ == kind


def test_in_half_precision_it_is_the_plain_call_too(tiny_models: TinyModels) -> None:
    half = load(LTXVideo, tiny_models(DISTILLED), DISTILLED, num_frames=9, precision=Precision.BFLOAT16)
    check_near_the_plain_call(half)
    check_decoding_in_another_precision(half)


@pytest.mark.parametrize("name", [FIRST, DISTILLED])
def test_the_seed_alone_decides(ltx: Load, name: str) -> None:
    check_the_seed_decides(ltx(name))


@pytest.mark.parametrize("name", [FIRST, DISTILLED])
def test_guidance_in_two_passes_is_that_in_one(ltx: Load, name: str) -> None:
    check_two_passes_are_one(ltx(name), guidance=3.0)


def test_the_frame_rate_to_imagine_has_an_effect(ltx: Load) -> None:
    for name in (FIRST, DISTILLED):
        run = ltx(name)
        slow = run.asking({"animate": {"target_fps": 8}})
        assert not torch.equal(run.latents()["latents"], slow.latents()["latents"])


def test_decoding_alone_draws_the_same_noise_again(ltx: Load) -> None:
    run = ltx(DISTILLED)
    latents = run.latents()
    frames = run.decode(latents)
    torch.manual_seed(123)
    assert all(map(np.array_equal, run.decode(latents), frames))
    other = {**latents, "generator": torch.Generator().manual_seed(1).get_state()}
    assert not all(map(np.array_equal, run.decode(other), frames))


def test_the_noise_for_the_decoder_is_as_strong_as_the_card_says(ltx: Load) -> None:
    run = ltx(DISTILLED)
    card = run.family.card.model_copy(update={"options": {**run.family.card.options, "decode_noise_scale": 0.5}})
    noisy = replace(run, family=LTXVideo(card))
    check_phases_equal_the_plain_call(noisy)
    latents = run.latents()
    assert not all(map(np.array_equal, run.decode(latents), noisy.decode(latents)))


def test_the_distilled_model_steps_along_its_published_schedule(ltx: Load) -> None:
    run = ltx(DISTILLED).asking({"animate": {"num_inference_steps": len(PUBLISHED)}})
    assert len(run.steps()) == run.family.steps(run.request) == 8
    conditions = run.family.condition(run.pipe, run.request)
    with run.family.arrange(run.pipe, run.request):
        run.family.sample(run.pipe, run.request, conditions)
        assert run.pipe.scheduler.timesteps.tolist() == pytest.approx(PUBLISHED)


@given(st.integers(2, 50))
def test_a_schedule_of_another_length_keeps_the_ends_and_falls(steps: int) -> None:
    schedule = spaced(PUBLISHED, steps)
    assert len(schedule) == steps
    assert (schedule[0], schedule[-1]) == (PUBLISHED[0], PUBLISHED[-1])
    assert all(later < earlier for earlier, later in pairwise(schedule))


def test_one_step_begins_where_the_schedule_begins() -> None:
    assert spaced(PUBLISHED, 1) == [PUBLISHED[0]]


def test_a_last_image_has_an_effect_and_no_frames_of_its_own(ltx: Load) -> None:
    run = ltx(DISTILLED)
    closed = replace(run, request=replace(run.request, last_image=picture(96, 64, seed=3)))
    check_phases_equal_the_plain_call(closed)
    assert not torch.equal(run.latents()["latents"], closed.latents()["latents"])
    assert [frame.shape for frame in closed.steps() if frame is not None] == [(2, 3, 3)] * 2


@pytest.mark.parametrize("name", [FIRST, DISTILLED])
def test_decoding_in_tiles_comes_near(ltx: Load, name: str) -> None:
    check_tiles_come_near(ltx(name).asking(image=picture(576, 64), num_frames=9))


@pytest.mark.parametrize("name", [FIRST, DISTILLED])
def test_encoding_in_tiles_comes_near(ltx: Load, name: str) -> None:
    check_encoding_in_tiles(ltx(name).asking(image=picture(576, 64), num_frames=9))


@pytest.mark.parametrize("name", [FIRST, DISTILLED])
def test_every_step_is_seen_as_a_small_picture(ltx: Load, name: str) -> None:
    assert [frame.shape for frame in ltx(name).steps() if frame is not None] == [(2, 3, 3)] * 2


def test_a_lora_changes_the_film_and_is_gone_afterwards(ltx: Load, tmp_path: Path) -> None:
    run = ltx(FIRST)
    check_lora(run, write_lora(tmp_path, run.pipe.transformer, "attn1.to_q"))
