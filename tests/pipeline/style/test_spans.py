"""A film is cut into spans that cover it, at key frames near enough to each other, and never across a cut."""

from itertools import pairwise

import numpy as np
from hypothesis import given, strategies

from pipeline.style.spans import Given, Span, spans

PICTURE = np.zeros((1, 1, 3), np.uint8)


def cut_up(shots: list[int], every: int) -> list[Span]:
    """The spans of a film with shots of so many frames."""
    starts = {sum(shots[:number]) for number in range(1, len(shots))}
    return list(spans((Given(PICTURE, PICTURE, number in starts) for number in range(sum(shots))), every))


@given(strategies.lists(strategies.integers(1, 12), max_size=4), strategies.integers(1, 6))
def test_every_frame_is_in_a_span_of_its_own_shot(shots: list[int], every: int) -> None:
    found = cut_up(shots, every)
    fresh = [number for span in found for number in range(span.number + span.goes_on, span.last + 1)]
    assert fresh == list(range(sum(shots)))
    ends = np.cumsum(shots)
    shot_of = [int(np.searchsorted(ends, number, side="right")) for number in range(sum(shots))]
    assert all(shot_of[span.number] == shot_of[span.last] for span in found)
    assert all(len(span.given) <= every + 1 for span in found)


@given(strategies.lists(strategies.integers(1, 12), min_size=1, max_size=4), strategies.integers(1, 6))
def test_a_span_goes_on_from_the_last_frame_of_the_one_before_but_after_a_cut(shots: list[int], every: int) -> None:
    found = cut_up(shots, every)
    assert not found[0].goes_on
    for one, other in pairwise(found):
        assert other.number == (one.last if other.goes_on else one.last + 1)
    keys = sorted({number for span in found for number in (span.number, span.last)})
    firsts = [sum(shots[:number]) for number in range(len(shots))]
    assert set(keys) >= {*firsts, *(first + length - 1 for first, length in zip(firsts, shots, strict=True))}
    assert all(after - before <= every for before, after in pairwise(keys))


def test_an_empty_film_has_none() -> None:
    assert cut_up([], 5) == []
