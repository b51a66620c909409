import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines.stable_diffusion.schedule import (
    LARGEST,
    LEAST_SIDE,
    LEAST_STEPS,
    LEAST_STRENGTH,
    SMALLEST,
    STEP,
    Words,
    strength_at,
    total_steps,
    words_at,
    working_size,
)

TIMES = st.floats(0.0, 1.0)
PROMPTS = st.lists(st.text(max_size=5), min_size=1, max_size=40, unique=True)


@given(TIMES, st.floats(0.0, 1.0))
def test_strength_is_the_same_from_both_sides_and_never_more_than_in_the_middle(time: float, strongest: float) -> None:
    strength = strength_at(time, strongest)
    assert 0.0 <= strength <= strongest == strength_at(0.5, strongest)
    assert strength == pytest.approx(strength_at(1.0 - time, strongest), abs=1e-12)


@given(TIMES, TIMES)
def test_strength_rises_to_the_middle_and_falls_again(one: float, other: float) -> None:
    nearer, farther = sorted((one, other), key=lambda time: abs(time - 0.5))
    assert strength_at(nearer, 0.7) >= strength_at(farther, 0.7) - 1e-12


def test_nothing_is_painted_over_the_ends() -> None:
    assert strength_at(0.0, 1.0) == strength_at(1.0, 1.0) == 0.0


@given(st.floats(LEAST_STRENGTH, 1.0), st.integers(1, 200))
def test_a_weak_strength_is_given_steps_enough_and_a_strong_one_those_asked_for(strength: float, steps: int) -> None:
    total = total_steps(strength, steps)
    run = int(total * strength)  # as diffusers counts them
    assert run >= min(LEAST_STEPS, steps)
    assert run <= max(steps * strength, min(LEAST_STEPS, steps) + 1)
    assert steps <= total <= 1000
    if int(steps * strength) >= LEAST_STEPS:
        assert total == steps


@given(PROMPTS, st.integers(1, 32))
def test_prompts_follow_each_other_along_the_key_frames(prompts: list[str], count: int) -> None:
    found = [words_at(number, count, prompts) for number in range(count)]
    places = [prompts.index(words.first) + words.share for words in found]
    assert all(0.0 <= words.share < 1.0 for words in found)
    assert places == sorted(places)
    assert places[0] + places[-1] == pytest.approx(len(prompts) - 1)
    if count > 1:
        assert (places[0], places[-1]) == (0.0, len(prompts) - 1)


@given(PROMPTS)
def test_as_many_prompts_as_key_frames_give_each_its_own(prompts: list[str]) -> None:
    found = [words_at(number, len(prompts), prompts) for number in range(len(prompts))]
    assert [words.nearest for words in found] == prompts
    assert {words.share for words in found} == {0.0}


def test_a_key_frame_between_two_prompts_is_called_by_the_nearer_one() -> None:
    assert [words_at(number, 4, ["a", "b"]).nearest for number in range(4)] == ["a", "a", "b", "b"]


def test_no_prompts_are_an_empty_one() -> None:
    assert words_at(0, 1, []) == words_at(4, 9, ()) == Words("", "", 0.0)


@given(st.integers(16, 8000), st.integers(16, 8000), st.sampled_from([512, 768, 1024]))
def test_the_size_worked_at_keeps_the_shape_near_what_the_model_knows(width: int, height: int, native: int) -> None:
    size = working_size(width, height, native)
    assert all(side % STEP == 0 and side >= LEAST_SIDE for side in size)
    if max(width, height) < 4 * min(width, height):
        assert 0.9 * SMALLEST * native**2 < math.prod(size) < 1.1 * LARGEST * native**2
        assert size[0] / size[1] == pytest.approx(width / height, rel=0.05)


@pytest.mark.parametrize(
    ("video", "native", "worked_at"),
    [
        ((512, 512), 512, (512, 512)),
        ((768, 512), 512, (768, 512)),
        ((1280, 720), 1024, (1280, 720)),
        ((1280, 720), 512, (840, 472)),
        ((256, 256), 512, (440, 440)),
        ((500, 540), 512, (496, 544)),
    ],
)
def test_a_size_that_suits_is_kept_but_for_its_multiple(
    video: tuple[int, int], native: int, worked_at: tuple[int, int]
) -> None:
    assert working_size(*video, native) == worked_at
