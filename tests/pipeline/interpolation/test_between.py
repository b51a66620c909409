"""The frame between two frames: on motion whose middle is known, at borders, and where nothing is shared."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.frames import Frame
from pipeline.interpolation import between, interpolate
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, photo
from tests.pipeline.interpolation.windows import SMALL, assert_motion_is_met, dissolved, psnr, psnr_at_borders, view


@pytest.mark.parametrize("name", [ASTRONAUT, CHELSEA, COFFEE])
@pytest.mark.parametrize("t", [0.25, 0.5, 0.8])
@pytest.mark.parametrize("motion", [(3.0, 0.0, 1.0), (-9.0, 6.0, 1.0), (0.0, 0.0, 0.97)])
def test_known_motion_is_met_far_better_than_by_a_dissolve(
    name: str, t: float, motion: tuple[float, float, float]
) -> None:
    assert_motion_is_met(name, t, motion)


def test_the_borders_are_as_good_as_the_rest() -> None:
    made, plain = psnr_at_borders(ASTRONAUT, (12.0, 8.0), 8)
    assert made > 32.0
    assert plain < 22.0


def test_the_bands_it_is_made_in_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = view(CHELSEA, 0.0), view(COFFEE, 0.0)
    ends[1][:, :200] = view(CHELSEA, 5.0, 3.0)[:, :200]
    in_bands = interpolate(*ends, 0.4)
    monkeypatch.setattr(between, "_BAND", SMALL[1])
    assert (interpolate(*ends, 0.4) == in_bands).all()


def test_motion_that_differs_from_place_to_place_is_followed_to_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def zoomed(scale: float) -> Frame:
        matrix = cv2.getRotationMatrix2D((225.0, 150.0), 0.0, scale)
        return np.asarray(cv2.warpAffine(photo(CHELSEA), matrix, (450, 300), flags=cv2.INTER_CUBIC), np.uint8)

    def made() -> float:
        inside = np.s_[60:-60, 60:-60]
        return psnr(interpolate(zoomed(1.0), zoomed(1.1), 0.5)[inside], zoomed(1.05)[inside])

    followed = made()
    monkeypatch.setattr(between, "ITERATIONS", 0)
    assert followed > made() + 0.4


def test_what_passes_in_front_is_not_smeared_over_what_it_hides() -> None:
    def scene(place: int) -> Frame:
        frame = view(CHELSEA, 0.0)
        frame[80:160, place : place + 80] = view(COFFEE, 0.0)[60:140, 100:180]
        return frame

    made, truth = interpolate(scene(100), scene(116), 0.5), scene(108)
    error = np.abs(made.astype(int) - truth).mean(axis=-1)
    assert error[80:160, 116:180].mean() < 2.0  # the square itself
    assert np.delete(error, np.s_[80:200], axis=1).mean() < 1.0  # what it never touches
    assert error.mean() < np.abs(dissolved(scene(100), scene(116), 0.5).astype(int) - truth).mean() / 3


@pytest.mark.parametrize("t", [0.0, 1.0])
def test_the_ends_are_the_frames_themselves(t: float) -> None:
    ends = view(ASTRONAUT, 0.0), view(ASTRONAUT, 5.0)
    assert interpolate(*ends, t) is ends[int(t)]


@given(st.floats(0.0, 1.0))
@settings(max_examples=10)
def test_between_two_equal_frames_is_the_same_frame(t: float) -> None:
    frame = view(COFFEE, 0.0)
    assert (interpolate(frame, frame.copy(), t) == frame).all()


@pytest.mark.parametrize("t", [0.25, 0.5])
@pytest.mark.parametrize(
    ("first", "second"), [(ASTRONAUT, COFFEE), (CHELSEA, ASTRONAUT), (COFFEE, CHELSEA), (CHELSEA, "mirror image")]
)
def test_unrelated_frames_dissolve(first: str, second: str, t: float) -> None:
    one = view(first, 0.0)
    other = np.ascontiguousarray(one[:, ::-1]) if second == "mirror image" else view(second, 0.0)
    off = np.abs(interpolate(one, other, t).astype(int) - dissolved(one, other, t))
    assert off.max() <= 1


def test_light_that_goes_on_dissolves_without_tearing() -> None:
    dark, bright = (np.asarray(cv2.convertScaleAbs(view(ASTRONAUT, 0.0), alpha=a), np.uint8) for a in (0.4, 1.0))
    assert psnr(interpolate(dark, bright, 0.5), dissolved(dark, bright, 0.5)) > 30.0


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.0, 1.0), st.integers(0, 2**16))
@settings(max_examples=40)
def test_every_size_works_and_no_colour_leaves_the_range_of_its_ends(
    width: int, height: int, t: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    ends = [np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8) for _ in range(2)]
    made = interpolate(ends[0], ends[1], t)
    assert (made.shape, made.dtype) == ((height, width, 3), np.dtype(np.uint8))
    assert (made >= np.minimum(*ends)).all()
    assert (made <= np.maximum(*ends)).all()


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**16))
@settings(max_examples=25)
def test_noise_of_any_size_works(width: int, height: int, seed: int) -> None:
    ends = np.random.default_rng(seed).integers(0, 256, (2, height, width, 3), np.uint8)
    assert interpolate(ends[0], ends[1], 0.5).shape == (height, width, 3)


def test_the_other_way_round_is_the_same_film_backwards() -> None:
    ends = view(CHELSEA, 0.0), view(CHELSEA, 4.0, -3.0)
    forwards, backwards = interpolate(*ends, 0.3), interpolate(*ends[::-1], 0.7)
    assert psnr(forwards, backwards) > 50.0


@pytest.mark.parametrize("t", [-0.1, 1.01, float("nan")])
def test_a_time_outside_is_refused(t: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        interpolate(view(COFFEE, 0.0), view(COFFEE, 1.0), t)


def test_frames_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="frames of one size"):
        interpolate(view(COFFEE, 0.0), photo(COFFEE), 0.5)
