import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.catalogue import Precision
from pipeline.engines.diffusion.images import to_tensor
from pipeline.engines.svd import StableVideoDiffusion
from pipeline.models.files import ModelFiles
from pipeline.models.load import LoadPlan
from tests.conftest import TinyModels
from tests.networks import untouched
from tests.pipeline.engines.video_runs import (
    Run,
    check_phases_equal_the_plain_call,
    check_the_seed_decides,
    load,
)

NAME = "svd"
FRAMES = 5


@pytest.fixture(scope="module")
def run(tiny_models: TinyModels) -> Run:
    return load(StableVideoDiffusion, tiny_models(NAME), NAME, FRAMES, size=(64, 64))


def latents(run: Run) -> torch.Tensor:
    return run.latents()["latents"]


def animate(run: Run, **changes: Any) -> Run:
    return run.asking({"animate": changes})


def test_the_phases_give_the_frames_of_the_plain_call(run: Run) -> None:
    check_phases_equal_the_plain_call(run)


def test_a_plain_copy_of_the_repository_serves_as_well(run: Run, tiny_models: TinyModels, tmp_path: Path) -> None:
    shutil.copytree(tiny_models(NAME) / NAME, tmp_path / NAME, ignore=shutil.ignore_patterns("*.fp16.*"))
    plain = load(StableVideoDiffusion, tmp_path, NAME, FRAMES, size=(64, 64))
    check_phases_equal_the_plain_call(plain)
    assert not torch.equal(latents(plain), latents(run))


def test_the_form_for_longer_videos_works_as_well(tiny_models: TinyModels) -> None:
    run = load(StableVideoDiffusion, tiny_models("svd-xt"), "svd-xt", 7, size=(64, 64))
    check_phases_equal_the_plain_call(run)


def test_the_seed_decides(run: Run) -> None:
    check_the_seed_decides(run)


@pytest.mark.parametrize(
    "changes", [{"target_fps": 20}, {"motion_bucket_id": 9}, {"noise_aug_strength": 0.5}, {"guidance_scale": 6.0}]
)
def test_what_the_model_is_told_matters(run: Run, changes: dict[str, Any]) -> None:
    assert not torch.equal(latents(run), latents(animate(run, **changes)))


def test_settings_that_are_ignored_have_no_effect(run: Run) -> None:
    assert run.family.ignores.keys() == {"animate.vae_tiling", "animate.encode_tiling", "runtime.chunk_feed_forward"}
    tiles = {"vae_tiling": True, "encode_tiling": True}
    ignored = {"prompt": "rain", "animate": tiles, "runtime": {"chunk_feed_forward": True}}
    expected, asked = run.latents(), run.asking(ignored)
    assert torch.equal(expected["latents"], latents(asked))
    assert np.array_equal(run.decode(expected), asked.decode(expected))


def test_guidance_grows_from_none_at_the_first_frame(run: Run) -> None:
    """So the first frame follows the weak guidance, and the others the more the later they come."""
    weak, strong = (latents(animate(run, guidance_scale=scale, num_inference_steps=1)) for scale in (1.5, 6.0))
    by_frame = (weak - strong).abs().amax(dim=(0, 2, 3, 4))
    assert by_frame[0] == 0.0
    assert by_frame[1:].min() > 0.0


def test_without_guidance_a_single_pass_is_made(run: Run) -> None:
    calls: list[int] = []
    handle = run.pipe.unet.conv_in.register_forward_pre_hook(lambda _, inputs: calls.append(len(inputs[0])))
    try:
        check_phases_equal_the_plain_call(animate(run, guidance_scale=1.0))
    finally:
        handle.remove()
    assert set(calls) == {FRAMES}


def test_guidance_in_two_passes_gives_the_same_latents(run: Run) -> None:
    calls: list[int] = []
    handle = run.pipe.unet.conv_in.register_forward_pre_hook(lambda _, inputs: calls.append(len(inputs[0])))
    try:
        one = latents(run)
        two = latents(run.asking({"runtime": {"guidance_passes": 2}}))
    finally:
        handle.remove()
    assert calls == [2 * FRAMES] * 2 + [FRAMES] * 4
    assert float((one - two).abs().max() / one.std()) < 1e-2


@pytest.mark.parametrize("chunk", [1, 2, FRAMES, 14])
def test_chunks_of_any_size_give_what_the_pipeline_gives(run: Run, chunk: int) -> None:
    asked = animate(run, decode_chunk_size=chunk)
    check_phases_equal_the_plain_call(asked)


def test_the_decoder_looks_at_the_frames_of_a_chunk_together(run: Run) -> None:
    made = run.latents()
    alone, together = (np.stack(animate(run, decode_chunk_size=size).decode(made)) for size in (1, FRAMES))
    assert not np.array_equal(alone, together)


def test_without_a_chunk_size_the_cards_is_taken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    decode = run.pipe.vae.decode

    def listen(chunk: torch.Tensor, num_frames: int) -> Any:
        sizes.append(num_frames)
        return decode(chunk, num_frames=num_frames)

    made = run.latents()
    monkeypatch.setattr(run.pipe.vae, "decode", listen)
    run.decode(made)
    assert sizes[0] == run.family.card.memory.decode_chunk
    assert sum(sizes) == FRAMES


@pytest.mark.parametrize("size", [(72, 104), (104, 72), (200, 88)])
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
    asked = run.asking({"animate": {"noise_aug_strength": 0.0}}, image=white)
    frames = asked.decode(asked.latents())
    assert [torch.equal(pixels, to_tensor(white)) for pixels in seen] == [True]
    assert {frame.shape for frame in frames} == {white.shape}


def test_an_error_while_encoding_leaves_the_autoencoder_in_its_precision(
    tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = load(StableVideoDiffusion, tiny_models(NAME), NAME, FRAMES, size=(64, 64))
    run.pipe.to(torch.float16)
    precisions: list[torch.dtype] = []

    def run_out(_: torch.Tensor) -> None:
        precisions.append(run.pipe.vae.dtype)
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(run.pipe.vae, "encode", run_out)
    with pytest.raises(torch.OutOfMemoryError):
        run.latents()
    assert precisions == [torch.float32]
    assert {parameter.dtype for parameter in run.pipe.vae.parameters()} == {torch.float16}


def test_half_precision_goes_all_the_way(tiny_models: TinyModels, run: Run) -> None:
    family = run.family
    files = ModelFiles(family.card, tiny_models(NAME) / NAME)
    pipe = family.load(files, LoadPlan("cpu", Precision.FLOAT16))
    half = Run(family, pipe, run.request)
    assert half.latents()["latents"].dtype == torch.float16
    check_phases_equal_the_plain_call(half)


def test_every_step_can_be_looked_at(tiny_models: TinyModels) -> None:
    run = load(StableVideoDiffusion, tiny_models(NAME), NAME, 2, size=(128, 64))
    shapes = [glimpse.shape for glimpse in run.steps() if glimpse is not None]
    assert shapes == [(8, 16, 3)] * run.family.steps(run.request)


def test_the_arrangement_is_undone_also_after_an_error(run: Run) -> None:
    asked = run.asking({"runtime": {"guidance_passes": 2}})
    with untouched(run.pipe.unet):
        with asked.family.arrange(asked.pipe, asked.request):
            assert "forward" in vars(run.pipe.unet)
        with (
            pytest.raises(torch.OutOfMemoryError),
            asked.family.arrange(asked.pipe, asked.request),
        ):
            raise torch.OutOfMemoryError("CUDA out of memory")
