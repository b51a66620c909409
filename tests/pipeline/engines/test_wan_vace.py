"""Wan VACE on tiny checkpoints: with a driving video and without one, it is the published call."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.catalogue import Precision
from pipeline.engines.diffusion.images import to_pil
from pipeline.engines.diffusion.seeding import seeded
from pipeline.engines.wan_vace import WanVACE
from pipeline.frames import Frame
from tests.conftest import TinyModels
from tests.pipeline.engines.video_runs import (
    Run,
    check_decoding_in_another_precision,
    check_encoding_in_tiles,
    check_lora,
    check_near_the_plain_call,
    check_phases_equal_the_plain_call,
    check_the_seed_decides,
    load,
    picture,
    write_lora,
)

SMALL, LARGE = "wan2.1-vace-1.3b", "wan2.1-vace-14b"
Load = Callable[[str], Run]


@pytest.fixture(scope="module")
def vace(tiny_models: TinyModels) -> Load:
    """Loads a model of the family, once."""
    return cache(lambda name: load(WanVACE, tiny_models(name), name, num_frames=9))


def maps(count: int, size: tuple[int, int] = (96, 64), seed: int = 1) -> tuple[Frame, ...]:
    return tuple(np.roll(picture(*size, seed=seed), 4 * number, axis=1) for number in range(count))


def driven(run: Run, **control: object) -> Run:
    """The same with maps for all frames."""
    size = (run.request.width, run.request.height)
    asked = run.asking({"animate": {"control": control}})
    return replace(asked, request=replace(asked.request, control=maps(run.request.num_frames, size)))


@pytest.mark.parametrize(("name", "is_driven"), [(SMALL, True), (SMALL, False), (LARGE, True)])
def test_the_phases_give_the_frames_of_the_plain_call(vace: Load, name: str, is_driven: bool) -> None:
    check_phases_equal_the_plain_call(driven(vace(name)) if is_driven else vace(name))


def test_other_numbers_of_frames_come_out_as_asked(vace: Load) -> None:
    check_phases_equal_the_plain_call(driven(vace(SMALL).asking(num_frames=5)))


def test_it_is_what_a_user_of_diffusers_would_write(vace: Load) -> None:
    """The call spelled out: the image as first frame and reference, black in the mask, the maps white."""
    run = driven(vace(SMALL), scale=0.7)
    request, size = run.request, (run.request.width, run.request.height)
    control = request.control
    assert control is not None
    black, white = (to_pil(np.full((size[1], size[0]), level, np.uint8)) for level in (0, 255))
    with run.family.arrange(run.pipe, request), seeded(request.seed, "cpu") as generator:
        made = run.pipe(
            prompt=request.settings.prompt,
            negative_prompt=request.animate.negative_prompt,
            video=[to_pil(request.image), *map(to_pil, control[1:])],
            mask=[black, *[white] * 8],
            reference_images=[to_pil(request.image)],
            conditioning_scale=0.7,
            width=size[0],
            height=size[1],
            num_frames=9,
            num_inference_steps=2,
            guidance_scale=request.animate.guidance_scale,
            generator=generator,
            output_type="pil",
        ).frames[0]
    ours = run.decode(run.latents())
    assert all(np.array_equal(frame, np.asarray(theirs)) for frame, theirs in zip(ours, made, strict=True))


def test_the_maps_their_strength_and_the_first_frame_have_an_effect(vace: Load) -> None:
    run = driven(vace(SMALL))
    other = replace(run, request=replace(run.request, control=maps(9, seed=4)))
    made = [each.latents()["latents"] for each in (run, other, driven(run, scale=0.2), driven(run, first_frame=False))]
    for number, one in enumerate(made):
        assert all(not torch.equal(one, later) for later in made[number + 1 :])


@pytest.mark.parametrize("is_driven", [True, False])
def test_a_last_image_ends_the_film_as_the_published_call_has_it(vace: Load, is_driven: bool) -> None:
    run = driven(vace(SMALL)) if is_driven else vace(SMALL)
    closed = replace(run, request=replace(run.request, last_image=picture(96, 64, seed=3)))
    assert isinstance(closed.family, WanVACE)
    arguments = closed.family.arguments(closed.pipe, closed.request)
    assert np.array_equal(np.asarray(arguments["video"][-1]), picture(96, 64, seed=3))
    assert [np.asarray(each).max() for each in arguments["mask"]] == [0, *[255] * 7, 0]
    check_phases_equal_the_plain_call(closed)
    assert not torch.equal(run.latents()["latents"], closed.latents()["latents"])


def test_without_the_first_frame_it_is_the_plain_call_too(vace: Load) -> None:
    run = driven(vace(SMALL), first_frame=False)
    assert isinstance(run.family, WanVACE)
    film = run.family.arguments(run.pipe, run.request)["video"]
    assert np.array_equal(np.asarray(film[0]), maps(9)[0])
    check_phases_equal_the_plain_call(run)


def test_without_guidance_there_is_no_second_text(vace: Load) -> None:
    run = driven(vace(SMALL).asking({"animate": {"guidance_scale": 1.0}}))
    alone = run.asking({"animate": {"guidance_scale": 1.0}})
    assert "negative_prompt_embeds" not in alone.family.condition(alone.pipe, alone.request)
    check_phases_equal_the_plain_call(alone)


def test_in_half_precision_it_is_the_plain_call_too(tiny_models: TinyModels) -> None:
    half = driven(load(WanVACE, tiny_models(SMALL), SMALL, num_frames=9, precision=Precision.BFLOAT16))
    check_near_the_plain_call(half)
    assert half.pipe.vae.dtype == torch.float32
    check_decoding_in_another_precision(half)


def test_the_seed_alone_decides(vace: Load) -> None:
    check_the_seed_decides(driven(vace(SMALL)))


def test_encoding_in_tiles_comes_near(vace: Load) -> None:
    check_encoding_in_tiles(driven(vace(SMALL).asking(image=picture(288, 64), num_frames=5)))


def test_every_step_is_seen_as_a_small_picture(vace: Load) -> None:
    for run in (vace(SMALL), driven(vace(SMALL))):
        seen = run.steps()
        assert [frame.shape for frame in seen if frame is not None] == [(8, 12, 3)] * 2


def test_a_lora_changes_the_film_and_is_gone_afterwards(vace: Load, tmp_path: Path) -> None:
    run = driven(vace(SMALL))
    check_lora(run, write_lora(tmp_path, run.pipe.transformer, "attn1.to_q"))
