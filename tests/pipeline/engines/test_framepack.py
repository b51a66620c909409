"""FramePack on a tiny checkpoint: films of one, two and three sections, made backwards and forwards."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from pipeline.catalogue import Precision, get_card
from pipeline.engines.framepack import BACKWARDS, FORWARDS, FramePack
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

NAME = "framepack-i2v-hy"
WINDOW = 2
"""Latent frames of a section in most of these tests; 9 as published take long."""


@pytest.fixture(scope="module")
def published(tiny_models: TinyModels) -> Run:
    """A run with sections as published, of 37 frames: one."""
    return load(FramePack, tiny_models(NAME), NAME, num_frames=37, size=(64, 64))


@pytest.fixture(scope="module")
def framepack(published: Run) -> Callable[..., Run]:
    """The model with other options in its card."""

    @cache
    def changed(count: int, **options: Any) -> Run:
        card = get_card(NAME).model_copy(update={"options": {"latent_window_size": WINDOW, **options}})
        return replace(published, family=FramePack(card)).asking(num_frames=count)

    return changed


@pytest.mark.parametrize("order", [BACKWARDS, FORWARDS])
@pytest.mark.parametrize(("count", "sections"), [(9, 1), (10, 2), (17, 2), (33, 4)])
def test_the_phases_give_the_frames_of_the_plain_call(
    framepack: Callable[..., Run], order: str, count: int, sections: int
) -> None:
    run = framepack(count, sampling_type=order)
    assert isinstance(run.family, FramePack)
    assert run.family.sections(run.request) == sections
    check_phases_equal_the_plain_call(run)
    assert run.latents()["latents"].shape[2] == WINDOW * sections + 1


def test_the_phases_give_the_frames_of_the_plain_call_with_sections_as_published(published: Run) -> None:
    check_phases_equal_the_plain_call(published)


def test_in_half_precision_it_is_the_plain_call_too(tiny_models: TinyModels) -> None:
    half = load(FramePack, tiny_models(NAME), NAME, num_frames=37, size=(64, 64), precision=Precision.BFLOAT16)
    check_near_the_plain_call(half)
    check_decoding_in_another_precision(half)


def test_the_steps_of_all_sections_are_counted_and_seen(framepack: Callable[..., Run]) -> None:
    run = framepack(17)
    seen = run.steps()
    assert len(seen) == run.family.steps(run.request) == 4
    assert [frame.shape for frame in seen if frame is not None] == [(8, 8, 3)] * 4


def test_the_film_is_decoded_section_by_section(framepack: Callable[..., Run]) -> None:
    run = framepack(25)
    latents, calls = run.latents(), []
    handle = run.pipe.vae.decoder.register_forward_hook(lambda *_: calls.append(1))
    frames = run.family.decode(run.pipe, latents, run.request)
    first = next(frames)
    before = len(calls)
    rest = list(frames)
    handle.remove()
    assert 0 < before < len(calls)
    assert len(rest) == 24
    assert np.array_equal(first, run.decode(latents)[0])


def test_the_seed_alone_decides(framepack: Callable[..., Run]) -> None:
    check_the_seed_decides(framepack(17))


def test_a_last_image_has_an_effect(framepack: Callable[..., Run]) -> None:
    run = framepack(17)
    closed = replace(run, request=replace(run.request, last_image=picture(64, 64, seed=3)))
    check_phases_equal_the_plain_call(closed)
    assert not torch.equal(run.latents()["latents"], closed.latents()["latents"])


def test_guidance_is_given_to_the_model(framepack: Callable[..., Run]) -> None:
    run = framepack(9)
    other = run.asking({"animate": {"guidance_scale": 2.0}})
    assert not torch.equal(run.latents()["latents"], other.latents()["latents"])


def test_decoding_in_tiles_comes_near(framepack: Callable[..., Run]) -> None:
    check_tiles_come_near(framepack(9).asking(image=picture(288, 64)))


def test_encoding_in_tiles_comes_near(framepack: Callable[..., Run]) -> None:
    check_encoding_in_tiles(framepack(9).asking(image=picture(288, 64)))


def test_a_lora_changes_the_film_and_is_gone_afterwards(framepack: Callable[..., Run], tmp_path: Path) -> None:
    run = framepack(9)
    check_lora(run, write_lora(tmp_path, run.pipe.transformer, "attn.to_q"))


def test_the_text_is_cut_into_tokens_as_the_files_say(published: Run, tiny_models: TinyModels) -> None:
    text = "a boat on the sea, 船在海上"
    tokens = published.pipe.tokenizer(text, add_special_tokens=False).input_ids
    described = Tokenizer.from_file(str(tiny_models(NAME) / NAME / "tokenizer" / "tokenizer.json"))
    assert tokens == described.encode(text, add_special_tokens=False).ids
    assert published.pipe.tokenizer.decode(tokens) == text
