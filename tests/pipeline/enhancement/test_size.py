"""The size that frames are enlarged to."""

from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.enhance_settings import MAX_SIDE, EnhanceSettings
from pipeline.enhancement import enlarged_size

SIDES = st.integers(16, MAX_SIDE)


@given(SIDES, SIDES)
def test_nothing_asked_for_changes_nothing(width: int, height: int) -> None:
    assert enlarged_size(EnhanceSettings(), width, height) == (width, height)


@given(SIDES, SIDES, st.floats(1.0, 8.0), st.sampled_from([1, 2, 4]))
def test_the_aspect_is_kept_and_sides_are_multiples_within_bounds(
    width: int, height: int, scale: float, multiple: int
) -> None:
    assume(scale > 1.0)
    made = enlarged_size(EnhanceSettings(scale=scale), width, height, multiple)
    factor = min(scale, MAX_SIDE / max(width, height))
    assume(factor > 1.0)
    for side, own in zip(made, (width, height), strict=True):
        assert side % multiple == 0
        assert side <= MAX_SIDE
        assert abs(side - own * factor) <= multiple / 2


@given(SIDES, SIDES)
def test_a_width_decides_the_height(width: int, height: int) -> None:
    made = enlarged_size(EnhanceSettings(width=1920, scale=3.0), width, height)
    assert made[0] == 1920 or made[1] == MAX_SIDE


def test_width_and_height_together_are_bounds_that_nothing_is_stretched_to() -> None:
    assert enlarged_size(EnhanceSettings(width=1920, height=1080), 640, 480) == (1440, 1080)
    assert enlarged_size(EnhanceSettings(width=1920, height=1080), 640, 360) == (1920, 1080)
    assert enlarged_size(EnhanceSettings(width=1000, height=4000), 640, 480) == (1000, 750)


def test_a_video_as_large_as_can_be_stays() -> None:
    assert enlarged_size(EnhanceSettings(scale=2.0), MAX_SIDE, 2160) == (MAX_SIDE, 2160)
