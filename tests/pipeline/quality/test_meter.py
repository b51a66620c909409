"""The meter on films whose truth is known: each number measures what it says, and nothing else moves it."""

import math
from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.frames import Frame
from pipeline.quality import QualityMeter
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, ROCKET, photo
from tests.pipeline.quality.films import lit, measured, panning, square


@pytest.mark.parametrize("name", [ASTRONAUT, COFFEE, CHELSEA, ROCKET])
@pytest.mark.parametrize("step", [(0.5, 0.0), (1.0, 0.0), (-3.0, 2.0), (4.0, 8.0)])
def test_a_known_motion_is_measured_within_ten_percent(name: str, step: tuple[float, float]) -> None:
    found = measured(panning(name, step, (240, 160)))
    assert found["motion"] == pytest.approx(math.hypot(*step), rel=0.1)
    assert found["motion_share"] > 0.95
    assert found["frozen"] == 0.0


@pytest.mark.parametrize("scale", [1.0, 2.5, 4.0])
def test_motion_is_in_pixels_of_the_film_itself(scale: float) -> None:
    size = round(320 * scale), round(240 * scale)
    frames = [cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in panning(COFFEE, (2.0, 0.0), count=5)]
    assert measured([np.asarray(frame, np.uint8) for frame in frames])["motion"] == pytest.approx(2.0 * scale, rel=0.1)


def test_the_share_that_moves_is_measured() -> None:
    moving = panning(ASTRONAUT, (2.0, 0.0), (256, 256))
    frames = [np.concatenate([frame[:, :128], moving[0][:, 128:]], axis=1) for frame in moving]
    assert measured(frames)["motion_share"] == pytest.approx(0.5, abs=0.06)


def test_a_still_is_frozen() -> None:
    found = measured([photo(CHELSEA)] * 8)
    assert (found["frozen"], found["motion"], found["motion_share"], found["flicker"]) == (1.0, 0.0, 0.0, 0.0)
    assert (found["first_frame_psnr"], found["first_frame_ssim"]) == (99.0, 1.0)
    assert (found["sharpness"], found["sharpness_min"], found["colour_drift"]) == (1.0, 1.0, 0.0)


@given(st.lists(st.booleans(), min_size=1, max_size=30))
@settings(max_examples=25)
def test_frozen_is_the_share_of_frames_that_equal_the_one_before(moves: list[bool]) -> None:
    steps = panning(ASTRONAUT, (1.0, 0.0), (64, 48), count=2)
    place, frames = 0, [steps[0]]
    for move in moves:
        place ^= move
        frames.append(steps[place])
    assert measured(frames)["frozen"] == pytest.approx(1 - sum(moves) / len(moves), abs=1e-4)


@pytest.mark.parametrize("size", [(640, 426), (1920, 1080)])
def test_a_few_twinkling_stars_are_not_frozen(size: tuple[int, int]) -> None:
    night = np.full((size[1], size[0], 3), 8, np.uint8)
    rng = np.random.default_rng(2)
    places = list(zip(rng.integers(5, size[0] - 5, 40), rng.integers(5, size[1] - 5, 40), strict=True))

    def moment(index: int) -> Frame:
        frame = night.copy()
        for number, (x, y) in enumerate(places):
            level = 150 + 40 * math.sin(index + number)
            radius = size[1] // 400 + 1
            cv2.circle(frame, (int(x), int(y)), radius, (level, level, level), -1)
        return frame

    assert measured([moment(index) for index in range(6)])["frozen"] == 0.0


def test_what_an_autoencoder_leaves_of_a_still_is_frozen_too() -> None:
    rng = np.random.default_rng(5)
    still = square(COFFEE).astype(int)
    frames = [np.clip(still + rng.integers(-1, 2, still.shape), 0, 255).astype(np.uint8) for _ in range(6)]
    found = measured(frames)
    assert found["frozen"] == 1.0
    assert found["motion"] < 0.15


@pytest.mark.parametrize("amplitude", [1, 2, 5, 10, 30])
def test_added_flicker_is_measured_in_levels(amplitude: int) -> None:
    levels = [amplitude * (index % 2) for index in range(12)]
    assert measured(list(lit(square(CHELSEA), levels)))["flicker"] == pytest.approx(amplitude, rel=0.05, abs=0.05)


def test_a_slow_fade_and_a_pan_are_no_flicker() -> None:
    fading = measured(list(lit(square(CHELSEA), [3.0 * index - 15 for index in range(12)])))
    assert fading["flicker"] < 0.5
    assert measured(panning(ASTRONAUT, (3.0, 1.0)))["flicker"] < 0.2


@pytest.mark.parametrize("name", [ASTRONAUT, COFFEE])
def test_blur_lowers_sharpness_and_nothing_else_than_fidelity(name: str) -> None:
    clear = panning(name, (1.0, 0.0))
    found = [
        measured([np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), np.uint8) for frame in clear], clear[0])
        for sigma in (0.6, 1.0, 2.0, 4.0)
    ]
    for sharper, softer in pairwise(found):
        assert softer["sharpness"] < sharper["sharpness"] - 0.05
        assert softer["first_frame_psnr"] < sharper["first_frame_psnr"]
        assert softer["first_frame_ssim"] < sharper["first_frame_ssim"]
        assert softer["motion"] == pytest.approx(1.0, rel=0.1)


def test_one_soft_frame_shows_in_the_least_sharpness_only() -> None:
    frames = [photo(CHELSEA)] * 9
    frames[4] = np.asarray(cv2.GaussianBlur(frames[4], (0, 0), 3.0), np.uint8)
    found = measured(frames)
    assert found["sharpness"] == 1.0
    assert found["sharpness_min"] < 0.5


@pytest.mark.parametrize("delta", [2.0, 6.0, 15.0])
def test_a_shift_of_colour_is_measured_as_delta_e(delta: float) -> None:
    muted = (square(CHELSEA) * 0.6 + 50.0).astype(np.float32) / np.float32(255)
    lab = np.asarray(cv2.cvtColor(muted, cv2.COLOR_RGB2LAB), np.float32)

    def shifted(by: float) -> Frame:
        changed = cv2.cvtColor(lab + np.array([0.0, 0.0, by], np.float32), cv2.COLOR_LAB2RGB)
        return np.asarray(np.clip(np.rint(changed * 255), 0, 255), np.uint8)

    # An even shift over 12 frames: the mean of the first four and of the last four are 8/11 of it apart.
    found = measured([shifted(delta * index / 11) for index in range(12)])
    assert found["colour_drift"] == pytest.approx(delta * 8 / 11, rel=0.1, abs=0.1)


@given(st.lists(st.sampled_from(["photo", "black", "white"]), min_size=1, max_size=40))
@settings(max_examples=25)
def test_empty_frames_are_counted_wherever_they_stand(kinds: list[str]) -> None:
    pictures = {
        "photo": square(COFFEE, 64),
        "black": np.zeros((64, 64, 3), np.uint8),
        "white": np.full((64, 64, 3), (255, 254, 250), np.uint8),
    }
    found = measured([pictures[kind] for kind in kinds], pictures["photo"])
    assert found["black_frames"] == kinds.count("black")
    assert found["constant_frames"] == kinds.count("black") + kinds.count("white")
    assert all(math.isfinite(value) for value in found.values())


def test_a_dark_night_with_a_few_lights_is_neither_black_nor_plain() -> None:
    night = np.full((128, 128, 3), 4, np.uint8)
    night[60:66, 60:66] = 180
    found = measured([night] * 3)
    assert (found["black_frames"], found["constant_frames"]) == (0.0, 0.0)


def test_noise_instead_of_a_film_is_unlike_the_input_and_flickers() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 256, 256, 3), np.uint8)
    found = measured(list(noise), square(ASTRONAUT))
    assert found["first_frame_ssim"] < 0.1
    assert found["first_frame_psnr"] < 12.0
    assert found["sharpness"] > 1.5
    assert found["flicker"] > 2.0


@pytest.mark.parametrize(
    ("count", "left_out"),
    [
        (1, {"motion", "motion_share", "frozen", "flicker", "colour_drift"}),
        (2, {"flicker", "colour_drift"}),
        (3, set()),
    ],
)
def test_what_so_few_frames_do_not_have_is_left_out(count: int, left_out: set[str]) -> None:
    whole = measured(panning(COFFEE, (1.0, 0.0), count=6))
    assert whole.keys() - measured(panning(COFFEE, (1.0, 0.0), count=count)).keys() == left_out


def test_a_film_that_never_began_has_no_measures() -> None:
    assert QualityMeter(photo(COFFEE), 16).result() == {}


@given(st.integers(16, 40), st.integers(16, 300), st.integers(1, 5))
@settings(max_examples=15)
def test_narrow_and_odd_sizes_are_measured(short: int, long: int, count: int) -> None:
    for shape in ((short, long, 3), (long, short, 3)):
        frames = np.random.default_rng(short).integers(0, 256, (count, *shape), np.uint8)
        assert all(math.isfinite(value) for value in measured(list(frames)).values())


def test_frames_pass_one_by_one_and_unaltered() -> None:
    given_frames = panning(CHELSEA, (1.0, 0.0), (64, 48), 5)
    copies = [frame.copy() for frame in given_frames]
    made: list[int] = []

    def source() -> Iterator[Frame]:
        for index, frame in enumerate(given_frames):
            made.append(index)
            yield frame

    for index, frame in enumerate(QualityMeter(given_frames[0], 5).watch(source())):
        assert frame is given_frames[index]
        assert (frame == copies[index]).all()
        assert made == list(range(index + 1))


def test_closing_it_early_closes_the_film_at_once() -> None:
    film = (frame for frame in panning(CHELSEA, (1.0, 0.0), (64, 48), 5))
    watched = QualityMeter(square(COFFEE, 48), 5).watch(film)
    with pytest.raises(ValueError, match="among frames of shape"):
        next(watched)
    assert next(film, None) is None


def test_the_work_does_not_grow_with_the_length(monkeypatch: pytest.MonkeyPatch) -> None:
    flows = 0

    def counted(*pictures: Frame) -> Frame:
        nonlocal flows
        flows += 1
        return np.zeros((*pictures[0].shape, 2), np.float32)

    monkeypatch.setattr("pipeline.quality.meter.dense_flow", counted)
    frame = square(COFFEE, 32)
    measured([frame] * 3000)
    assert flows == 16


def test_a_frame_of_another_size_is_refused() -> None:
    meter = QualityMeter(photo(COFFEE), 2)
    with pytest.raises(ValueError, match="among frames of shape"):
        next(meter.watch(iter([square(COFFEE)])))
