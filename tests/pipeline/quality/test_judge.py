"""Which of several films is best, and the verdicts in words."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.quality import describe_quality, score
from tests.photos import ASTRONAUT, COFFEE
from tests.pipeline.quality.films import lit, measured, panning, square

GOOD = {
    "first_frame_psnr": 34.0,
    "first_frame_ssim": 0.95,
    "sharpness": 0.95,
    "sharpness_min": 0.92,
    "motion": 1.5,
    "motion_share": 0.6,
    "frozen": 0.0,
    "flicker": 0.4,
    "colour_drift": 1.0,
    "black_frames": 0.0,
    "constant_frames": 0.0,
}

RANGES = {
    "first_frame_psnr": (0.0, 99.0),
    "first_frame_ssim": (-1.0, 1.0),
    "sharpness": (0.0, 3.0),
    "sharpness_min": (0.0, 3.0),
    "motion": (0.0, 60.0),
    "motion_share": (0.0, 1.0),
    "frozen": (0.0, 1.0),
    "flicker": (0.0, 255.0),
    "colour_drift": (0.0, 120.0),
    "black_frames": (0.0, 100.0),
    "constant_frames": (0.0, 100.0),
}

BETTER_WHEN_SMALL = {"frozen", "flicker", "colour_drift", "black_frames", "constant_frames"}

films = st.fixed_dictionaries({name: st.floats(*bounds) for name, bounds in RANGES.items()})


@given(films, st.sampled_from(sorted(RANGES)), st.floats(0.0, 1.0))
@settings(max_examples=200)
def test_the_score_never_falls_when_one_measure_gets_better(film: dict[str, float], name: str, part: float) -> None:
    low, high = RANGES[name]
    end = low if name in BETTER_WHEN_SMALL else high
    better = film | {name: film[name] + part * (end - film[name])}
    assert score(better) >= score(film) - 1e-12


@pytest.mark.parametrize("name", sorted(RANGES))
def test_every_measure_has_a_say(name: str) -> None:
    low, high = RANGES[name]
    assert score(GOOD | {name: high if name in BETTER_WHEN_SMALL else low}) < score(GOOD) - 0.03


@given(films)
def test_the_score_is_at_most_one_and_finite(film: dict[str, float]) -> None:
    assert math.isfinite(score(film))
    assert score(film) <= 1.0


@given(films, films)
def test_a_film_with_an_empty_frame_comes_after_all_without(one: dict[str, float], other: dict[str, float]) -> None:
    whole = one | {"black_frames": 0.0, "constant_frames": 0.0}
    assert score(other | {"constant_frames": max(other["constant_frames"], 1.0)}) <= score(whole)


def test_measures_that_are_left_out_do_not_count() -> None:
    assert score({}) == 0.0
    assert score({"sharpness": 1.0}) == 1.0


def test_real_films_come_in_the_order_a_viewer_would_choose() -> None:
    good = panning(ASTRONAUT, (1.0, 0.5), (256, 256))
    reference = good[0]
    flickering = [
        np.clip(frame.astype(int) + 12 * (-1) ** index, 0, 255).astype(np.uint8) for index, frame in enumerate(good)
    ]
    foreign = panning(COFFEE, (1.0, 0.5), (256, 256))
    broken = [np.zeros_like(reference) if index == 3 else frame for index, frame in enumerate(good)]
    best = score(measured(good, reference))
    for worse in (flickering, foreign, [reference] * len(good), broken):
        assert score(measured(worse, reference)) < best - 0.03


def test_a_good_film_reads_well() -> None:
    assert describe_quality(GOOD) == [
        ("First frame", "PSNR 34.0 dB, SSIM 0.95", "faithful"),
        ("Motion", "1.5 px per frame, in 60% of the picture", "lively"),
        ("Flicker", "0.4 of 255 levels", "steady"),
        ("Sharpness", "95% of the image's, at least 92%", "sharp"),
        ("Colours", "Delta E 1.0 from beginning to end", "kept"),
        ("Empty frames", "0 black, 0 of one colour", "none"),
    ]


@pytest.mark.parametrize(
    ("label", "change", "verdict"),
    [
        ("First frame", {"first_frame_ssim": 0.3}, "differs from the image"),
        ("First frame", {"first_frame_ssim": 0.6}, "resembles the image"),
        ("Motion", {"motion": 0.1}, "still"),
        ("Motion", {"motion": 0.3}, "little"),
        ("Motion", {"motion": 20.0}, "wild"),
        ("Motion", {"frozen": 0.75}, "frozen: 75% of the frames equal the one before"),
        ("Flicker", {"flicker": 1.0}, "slight"),
        ("Flicker", {"flicker": 9.0}, "strong"),
        ("Sharpness", {"sharpness": 0.8}, "a little softer"),
        ("Sharpness", {"sharpness": 0.4}, "blurred"),
        ("Colours", {"colour_drift": 3.0}, "change a little"),
        ("Colours", {"colour_drift": 12.0}, "change"),
        ("Empty frames", {"black_frames": 1.0, "constant_frames": 2.0}, "some"),
    ],
)
def test_each_verdict_has_its_range(label: str, change: dict[str, float], verdict: str) -> None:
    rows = {row[0]: row[2] for row in describe_quality(GOOD | change)}
    assert rows[label] == verdict


@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_films_of_every_length_are_described(count: int) -> None:
    film = list(lit(square(COFFEE, 64), [0.0] * count))
    labels = [row[0] for row in describe_quality(measured(film))]
    assert labels[0] == "First frame"
    assert ("Motion" in labels) == (count > 1)


def test_nothing_measured_is_nothing_said() -> None:
    assert describe_quality({}) == []
