"""When frames are: from end to end, never back, at rest for as long as was asked for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.choices import Curve
from pipeline.morphing.timing import LONGEST_HOLD, positions

counts = st.integers(2, 400)
curves = st.sampled_from(Curve)
holds = st.floats(0.0, LONGEST_HOLD)


@given(counts, curves, holds)
def test_times_lead_from_end_to_end_and_never_back(count: int, curve: Curve, hold: float) -> None:
    times = positions(count, curve, hold)
    assert len(times) == count
    assert (times[0], times[-1]) == (0.0, 1.0)
    assert all(before <= after for before, after in pairwise(times))


@given(counts, curves, holds)
def test_each_end_rests_for_its_share(count: int, curve: Curve, hold: float) -> None:
    for index, time in enumerate(positions(count, curve, hold)):
        passed = index / (count - 1)
        if passed < hold - 1e-9:
            assert time == 0.0
        if passed > 1.0 - hold + 1e-9:
            assert time == pytest.approx(1.0, abs=1e-12)


@given(counts, st.sampled_from([Curve.LINEAR, Curve.EASE]), holds)
def test_even_curves_are_the_same_backwards(count: int, curve: Curve, hold: float) -> None:
    times = positions(count, curve, hold)
    assert [1.0 - time for time in reversed(times)] == pytest.approx(times, abs=1e-9)


def test_a_curve_begins_and_ends_as_slowly_as_its_name_says() -> None:
    def speeds(curve: Curve) -> tuple[float, float]:
        times = positions(101, curve, 0.0)
        return times[1] - times[0], times[-1] - times[-2]

    assert speeds(Curve.LINEAR) == pytest.approx((0.01, 0.01))
    assert max(speeds(Curve.EASE)) < 0.001
    slow, fast = speeds(Curve.EASE_IN)
    assert slow < 0.001
    assert fast == pytest.approx(0.02, abs=0.001)
    assert speeds(Curve.EASE_OUT) == pytest.approx((fast, slow))


@pytest.mark.parametrize(("count", "hold"), [(1, 0.0), (0, 0.0), (10, -0.1), (10, 0.5), (10, float("nan"))])
def test_what_cannot_be_timed_is_refused(count: int, hold: float) -> None:
    with pytest.raises(ValueError, match=r"two frames or more|may rest for"):
        positions(count, Curve.LINEAR, hold)
