"""Large frames, whose motion is searched for in small pictures: as good as a film needs, and searched for once."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.interpolation import between, interpolate
from pipeline.interpolation.around import MOST_SHRUNK, SIDE
from pipeline.interpolation.film import passages, retimed
from pipeline.interpolation.method import FlowMethod
from pipeline.interpolation.scenes import Found, Sight
from tests.photos import ASTRONAUT, CHELSEA, COFFEE
from tests.pipeline.interpolation import windows
from tests.pipeline.interpolation.windows import (
    LARGE,
    assert_motion_is_met,
    count_searches,
    dissolved,
    psnr,
    psnr_at_borders,
)

view = partial(windows.view, size=LARGE)


def test_these_frames_are_large() -> None:
    assert LARGE[0] * LARGE[1] > between.FINE_PIXELS
    assert LARGE[0] / SIDE == MOST_SHRUNK


@pytest.mark.parametrize("name", [ASTRONAUT, CHELSEA, COFFEE])
@pytest.mark.parametrize("t", [0.25, 0.5])
@pytest.mark.parametrize("motion", [(11.0, 0.0, 1.0), (-36.0, 24.0, 1.0), (0.0, 0.0, 0.97)])
def test_known_motion_is_met_far_better_than_by_a_dissolve(
    name: str, t: float, motion: tuple[float, float, float]
) -> None:
    assert_motion_is_met(name, t, motion, LARGE)


def test_the_borders_are_as_good_as_the_rest() -> None:
    made, plain = psnr_at_borders(ASTRONAUT, (48.0, 32.0), 32, LARGE)
    assert made > 32.0
    assert plain < 24.0


def test_what_passes_in_front_is_not_smeared_over_what_it_hides() -> None:
    def scene(place: int) -> Frame:
        frame = view(CHELSEA, 0.0)
        frame[240:480, place : place + 240] = view(COFFEE, 0.0)[240:480, 400:640]
        return frame

    ends, truth = (scene(300), scene(340)), scene(320)
    assert psnr(interpolate(*ends, 0.5), truth) > psnr(dissolved(*ends, 0.5), truth) + 6.0


@pytest.mark.parametrize("other", [COFFEE, CHELSEA, "mirror image"])
def test_unrelated_frames_dissolve(other: str) -> None:
    ends = view(ASTRONAUT, 0.0), view(ASTRONAUT, 0.0)[:, ::-1] if other == "mirror image" else view(other, 0.0)
    off = np.abs(interpolate(*ends, 0.4).astype(int) - dissolved(*ends, 0.4))
    assert off.max() <= 1


@pytest.mark.parametrize(("width", "height"), [(701, 599), (1279, 319), (14, 30_000), (30_000, 14)])
def test_every_size_works(width: int, height: int) -> None:
    ends = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), np.uint8)
    made = interpolate(ends[0], ends[1], 0.5)
    assert (made.shape, made.dtype) == ((height, width, 3), np.dtype(np.uint8))


def test_what_tells_the_acceleration_tells_the_motion_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step of a film is searched once each way, in small pictures, and nothing else is."""
    searched = count_searches(monkeypatch, "around", "between")
    frames = [view(COFFEE, 9.0 * number) for number in range(4)]
    sights = (Sight(Fraction(number), frame) for number, frame in enumerate(frames))
    made = list(retimed(passages(sights, Found()), [Fraction(number, 2) for number in range(7)], FlowMethod()))
    assert searched == [(180, 320)] * 2 * 3
    assert psnr(made[3], view(COFFEE, 13.5)) > 36.0
