"""Flicker and drift of known truth are taken out; steady films, fades, lamps and cuts stay."""

from collections.abc import Generator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.enhancement.steady import steadied
from pipeline.enhancement.tone_path import REACH, Wishes
from pipeline.frames import Frame
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, photo
from tests.pipeline.enhancement.films import SIZE, corrected, levels, light_error, lit, pan

NAMES = [ASTRONAUT, CHELSEA, COFFEE]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("speed", [0.0, 1.5])
def test_flicker_of_brightness_and_tint_goes_from_still_and_moving_pictures(name: str, speed: float) -> None:
    truth = lit(pan(name, 40, speed), lambda _: (0.85,))
    rng = np.random.default_rng(4)
    factors = rng.uniform(0.93, 1.07, (40, 1)) * rng.uniform(0.98, 1.02, (40, 3))
    flickering = lit(truth, lambda k: tuple(factors[k]))
    made = corrected(flickering, deflicker=1.0)
    jitter = [np.abs(np.diff(levels(film) - levels(truth), axis=0)).mean() for film in (flickering, made)]
    assert jitter[1] < 0.2 * jitter[0]
    assert light_error(made, truth) < 0.6 * light_error(flickering, truth)


def test_half_the_strength_takes_out_about_half() -> None:
    truth = pan(COFFEE, 24)
    flickering = lit(truth, lambda k: (0.94 if k % 2 else 0.86,))
    jitter = [
        float(np.abs(np.diff(levels(corrected(flickering, deflicker=amount)), axis=0)).mean())
        for amount in (0.0, 0.5, 1.0)
    ]
    assert 0.35 * jitter[0] < jitter[1] < 0.65 * jitter[0]
    assert jitter[2] < 0.2 * jitter[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("speed", [0.0, 2.0])
def test_a_steady_film_stays_byte_for_byte(name: str, speed: float) -> None:
    film = pan(name, 30, speed)
    assert all(a is b for a, b in zip(corrected(film, deflicker=1.0), film, strict=True))


def test_grain_stays_as_it_is() -> None:
    rng = np.random.default_rng(1)
    film = [np.clip(f + rng.normal(0, 3, f.shape), 0, 255).astype(np.uint8) for f in pan(CHELSEA, 30, 0.0)]
    assert all(a is b for a, b in zip(corrected(film, 1.0, 1.0), film, strict=True))


@pytest.mark.parametrize("colour", [0.0, 1.0])
def test_a_fade_to_black_keeps_its_course(colour: float) -> None:
    fade = lit(pan(CHELSEA, 31), lambda k: (1.0 - k / 30,))
    assert np.abs(levels(corrected(fade, 1.0, colour)) - levels(fade)).max() < 2.5


def test_a_lamp_that_is_switched_off_goes_off_at_once() -> None:
    film = lit(pan(CHELSEA, 40), lambda k: (1.0 if k < 20 else 0.6,))
    assert np.abs(levels(corrected(film, 1.0, 1.0)) - levels(film)).max() < 2.5


def test_a_white_bird_that_flies_in_is_no_light() -> None:
    film = pan(ASTRONAUT, 40, 0.0)
    for index, frame in enumerate(film):
        frame[40:120, max(0, 230 - 6 * index) : max(0, 330 - 6 * index)] = 245
    assert np.abs(levels(corrected(film, 1.0, 1.0)) - levels(film)).max() < 1.0


@pytest.mark.parametrize("name", NAMES)
def test_a_slow_drift_is_led_back_to_the_first_frame_without_jumps(name: str) -> None:
    truth = lit(pan(name, 72, 0.4), lambda _: (0.8,))
    drift = lit(truth, lambda k: (1.0 + 0.12 * k / 71, 1.0, 1.0 - 0.1 * k / 71))
    made = corrected(drift, colour=1.0)
    assert light_error(made[-10:], truth[-10:]) < 0.35 * light_error(drift[-10:], truth[-10:])
    assert np.abs(np.diff(levels(made) - levels(truth), axis=0)).max() < 1.0
    assert np.abs(levels(made) - levels(truth))[0].max() < 1.0


def test_each_shot_is_corrected_towards_its_own_first_frame() -> None:
    shots = [pan(CHELSEA, 20, 0.0), pan(COFFEE, 20, 0.0), pan(ASTRONAUT, 20, 0.0)]
    film = [frame for shot in shots for frame in shot]
    assert all(a is b for a, b in zip(corrected(film, 1.0, 1.0), film, strict=True))


def test_flicker_before_a_cut_does_not_reach_over_it() -> None:
    first = lit(pan(CHELSEA, 20, 0.0), lambda k: (0.95 if k % 2 else 0.85,))
    second = pan(COFFEE, 20, 0.0)
    made = corrected(first + second, 1.0)
    assert all(a is b for a, b in zip(made[20:], second, strict=True))
    assert np.abs(np.diff(levels(made[:20]), axis=0)).mean() < 0.3 * np.abs(np.diff(levels(first), axis=0)).mean()


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 30), st.integers(0, 2**16))
@settings(max_examples=25)
def test_films_of_any_size_and_length_come_out_whole(width: int, height: int, count: int, seed: int) -> None:
    film = list(np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8))
    made = corrected(film, 1.0, 1.0)
    assert [frame.shape for frame in made] == [frame.shape for frame in film]


@given(st.lists(st.integers(0, 255), min_size=1, max_size=30))
@settings(max_examples=25)
def test_constant_frames_of_any_level_stay_constant(values: list[int]) -> None:
    film = [np.full((20, 30, 3), value, np.uint8) for value in values]
    assert all(np.ptp(frame) == 0 for frame in corrected(film, 1.0, 1.0))


def test_one_frame_is_passed_on() -> None:
    frame = photo(CHELSEA)
    assert corrected([frame], 1.0, 1.0)[0] is frame


def test_a_long_film_is_never_held_as_a_whole() -> None:
    read = 0

    def source() -> Generator[Frame]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield np.zeros((*SIZE, 3), np.uint8)

    for index, _ in enumerate(steadied(source(), 24.0, Wishes(1.0, 1.0))):
        assert read <= index + REACH + 1


def test_closing_it_early_closes_its_source() -> None:
    closed = []

    def source() -> Generator[Frame]:
        try:
            for _ in range(50):
                yield photo(CHELSEA)
        finally:
            closed.append(True)

    made = steadied(source(), 24.0, Wishes(1.0, 0.0))
    next(made)
    made.close()
    assert closed == [True]
