"""A film at other times: what is shown when, across cuts and repeats, and what is held in memory."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.frames import Frame
from pipeline.interpolation.around import ALONE, Around
from pipeline.interpolation.film import CHUNK, passages, retimed
from pipeline.interpolation.method import FlowMethod
from pipeline.interpolation.scenes import Found, Sight
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, photo

SIZE = (240, 180)


class Dissolve:
    """A method that is exact on frames that only brighten, and notes what it is given."""

    name = "dissolve"

    def __init__(self) -> None:
        self.arounds: list[Around] = []

    def frames(self, frame0: Frame, frame1: Frame, times: Sequence[float], around: Around = ALONE) -> list[Frame]:
        assert all(0.0 < time < 1.0 for time in times)
        assert list(times) == sorted(times)
        self.arounds.append(around)
        return [np.rint(frame0 * (1 - time) + frame1 * time).astype(np.uint8) for time in times]

    def close(self) -> None:
        return None


def view(name: str, right: float) -> Frame:
    matrix = np.array([[1.0, 0.0, 30.0 + right], [0.0, 1.0, 60.0]])
    return np.asarray(cv2.warpAffine(photo(name), matrix, SIZE, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP), np.uint8)


def level(value: float) -> Frame:
    return np.full((8, 8, 3), round(value), np.uint8)


def sights(frames: Sequence[Frame], fps: Fraction = Fraction(1)) -> Iterator[Sight]:
    return (Sight(index / fps, frame) for index, frame in enumerate(frames))


def times(count: int, fps: Fraction) -> list[Fraction]:
    return [index / fps for index in range(count)]


RATES = st.sampled_from([Fraction(8), Fraction(12), Fraction(24000, 1001), Fraction(25), Fraction(60), Fraction(7, 3)])


@given(RATES, RATES, st.integers(1, 3))
@settings(max_examples=40)
def test_every_frame_shows_its_own_time(source: Fraction, target: Fraction, workers: int) -> None:
    frames = [level(10 + 20 * index) for index in range(10)]
    rows = passages(sights(frames, source), Found(), repeats=False, cuts=False)
    count = round(10 / source * target) or 1
    made = list(retimed(rows, times(count, target), Dissolve(), workers))
    assert len(made) == count
    for index, frame in enumerate(made):
        place = min(index / target * source, Fraction(9))  # after the last frame it is held
        assert abs(frame.astype(float) - float(10 + 20 * place)).max() <= 0.5
        if place.denominator == 1:
            assert frame is frames[int(place)]


def test_frames_at_uneven_times_are_shown_at_theirs() -> None:
    shown = [(Fraction(0), 10.0), (Fraction(1, 10), 20.0), (Fraction(5, 10), 60.0), (Fraction(6, 10), 70.0)]
    rows = passages((Sight(time, level(value)) for time, value in shown), Found(), repeats=False, cuts=False)
    made = list(retimed(rows, times(13, Fraction(20)), Dissolve()))
    assert [int(frame[0, 0, 0]) for frame in made] == [10 + 5 * index for index in range(13)]


def test_nothing_is_made_up_across_three_cuts() -> None:
    scenes = [[view(name, 3.0 * index) for index in range(4)] for name in (ASTRONAUT, COFFEE, CHELSEA, ASTRONAUT)]
    frames = [frame for scene in scenes for frame in scene]
    found = Found()
    made = list(retimed(passages(sights(frames), found), times(61, Fraction(4)), FlowMethod()))
    assert found.cuts == 3
    for cut in (4, 8, 12):
        before, after = made[4 * cut - 3 : 4 * cut - 1], made[4 * cut - 2 : 4 * cut]
        assert before[0] is frames[cut - 1]
        assert after[0] is frames[cut]
        assert after[1] is frames[cut]


def test_what_lies_beyond_a_cut_is_not_looked_at() -> None:
    frames = [view(name, 3.0 * index) for name in (ASTRONAUT, COFFEE) for index in range(4)]
    method = Dissolve()
    list(retimed(passages(sights(frames), Found()), times(15, Fraction(2)), method, 1))
    around = [(each.before is not None, each.after is not None) for each in method.arounds]
    assert around == [(False, True), (True, True), (True, False)] * 2


def test_the_motion_of_repeated_frames_is_spread_evenly() -> None:
    frames = [view(CHELSEA, 4.0 * (index // 2)) for index in range(10)]
    found = Found()
    made = list(retimed(passages(sights(frames), found), times(10, Fraction(1)), FlowMethod()))
    assert found.repeats == 4
    for index in range(8):
        assert cv2.PSNR(made[index], view(CHELSEA, 2.0 * index)) > 36.0


def test_a_still_scene_stays_still() -> None:
    frames = [view(CHELSEA, 0.0) for _ in range(9)]
    made = list(retimed(passages(sights(frames), Found()), times(17, Fraction(2)), FlowMethod()))
    assert all((frame == frames[0]).all() for frame in made)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("shape", [(1, 40, 3), (40, 1, 3), (31, 33, 3)])
def test_short_films_of_odd_sizes(count: int, shape: tuple[int, int, int]) -> None:
    frames = list(np.random.default_rng(1).integers(0, 256, (count, *shape), np.uint8))
    made = list(retimed(passages(sights(frames), Found()), times(3 * count, Fraction(3)), FlowMethod()))
    assert [frame.shape for frame in made] == [shape] * (3 * count)
    assert made[0] is frames[0]


def test_no_frames_are_no_film() -> None:
    with pytest.raises(ValueError, match="without frames"):
        list(retimed(passages(iter(()), Found()), [Fraction(0)], Dissolve()))


@pytest.mark.parametrize("factor", [2, 16])
def test_a_long_film_is_never_held_as_a_whole(factor: int) -> None:
    read = 0

    def source() -> Iterator[Sight]:
        nonlocal read
        for index in range(200):
            read += 1
            yield Sight(Fraction(index), level(index))

    made = retimed(passages(source(), Found()), times(199 * factor, Fraction(factor)), Dissolve(), 2)
    for index, _ in enumerate(made):
        assert read <= (index + 3 * CHUNK) / factor + 20


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    frames = [view(COFFEE, 5.0 * index) for index in range(4)]

    def made(workers: int) -> list[Frame]:
        return list(retimed(passages(sights(frames), Found()), times(16, Fraction(5)), FlowMethod(), workers))

    assert all((a == b).all() for a, b in zip(made(1), made(3), strict=True))
