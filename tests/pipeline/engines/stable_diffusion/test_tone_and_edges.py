import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.control.edges import canny
from pipeline.engines.stable_diffusion.tone import match_tone
from pipeline.frames import Frame
from pipeline.interpolation import enlarge
from tests.photos import photo


def lab(frame: Frame) -> NDArray[np.float32]:
    unit = frame.astype(np.float32) / np.float32(255.0)
    return np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2LAB), np.float32)


def test_a_picture_of_the_same_tone_stays_as_it_is() -> None:
    picture = enlarge(photo("coffee"), 160, 120)
    assert np.abs(match_tone(picture, picture).astype(int) - picture).max() <= 1


@pytest.mark.parametrize("cast", [(12, -8, -20), (-15, 10, 4)])
def test_a_cast_over_a_painted_frame_is_gone(cast: tuple[int, int, int]) -> None:
    morph = (0.6 * enlarge(photo("astronaut"), 160, 120) + 50).astype(np.uint8)
    tinted = np.clip(morph.astype(int) + cast, 0, 255).astype(np.uint8)
    matched = match_tone(tinted, morph)
    assert np.abs(lab(matched).mean((0, 1)) - lab(morph).mean((0, 1))).max() < 0.7
    assert np.abs(matched.astype(int) - morph).mean() < 0.2 * np.abs(tinted.astype(int) - morph).mean()


def test_contrast_follows_within_bounds() -> None:
    morph = enlarge(photo("chelsea"), 160, 120)
    flat = np.full_like(morph, 128) + (morph // 16)
    spread = lab(match_tone(flat, morph))[..., 0].std()
    assert lab(flat)[..., 0].std() < spread < 0.5 * lab(morph)[..., 0].std()


@given(st.integers(0, 255), st.integers(0, 255))
def test_flat_pictures_of_any_tone_are_no_trouble(one: int, other: int) -> None:
    first, second = np.full((16, 16, 3), one, np.uint8), np.full((16, 16, 3), other, np.uint8)
    assert np.abs(match_tone(first, second).astype(int) - second).max() <= 1


def box(inside: int, outside: int) -> Frame:
    picture = np.full((64, 96, 3), outside, np.uint8)
    picture[16:48, 24:72] = inside
    return picture


@pytest.mark.parametrize(("inside", "outside"), [(255, 0), (120, 90), (30, 10)])
def test_the_outline_of_a_box_is_found_at_any_contrast_and_nothing_else(inside: int, outside: int) -> None:
    edges = canny(box(inside, outside))
    assert edges.shape == (64, 96, 3)
    assert set(np.unique(edges)) == {0, 255}
    rows, columns = np.nonzero(edges[..., 0])
    assert (rows.min(), rows.max()) == pytest.approx((15.5, 47.5), abs=1.5)
    assert (columns.min(), columns.max()) == pytest.approx((23.5, 71.5), abs=1.5)
    assert not edges[22:42, 30:66].any()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_or_slightly_noisy_picture_has_no_edges(level: int) -> None:
    noise = np.random.default_rng(0).integers(-2, 3, (64, 64, 3))
    assert not canny(np.clip(level + noise, 0, 255).astype(np.uint8)).any()


def test_a_hazy_photo_keeps_most_of_its_edges() -> None:
    clear = enlarge(photo("astronaut"), 256, 256)
    hazy = (0.3 * clear + 150).astype(np.uint8)
    shared = (canny(clear)[..., 0] > 0) & (cv2.dilate(canny(hazy)[..., 0], np.ones((3, 3))) > 0)
    assert shared.sum() > 0.7 * (canny(clear)[..., 0] > 0).sum()
