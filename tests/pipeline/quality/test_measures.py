"""Measures of single pictures against independent implementations and known truth."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_cie76, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pipeline.frames import Frame
from pipeline.optical_flow import luma
from pipeline.quality.measures import (
    delta_e,
    detail,
    local_flicker,
    mean_lab,
    points,
    psnr,
    relative_sharpness,
    shrink,
    shrink_factor,
    ssim,
)
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, photo
from tests.pipeline.quality.films import square

PHOTOS = [ASTRONAUT, CHELSEA, COFFEE]


def blurred(frame: Frame, sigma: float) -> Frame:
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), np.uint8)


def grainy(frame: Frame, deviation: float) -> Frame:
    noise = np.random.default_rng(1).normal(0.0, deviation, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", PHOTOS)
def test_ssim_is_that_of_scikit_image(name: str) -> None:
    one, other = luma(photo(name)), luma(grainy(blurred(photo(name), 1.2), 6.0))
    theirs = structural_similarity(
        one, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert ssim(one, other) == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("name", PHOTOS)
def test_psnr_is_that_of_scikit_image(name: str) -> None:
    one, other = photo(name), grainy(photo(name), 10.0)
    assert psnr(one, other) == pytest.approx(peak_signal_noise_ratio(one, other), abs=1e-6)


def test_equal_pictures_have_the_best_values() -> None:
    frame = photo(COFFEE)
    assert psnr(frame, frame.copy()) == 99.0
    assert ssim(luma(frame), luma(frame)) == pytest.approx(1.0, abs=1e-6)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 1000))
@settings(max_examples=30)
def test_ssim_is_symmetric_and_bounded_in_every_size(width: int, height: int, seed: int) -> None:
    one, other = np.random.default_rng(seed).integers(0, 256, (2, height, width), np.uint8)
    assert ssim(one, other) == pytest.approx(ssim(other, one), abs=1e-5)
    assert -1.001 <= ssim(one, other) <= 1.001


@pytest.mark.parametrize("name", PHOTOS)
def test_sharpness_falls_with_every_bit_of_blur(name: str) -> None:
    whole = detail(photo(name))
    found = [
        relative_sharpness(detail(blurred(photo(name), s)), whole) for s in (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.97
    assert (found[1], found[3], found[5]) == pytest.approx((0.89, 0.68, 0.48), abs=0.07)  # as its docstring says
    assert found[-1] < 0.3


@pytest.mark.parametrize("name", PHOTOS)
def test_sharpness_is_not_taken_in_by_grain(name: str) -> None:
    whole = detail(photo(name))
    soft = blurred(photo(name), 1.5)
    before, after = (relative_sharpness(detail(frame), whole) for frame in (soft, grainy(soft, 3.0)))
    assert after < before + 0.1


@pytest.mark.parametrize("slope", [1, 3])
def test_detail_counts_levels_per_pixel(slope: int) -> None:
    ramp = np.broadcast_to((slope * np.arange(80, dtype=np.uint8))[None, :, None], (40, 80, 3))
    assert detail(np.ascontiguousarray(ramp)) == pytest.approx(slope, rel=0.03)


def test_plain_pictures_have_a_sharpness_too() -> None:
    plain = np.full((20, 20, 3), 90, np.uint8)
    assert relative_sharpness(detail(plain), detail(plain)) == 1.0


@given(st.tuples(*[st.integers(0, 255)] * 3), st.tuples(*[st.integers(0, 255)] * 3))
@settings(max_examples=50)
def test_colours_are_as_far_apart_as_scikit_image_says(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    ours = delta_e(*(mean_lab(np.array([[colour]], np.uint8)) for colour in (one, other)))
    theirs = deltaE_cie76(*(rgb2lab(np.array(colour, np.uint8) / 255.0) for colour in (one, other)))
    assert ours == pytest.approx(float(theirs), abs=0.5)


def test_the_mean_colour_is_that_of_all_pixels() -> None:
    frame = square(CHELSEA, 64)
    assert mean_lab(frame) == pytest.approx(rgb2lab(frame).reshape(-1, 3).mean(axis=0), abs=0.1)


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_pictures_become_about_256_pixels_a_side(width: int, height: int) -> None:
    factor = shrink_factor(width, height)
    assert factor >= 1
    if width * height > 4 * 256**2:
        assert 0.6 < width * height / factor**2 / 256**2 < 1.7
    else:
        assert factor <= 2


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 6))
def test_shrinking_keeps_a_plain_picture_plain(width: int, height: int, factor: int) -> None:
    small = shrink(np.full((height, width), 77, np.uint8), factor)
    assert small.shape == (max(height // factor, 1), max(width // factor, 1))
    assert (small == 77).all()


@given(st.integers(1, 3000), st.integers(1, 3000))
@settings(max_examples=30)
def test_a_frame_is_looked_at_in_a_bounded_number_of_points(width: int, height: int) -> None:
    found = points(np.zeros((height, width, 3), np.uint8))
    assert all(min(side, 96) <= count <= 192 for side, count in zip((height, width), found.shape[:2], strict=True))


@pytest.mark.parametrize("shift", [0, 3, -12])
def test_what_moves_steadily_does_not_flicker(shift: int) -> None:
    grey = luma(photo(ASTRONAUT))
    before, now, after = (np.ascontiguousarray(grey[100:300, 100 - k : 300 - k]) for k in (0, shift, 2 * shift))
    flow = np.zeros((200, 200, 2), np.float32)
    flow[..., 0] = shift
    assert local_flicker(before, now, after, flow) < 0.01
    if shift:
        assert local_flicker(before, now, after, np.zeros_like(flow)) > 0.5


def test_flicker_in_a_part_of_the_picture_counts_by_its_share() -> None:
    dark = np.full((160, 160), 100, np.uint8)
    bright = dark.copy()
    bright[:, :80] = 108
    still = np.zeros((160, 160, 2), np.float32)
    assert local_flicker(dark, bright, dark, still) == pytest.approx(4.0, abs=0.01)
