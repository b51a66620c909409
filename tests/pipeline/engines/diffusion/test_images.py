import numpy as np
import pytest
import torch
from diffusers.video_processor import VideoProcessor
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.engines.diffusion.images import (
    PREVIEW_SIDE,
    STABLE_DIFFUSION_RGB,
    latent_preview,
    to_frames,
    to_pil,
    to_tensor,
)
from pipeline.frames import Frame

pictures = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


@given(pictures)
def test_a_frame_survives_the_way_to_a_tensor_and_back(picture: Frame) -> None:
    (back,) = to_frames(to_tensor(picture))
    assert back.dtype == np.uint8
    assert np.array_equal(back, picture)
    assert np.array_equal(np.asarray(to_pil(picture)), picture)


@given(pictures)
def test_a_tensor_holds_what_the_pipelines_make_of_a_picture(picture: Frame) -> None:
    expected = VideoProcessor(do_resize=False).preprocess(to_pil(picture))
    assert torch.equal(to_tensor(picture), expected)


@given(
    hnp.arrays(np.float32, (2, 3, 3, 4), elements=st.floats(-3.0, 3.0, width=32)),
    st.sampled_from([torch.float32, torch.float16, torch.bfloat16]),
)
def test_frames_are_rounded_as_the_pipelines_round_them(values: np.ndarray, dtype: torch.dtype) -> None:
    decoded = torch.from_numpy(values).to(dtype)
    video = decoded.float()[None].transpose(1, 2)
    expected = VideoProcessor(do_resize=False).postprocess_video(video, output_type="pil")[0]
    frames = list(to_frames(decoded))
    assert len(frames) == len(expected)
    for frame, image in zip(frames, expected, strict=True):
        assert np.array_equal(frame, np.asarray(image))
        assert frame.flags.c_contiguous


def test_numbers_that_are_none_become_black() -> None:
    decoded = torch.full((1, 3, 2, 2), 0.5)
    decoded[0, 1, 0, 1] = torch.nan
    (frame,) = to_frames(decoded)
    assert frame[0, 1].tolist() == [191, 0, 191]
    assert frame[1, 1].tolist() == [191, 191, 191]


def test_frames_are_converted_while_they_are_read() -> None:
    decoded = torch.zeros(2, 3, 2, 2)
    frames = to_frames(decoded)
    next(frames)
    decoded[1] = 1.0
    assert next(frames).min() == 255


@given(st.integers(1, 700), st.integers(1, 700))
def test_a_preview_keeps_the_aspect_and_is_small(height: int, width: int) -> None:
    frame = latent_preview(torch.zeros(4, height, width), STABLE_DIFFUSION_RGB)
    assert max(frame.shape[:2]) <= PREVIEW_SIDE
    reduction = max(height, width) / max(frame.shape[:2])
    assert abs(height / reduction - frame.shape[0]) <= 1
    assert abs(width / reduction - frame.shape[1]) <= 1


@pytest.mark.parametrize("channel", range(4))
def test_a_preview_is_the_linear_map_it_is_given(channel: int) -> None:
    latents = torch.zeros(4, 1, 2)
    latents[channel, 0, 1] = 1.0
    frame = latent_preview(latents, STABLE_DIFFUSION_RGB, bias=(0.1, 0.0, -0.1))
    expected = [np.array([0.1, 0.0, -0.1]), np.array([0.1, 0.0, -0.1]) + STABLE_DIFFUSION_RGB[channel]]
    assert np.array_equal(frame[0], np.rint((np.array(expected) * 0.5 + 0.5) * 255))


def test_strong_noise_does_not_saturate_a_preview() -> None:
    noise = torch.randn(4, 64, 64, generator=torch.Generator().manual_seed(0))
    weak, strong = (latent_preview(scale * noise, STABLE_DIFFUSION_RGB) for scale in (1.0, 700.0))
    assert np.abs(weak.astype(int) - strong).max() <= 3
    assert np.mean((strong == 0) | (strong == 255)) < 0.1


def test_a_preview_of_half_precision_latents_asks_for_no_gradient() -> None:
    latents = torch.ones(4, 3, 3, dtype=torch.float16, requires_grad=True)
    assert latent_preview(latents, STABLE_DIFFUSION_RGB).shape == (3, 3, 3)
