"""The aligner against known truth, and its refusals."""

import threading

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.alignment import Alignment, align, draw_matches
from pipeline.errors import Cancelled
from pipeline.frames import Frame
from pipeline.optical_flow import luma
from pipeline.transition_settings import AlignSettings
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, ROCKET, photo
from tests.warps import corner_error, transfer, warped

QUICK = AlignSettings(seconds=2.0)
FIRST_TRY = AlignSettings(second_try=False)


def error(found: Alignment, truth: NDArray[np.float64], image: Frame) -> float:
    assert found.homography is not None, found.reason
    return corner_error(found.homography, truth, image.shape[1], image.shape[0])


@pytest.mark.parametrize("name", [ASTRONAUT, COFFEE, CHELSEA])
def test_synthetic_views_are_found_within_a_pixel(name: str) -> None:
    image, rng = photo(name), np.random.default_rng(7)
    errors: list[float] = []
    while len(errors) < 6:
        view = warped(image, rng)
        if view.overlap > 0.4:
            errors.append(error(align(image, view.image, QUICK), view.homography, image))
    assert sorted(errors)[-2] < 1.0  # one of six may be a hard one
    assert max(errors) < 6.0


def test_a_view_from_far_aside_takes_the_second_try() -> None:
    image = photo(COFFEE)
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    aside = np.array([[250, 60], [350, 180], [350, 320], [250, 400]], np.float32)
    truth = np.asarray(cv2.getPerspectiveTransform(corners, aside), np.float64)
    view = np.asarray(cv2.warpPerspective(image, truth, (width, height), flags=cv2.INTER_AREA), np.uint8)
    assert align(image, view, FIRST_TRY).status == "refused"
    found = align(image, view, AlignSettings(seconds=60.0))
    assert (found.status, found.method) == ("aligned", "affine-sift")
    assert error(found, truth, image) < 3.0


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_images_are_aligned(turns: int) -> None:
    image = photo(ASTRONAUT)
    found = align(image, np.ascontiguousarray(np.rot90(image, turns)), QUICK)
    assert found.status == "aligned"
    assert found.overlap == pytest.approx(1.0, abs=0.05)
    assert found.homography is not None
    middle = np.array([[255.5, 255.5]])
    assert transfer(middle, found.homography) == pytest.approx(middle, abs=0.3)


def test_the_same_image_is_aligned_by_identity() -> None:
    image = photo(CHELSEA)
    found = align(image, image.copy(), QUICK)
    assert (found.status, found.method, found.overlap) == ("aligned", "identical", 1.0)
    assert error(found, np.eye(3), image) == 0.0


def test_other_light_noise_and_a_grey_copy_are_still_the_same_scene() -> None:
    image = photo(ASTRONAUT)
    grey = np.repeat(luma(image)[..., None], 3, axis=2)
    dark = np.clip(image * 0.5 + np.random.default_rng(1).normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    for other in (grey, dark):
        assert error(align(image, other, QUICK), np.eye(3), image) < 0.5


def test_images_of_different_sizes_are_aligned_in_their_own_pixels() -> None:
    image = photo(ASTRONAUT)
    small = np.asarray(cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA), np.uint8)
    large = np.asarray(cv2.resize(image, (3000, 3000), interpolation=cv2.INTER_CUBIC), np.uint8)
    found = align(small, large, QUICK)
    zoom = 3000 / 128
    truth = np.array([[zoom, 0, (zoom - 1) / 2], [0, zoom, (zoom - 1) / 2], [0, 0, 1]])
    assert error(found, truth, small) < zoom


def test_a_mirrored_image_is_refused_and_called_so() -> None:
    image = photo(ASTRONAUT)
    found = align(image, np.ascontiguousarray(image[:, ::-1]), FIRST_TRY)
    assert found.status == "refused"
    assert found.reason == "One image is the mirror image of the other, which no camera sees."


@pytest.mark.parametrize(
    ("first", "second"), [(ASTRONAUT, COFFEE), (COFFEE, CHELSEA), (CHELSEA, ROCKET), (ROCKET, ASTRONAUT)]
)
def test_unrelated_photos_are_refused(first: str, second: str) -> None:
    found = align(photo(first), photo(second), QUICK)
    assert found.status == "refused"
    assert found.homography is None
    assert found.reason.endswith(".")


def checkerboard(side: int = 40) -> Frame:
    y, x = np.mgrid[0:480, 0:640]
    return np.repeat((((x // side + y // side) % 2) * 200 + 20).astype(np.uint8)[..., None], 3, axis=2)


def bricks(shift: int) -> Frame:
    y, x = np.mgrid[0:480, 0:640]
    row = y // 24
    mortar = (y % 24 < 3) | ((x + shift + row % 2 * 32) % 64 < 3)
    wall = np.where(mortar[..., None], (200, 200, 200), (150, 60, 40)).astype(np.float64)
    return np.clip(wall + np.random.default_rng(shift).normal(0, 6, wall.shape), 0, 255).astype(np.uint8)


def noise(seed: int) -> Frame:
    return np.random.default_rng(seed).integers(0, 256, (300, 400, 3), np.uint8)


HOPELESS: dict[str, tuple[Frame, Frame]] = {
    "blank": (np.full((300, 400, 3), 128, np.uint8), photo(COFFEE)),
    "both blank": (np.full((300, 400, 3), 128, np.uint8), np.full((300, 400, 3), 60, np.uint8)),
    "noise": (noise(1), noise(2)),
    "tiny": (np.zeros((16, 16, 3), np.uint8), photo(COFFEE)),
    "a pixel wide": (photo(COFFEE)[:, :1].copy(), photo(COFFEE)),
    "checkerboards": (checkerboard(), np.ascontiguousarray(np.roll(checkerboard(), 20, axis=1))),
    "a gradient": (
        np.repeat(np.tile(np.linspace(0, 255, 400).astype(np.uint8), (300, 1))[..., None], 3, axis=2),
        photo(COFFEE),
    ),
}


@pytest.mark.parametrize("pair", HOPELESS.values(), ids=HOPELESS.keys())
def test_what_cannot_be_aligned_is_refused_with_a_reason(pair: tuple[Frame, Frame]) -> None:
    found = align(*pair, QUICK)
    assert found.status == "refused"
    assert found.homography is None
    assert found.reason.endswith(".")
    draw_matches(*pair, found)


def test_a_wall_of_bricks_is_never_a_wild_guess() -> None:
    found = align(bricks(0), bricks(20), QUICK)
    if found.homography is not None:  # a shift by whole bricks is as right as any
        corners = transfer(np.array([[0.0, 0.0], [639.0, 479.0]]), found.homography)
        assert np.linalg.norm(corners[1] - corners[0]) == pytest.approx(np.hypot(639, 479), rel=0.02)


def test_the_answer_is_the_same_each_time_and_in_each_thread() -> None:
    image = photo(COFFEE)
    view = warped(image, np.random.default_rng(3)).image
    answers: list[Alignment] = []
    threads = [threading.Thread(target=lambda: answers.append(align(image, view, FIRST_TRY))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    homographies = [answer.homography for answer in answers if answer.homography is not None]
    assert len(homographies) == 3
    assert all(np.array_equal(homographies[0], other) for other in homographies[1:])


def test_stop_is_heard_between_the_steps() -> None:
    def check() -> None:
        raise Cancelled("The run was stopped.")

    with pytest.raises(Cancelled):
        align(photo(COFFEE), photo(CHELSEA), QUICK, check)


def test_the_crop_is_seen_by_both() -> None:
    image = photo(ASTRONAUT)
    truth = np.array([[1.0, 0, -120], [0, 1.0, 0], [0, 0, 1]])
    found = align(image, np.asarray(cv2.warpPerspective(image, truth, (512, 512)), np.uint8), QUICK)
    assert found.crop is not None
    assert found.homography is not None
    left, top, right, bottom = found.crop
    assert (right - left) / (bottom - top) == pytest.approx(1.0, rel=0.01)
    assert right - left > 300
    there = transfer(np.array([[left, top], [right, bottom]]), found.homography)
    assert (there > -25).all()
    assert (there < 537).all()


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**31))
@settings(max_examples=15)
def test_small_pictures_of_any_shape_get_an_answer(width: int, height: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pair = [rng.integers(0, 256, (height, width, 3), np.uint8) for _ in range(2)]
    found = align(pair[0], pair[1], AlignSettings(second_try=False))
    assert (found.status == "aligned") == (found.homography is not None)


def test_the_picture_shows_matches_that_agree_and_those_that_do_not() -> None:
    image = photo(COFFEE)
    view = warped(image, np.random.default_rng(11)).image
    found = align(image, view, FIRST_TRY)
    picture = draw_matches(image, view, found)
    assert picture.shape[0] == 640
    assert picture.dtype == np.uint8
    plain = draw_matches(image, view, align(image, np.zeros_like(view), FIRST_TRY))
    assert (picture != plain).mean() > 0.005
