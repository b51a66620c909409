"""Fades: exact at their ends, smooth between, and at peace with loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.engines.motion.fade import fade_advice, fade_level, fade_to
from pipeline.motion_plan import MotionPlan
from tests.photos import CHELSEA, photo


def levels(plan: MotionPlan, count: int) -> NDArray[np.float64]:
    return np.array([fade_level(plan, index, count) for index in range(count)])


def test_nothing_fades_unless_asked() -> None:
    assert not levels(MotionPlan(), 30).any()
    assert fade_advice(MotionPlan(fade_in=0.2)) is None
    frame = photo(CHELSEA)
    assert fade_to(frame, "#ff0000", 0.0) is frame


@given(fade_in=st.floats(0.05, 1), fade_out=st.floats(0.05, 1), count=st.integers(2, 200))
def test_both_ends_are_all_colour(fade_in: float, fade_out: float, count: int) -> None:
    fading = levels(MotionPlan(fade_in=fade_in, fade_out=fade_out), count)
    assert fading[0] == fading[-1] == 1
    assert fading.min() >= 0
    assert fading.max() <= 1


def test_a_fade_takes_its_part_of_the_clip_and_is_smooth() -> None:
    fading = levels(MotionPlan(fade_in=0.25), 401)
    assert fading[100:].max() == 0
    assert fading[99] > 0
    assert fading[50] == pytest.approx(0.5)
    assert np.diff(fading).max() <= 0
    assert np.abs(np.diff(fading, 2)).max() < 1e-3


def test_the_colour_is_exact_and_the_middle_is_the_mean() -> None:
    frame = photo(CHELSEA)
    assert (fade_to(frame, "#1080fe", 1.0) == [0x10, 0x80, 0xFE]).all()
    half = fade_to(frame, "#1080fe", 0.5)
    assert np.abs(half - np.add(frame.astype(float), [0x10, 0x80, 0xFE]) / 2).max() <= 0.5


@pytest.mark.parametrize(("fade_in", "fade_out"), [(0.2, 0.0), (0.0, 0.2), (0.2, 0.2)])
def test_a_loop_that_fades_meets_itself_in_the_colour(fade_in: float, fade_out: float) -> None:
    fading = levels(MotionPlan(loop=True, fade_in=fade_in, fade_out=fade_out), 60)
    assert fading[0] == 1
    np.testing.assert_allclose(fading[1:], fading[:0:-1], atol=1e-12)
    assert 0.9 < fading[-1] < 1
    assert (fade_advice(MotionPlan(loop=True, fade_in=fade_in, fade_out=fade_out)) is None) == (fade_in == fade_out)
