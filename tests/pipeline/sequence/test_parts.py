"""Stretches in seconds become passes that an engine can make."""

from fractions import Fraction
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines import Capabilities
from pipeline.lengths import frame_counts
from pipeline.resolve import count_from, snap_count
from pipeline.sequence import ENDLESS, Part, split
from pipeline.settings import Segment, make_settings

ANY = Capabilities()
SIXTEEN = Capabilities(min_frames=2, max_frames=16)
EIGHTS = Capabilities(frames_multiple=8, frames_offset=1, min_frames=9, max_frames=49)


def cut(*stretches: float, fps: int = 8, overlap: int = 4, rules: Capabilities = SIXTEEN) -> tuple[Part, ...]:
    segments = [Segment(prompt=str(number), seconds=each) for number, each in enumerate(stretches)]
    longest = ENDLESS if rules == ANY else 16
    return split(segments, Fraction(fps), overlap, longest, partial(count_from, rules=rules))


def test_an_engine_without_a_limit_makes_a_stretch_in_one_go() -> None:
    assert cut(60.0, 3.0, fps=30, rules=ANY) == (Part(0, "0", 1800, 0, 1800), Part(1, "1", 95, 5, 90))


def test_a_long_stretch_takes_several_passes_with_one_prompt() -> None:
    parts = cut(4.0)
    assert [part.num_frames for part in parts] == [16, 16, 10]
    assert [part.fresh for part in parts] == [16, 11, 5]
    assert {part.prompt for part in parts} == {"0"}


def test_what_an_engine_makes_too_many_of_is_not_shown() -> None:
    first, second = cut(1.0, 1.0, rules=EIGHTS, overlap=0)
    assert (first.num_frames, first.shown) == (9, 8)
    assert (second.num_frames, second.lead, second.fresh) == (9, 1, 8)


@given(
    st.lists(st.floats(0.01, 20.0), min_size=1, max_size=6),
    st.integers(1, 60),
    st.integers(0, 32),
    st.sampled_from([ANY, SIXTEEN, EIGHTS, Capabilities(max_frames=2), Capabilities(frames_multiple=4, min_frames=4)]),
)
def test_the_parts_add_up_and_each_can_be_made(
    stretches: list[float], fps: int, overlap: int, rules: Capabilities
) -> None:
    parts = cut(*stretches, fps=fps, overlap=overlap, rules=rules)
    segments = [Segment(seconds=each) for each in stretches]
    assert sum(part.fresh for part in parts) == sum(frame_counts(segments, Fraction(fps)))
    assert abs(sum(frame_counts(segments, Fraction(fps))) - sum(stretches) * fps) <= len(stretches) + 1
    assert all(part.fresh >= 1 and part.shown <= part.num_frames for part in parts)
    assert all(snap_count(part.num_frames, rules) == part.num_frames for part in parts)
    assert [part.segment for part in parts] == sorted(part.segment for part in parts)
    assert parts[0].lead == 0
    for before, after in pairwise(parts):
        assert 1 <= after.lead <= min(overlap + 1, before.shown)


@given(st.integers(1, 500), st.sampled_from([ANY, SIXTEEN, EIGHTS, Capabilities(frames_multiple=4, min_frames=4)]))
def test_the_count_from_a_number_on_is_the_smallest(asked: int, rules: Capabilities) -> None:
    found = count_from(asked, rules)
    assert snap_count(found, rules) == found
    if found >= asked:
        assert not any(snap_count(each, rules) == each for each in range(asked, found))
    else:
        assert found == snap_count(rules.max_frames, rules)


@pytest.mark.parametrize(
    ("text", "prompt", "seconds"),
    [("waves | 4", "waves", 4.0), ("waves", "waves", 3.0), ("a | b | 2.5", "a | b", 2.5), (" |1", "", 1.0)],
)
def test_a_segment_is_read_from_text(text: str, prompt: str, seconds: float) -> None:
    (segment,) = make_settings({"animate": {"segments": [text]}}).animate.segments
    assert (segment.prompt, segment.seconds) == (prompt, seconds)
