import shutil
import weakref
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.choices import Scheduler
from pipeline.engines.diffusion.images import to_tensor
from pipeline.engines.i2vgen_xl import I2VGenXL
from tests.conftest import TinyModels
from tests.networks import untouched
from tests.pipeline.engines.video_runs import (
    Run,
    check_phases_equal_the_plain_call,
    check_the_seed_decides,
    load,
)

NAME = "i2vgen-xl"
FRAMES = 5


@pytest.fixture(scope="module")
def run(tiny_models: TinyModels) -> Run:
    return load(I2VGenXL, tiny_models(NAME), NAME, FRAMES, size=(64, 64))


def latents(run: Run) -> torch.Tensor:
    return run.latents()["latents"]


def animate(run: Run, **changes: Any) -> Run:
    return run.asking({"animate": changes})


def test_the_phases_give_the_frames_of_the_plain_call(run: Run) -> None:
    check_phases_equal_the_plain_call(run)


def test_a_plain_copy_of_the_repository_serves_as_well(run: Run, tiny_models: TinyModels, tmp_path: Path) -> None:
    shutil.copytree(tiny_models(NAME) / NAME, tmp_path / NAME, ignore=shutil.ignore_patterns("*.fp16.*"))
    plain = load(I2VGenXL, tmp_path, NAME, FRAMES, size=(64, 64))
    check_phases_equal_the_plain_call(plain)
    assert torch.allclose(latents(plain), latents(run), atol=0.2)
    assert not torch.equal(latents(plain), latents(run))


def test_prompts_are_embedded_as_the_pipeline_embeds_them(run: Run) -> None:
    """The pipeline itself works where the text encoder's normalisation lies where it looks for it."""
    encoder = run.pipe.text_encoder
    encoder.text_model = SimpleNamespace(final_layer_norm=encoder.final_layer_norm)
    try:
        run.pipe._guidance_scale = 9.0
        expected = run.pipe.encode_prompt("a cat", "cpu", 1, negative_prompt="rain", clip_skip=1)
    finally:
        del encoder.text_model
    asked = run.asking({"prompt": "a cat", "animate": {"negative_prompt": "rain"}})
    made = asked.family.condition(asked.pipe, asked.request)
    assert torch.equal(made["prompt_embeds"], expected[0])
    assert torch.equal(made["negative_prompt_embeds"], expected[1])
    assert not torch.equal(*made.values())


def test_a_prompt_beyond_the_encoders_length_is_cut_and_that_is_said(run: Run) -> None:
    said: list[str] = []
    short, long = (
        run.asking({"prompt": text, "animate": {"negative_prompt": ""}})
        for text in ("the waves roll", "the waves roll onto the beach " * 60)
    )
    for asked, count in ((short, 0), (long, 1)):
        request = replace(asked.request, note=said.append)
        assert run.family.condition(run.pipe, request)["prompt_embeds"].shape[:2] == (1, 77)
        assert len(said) == count
    assert said[0].startswith("The model reads 77 tokens of a text, so the end of this one is left out: the waves")


def test_the_seed_decides(run: Run) -> None:
    check_the_seed_decides(run)


@pytest.mark.parametrize("changes", [{"prompt": "rain"}, {"animate": {"negative_prompt": "rain"}}])
def test_the_texts_matter(run: Run, changes: dict[str, Any]) -> None:
    assert not torch.equal(latents(run), latents(run.asking(changes)))


def test_without_guidance_the_negative_prompt_does_not_matter(run: Run) -> None:
    alone, other = (animate(run, guidance_scale=1.0, negative_prompt=text) for text in ("", "rain"))
    assert torch.equal(latents(alone), latents(other))
    check_phases_equal_the_plain_call(alone)


def test_the_frame_rate_to_imagine_matters(run: Run) -> None:
    assert not torch.equal(latents(run), latents(animate(run, target_fps=4)))


def test_settings_that_are_ignored_have_no_effect(run: Run) -> None:
    ignored = {"motion_bucket_id": 9, "noise_aug_strength": 0.9, "encode_tiling": True}
    assert run.family.ignores.keys() == {f"animate.{name}" for name in ignored}
    assert torch.equal(latents(run), latents(animate(run, **ignored)))


def test_guidance_in_two_passes_gives_the_same_latents(run: Run) -> None:
    calls: list[int] = []
    handle = run.pipe.unet.conv_in.register_forward_pre_hook(lambda _, inputs: calls.append(len(inputs[0])))
    try:
        one = latents(run)
        two = latents(run.asking({"runtime": {"guidance_passes": 2}}))
    finally:
        handle.remove()
    assert calls == [2 * FRAMES] * 2 + [FRAMES] * 4
    assert (one - two).abs().max() < 1e-4


def test_chunks_of_the_input_transformer_give_the_same_latents(run: Run) -> None:
    lengths: list[int] = []
    feed_forward = run.pipe.unet.transformer_in.transformer_blocks[0].ff
    handle = feed_forward.register_forward_pre_hook(lambda _, inputs: lengths.append(inputs[0].shape[1]))
    try:
        whole = latents(run)
        chunked = latents(run.asking({"runtime": {"chunk_feed_forward": True}}))
    finally:
        handle.remove()
    assert lengths == [FRAMES] * 2 + [1] * 2 * FRAMES
    assert (whole - chunked).abs().max() < 1e-4


@pytest.mark.parametrize("scheduler", Scheduler)
def test_every_sampler_makes_a_video_of_its_own(run: Run, scheduler: Scheduler) -> None:
    published = run.pipe.scheduler
    made = latents(animate(run, scheduler=scheduler, num_inference_steps=6))
    usual = latents(animate(run, num_inference_steps=6))
    assert run.pipe.scheduler is published
    assert made.isfinite().all()
    far = float((made - usual).abs().max())
    if scheduler in (Scheduler.PUBLISHED, Scheduler.DDIM):
        assert far == 0.0
    elif scheduler is Scheduler.EULER:
        assert far < 1e-3  # the same method in other variables
    else:
        assert far > 1e-3


@pytest.mark.parametrize("size", [(72, 104), (104, 72), (200, 88), (88, 64)])
def test_the_image_is_encoded_in_its_own_size_without_an_edge(
    run: Run, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    encode = run.pipe.vae.encode

    def listen(pixels: torch.Tensor) -> Any:
        seen.append(pixels)
        return encode(pixels)

    monkeypatch.setattr(run.pipe.vae, "encode", listen)
    white = np.full((size[1], size[0], 3), 255, np.uint8)
    asked = run.asking(image=white)
    frames = asked.decode(asked.latents())
    assert [torch.equal(pixels, to_tensor(white)) for pixels in seen] == [True]
    assert {frame.shape for frame in frames} == {white.shape}


@pytest.mark.parametrize("chunk", [1, 2, FRAMES, 64])
def test_frames_do_not_depend_on_how_many_are_decoded_at_once(run: Run, chunk: int) -> None:
    made = run.latents()
    usual, asked = run.decode(made), animate(run, decode_chunk_size=chunk).decode(made)
    assert len(asked) == FRAMES
    assert max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(usual, asked, strict=True)) <= 1


def test_frames_are_decoded_while_they_are_read_and_then_forgotten(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = run.latents()
    decode = run.pipe.vae.decode
    sizes: list[int] = []
    kept: list[weakref.ref[torch.Tensor]] = []

    def listen(chunk: torch.Tensor) -> Any:
        assert [reference() for reference in kept] == [None] * len(kept)
        decoded = decode(chunk)
        sizes.append(len(chunk))
        kept.append(weakref.ref(decoded.sample))
        return decoded

    monkeypatch.setattr(run.pipe.vae, "decode", listen)
    frames = run.family.decode(run.pipe, made, animate(run, decode_chunk_size=2).request)
    assert sizes == []
    assert [len(sizes) for _ in frames] == [1, 1, 2, 2, 3]
    assert sizes == [2, 2, 1]


def test_tiles_come_near_and_are_switched_off_again(tiny_models: TinyModels) -> None:
    run = load(I2VGenXL, tiny_models(NAME), NAME, 2, size=(640, 64))
    made = run.latents()
    tiled = animate(run, vae_tiling=True)
    whole, pieces = np.stack(run.decode(made)).astype(int), np.stack(tiled.decode(made)).astype(int)
    # beyond the blended overlap the tiles see the same latents
    assert 0 < np.abs(whole - pieces).mean() < 6
    with untouched(run.pipe.vae):
        opened = tiled.family.decode(tiled.pipe, made, tiled.request)
        next(opened)
        assert run.pipe.vae.use_tiling
        opened.close()  # type: ignore[attr-defined]
    assert np.array_equal(np.stack(run.decode(made)), whole)


def test_every_step_can_be_looked_at(tiny_models: TinyModels) -> None:
    run = load(I2VGenXL, tiny_models(NAME), NAME, 2, size=(128, 64))
    shapes = [glimpse.shape for glimpse in run.steps() if glimpse is not None]
    assert shapes == [(8, 16, 3)] * run.family.steps(run.request)


EVERYTHING = {
    "animate": {"scheduler": "euler"},
    "runtime": {"guidance_passes": 2, "chunk_feed_forward": True, "compile": True},
}


# Compiling imports parts of torch that use what torch itself has deprecated.
compiling = pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")


@compiling
def test_the_arrangement_is_undone(run: Run) -> None:
    asked, published = run.asking(EVERYTHING), run.pipe.scheduler
    with untouched(run.pipe.unet):
        with asked.family.arrange(asked.pipe, asked.request):
            assert run.pipe.scheduler is not published
            assert "forward" in vars(run.pipe.unet)
            assert run.pipe.unet.transformer_in.transformer_blocks[0]._chunk_size == 1
        assert run.pipe.scheduler is published


@compiling
def test_the_arrangement_is_undone_after_an_error(run: Run) -> None:
    asked, published = run.asking(EVERYTHING), run.pipe.scheduler
    with (
        untouched(run.pipe.unet),
        pytest.raises(torch.OutOfMemoryError),
        asked.family.arrange(asked.pipe, asked.request),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")
    assert run.pipe.scheduler is published


def test_offloaded_networks_give_the_same_and_stay_offloaded(tiny_models: TinyModels) -> None:
    run = load(I2VGenXL, tiny_models(NAME), NAME, FRAMES, size=(64, 64))
    asked = run.asking({"runtime": {"guidance_passes": 2}})
    expected = asked.latents()
    run.pipe.enable_model_cpu_offload(device="cpu")
    for _ in range(2):
        made = asked.latents()
        assert torch.equal(made["latents"], expected["latents"])
        assert len(asked.decode(made)) == FRAMES
        assert all(hasattr(network, "_hf_hook") for network in (run.pipe.text_encoder, run.pipe.unet, run.pipe.vae))
    run.pipe.remove_all_hooks()
    assert torch.equal(asked.latents()["latents"], expected["latents"])
