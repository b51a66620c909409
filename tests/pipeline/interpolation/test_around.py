"""What the frames before and after a pair tell of the way between the two."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.interpolation.around import ALONE, TRUST, TRUST_ONE_SIDED, Around, acceleration
from pipeline.interpolation.between import Between
from pipeline.interpolation.film import passages, retimed
from pipeline.interpolation.method import FlowMethod
from pipeline.interpolation.scenes import Found, Sight
from tests.photos import CHELSEA, COFFEE, photo
from tests.pipeline.interpolation.windows import count_searches

SIZE = (320, 240)


def view(right: float, name: str = COFFEE) -> Frame:
    matrix = np.array([[1.0, 0.0, 60.0 + right], [0.0, 1.0, 40.0]])
    return np.asarray(cv2.warpAffine(photo(name), matrix, SIZE, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP), np.uint8)


def place(time: float, bend: float) -> float:
    """Where a camera of constant acceleration stands; it moves by 6 px a frame at time 0."""
    return 6.0 * time + bend * time**2 / 2


@pytest.mark.parametrize("bend", [4.0, -6.0])
@pytest.mark.parametrize(("before_time", "after_time"), [(-1.0, 2.0), (-2.0, 2.5)])
def test_constant_acceleration_is_measured(bend: float, before_time: float, after_time: float) -> None:
    before, first, second, after = (view(place(time, bend)) for time in (before_time, 0.0, 1.0, after_time))
    found = acceleration(first, second, Around(before, after, before_time, after_time), SIZE)
    assert found is not None
    assert found.shape == (*SIZE[::-1], 2)
    # The picture moves against the camera; borders, where things come and go, are left out.
    inner = found[60:-60, 80:-80] / TRUST
    assert np.median(inner[..., 0]) == pytest.approx(-bend, abs=0.3)
    assert np.median(inner[..., 1]) == pytest.approx(0.0, abs=0.3)


def test_one_neighbour_is_trusted_less() -> None:
    before, first, second, after = (view(place(time, 4.0)) for time in (-1, 0, 1, 2))
    for around in (Around(before=before), Around(after=after)):
        found = acceleration(first, second, around, SIZE)
        assert found is not None
        assert np.median(found[60:-60, 80:-80, 0]) == pytest.approx(-4.0 * TRUST_ONE_SIDED, abs=0.3)


def test_nothing_around_tells_nothing() -> None:
    assert acceleration(view(0.0), view(3.0), ALONE, SIZE) is None


@pytest.mark.parametrize("t", [0.25, 0.5, 0.75])
def test_a_shaking_camera_is_followed_better_than_on_straight_ways(t: float) -> None:
    bend = 5.0
    before, first, second, after = (view(place(time, bend), CHELSEA) for time in (-1, 0, 1, 2))
    truth = view(place(t, bend), CHELSEA)
    straight, bent = (Between(first, second, around).at(t) for around in (ALONE, Around(before, after)))
    assert cv2.PSNR(bent, truth) > cv2.PSNR(straight, truth) + 2.0


def test_even_motion_stays_as_it_is() -> None:
    before, first, second, after = (view(place(time, 0.0)) for time in (-1, 0, 1, 2))
    straight, bent = (Between(first, second, around).at(0.5) for around in (ALONE, Around(before, after)))
    assert cv2.PSNR(bent, straight) > 38.0
    assert cv2.PSNR(bent, view(3.0)) > 36.0


@pytest.mark.parametrize(("width", "height"), [(1, 40), (40, 1), (1, 1), (2, 3), (33, 31)])
def test_every_size_works(width: int, height: int) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, height, width, 3), np.uint8)
    between = Between(frames[1], frames[2], Around(frames[0], frames[3]))
    assert between.at(0.5).shape == (height, width, 3)


def test_successive_pairs_of_a_film_search_for_what_they_share_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A film's frames are those of its pairs alone, and each step between two frames is searched once each way."""
    searched = count_searches(monkeypatch, "around")
    frames = [view(place(number, 1.5)) for number in range(6)]
    sights = (Sight(Fraction(number), frame) for number, frame in enumerate(frames))
    times = [Fraction(number, 2) for number in range(11)]
    made = list(retimed(passages(sights, Found()), times, FlowMethod()))
    assert len(searched) == 2 * (len(frames) - 2)  # of the first step and the last one, one way is enough
    for number in range(1, 4):
        around = Around(frames[number - 1], frames[number + 2])
        alone = Between(frames[number], frames[number + 1], around).at(0.5)
        assert np.array_equal(made[2 * number + 1], alone)
