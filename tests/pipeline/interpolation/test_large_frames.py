"""Large frames, whose motion is searched for in small pictures: as good as a film needs, and searched for once."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.interpolation import between, interpolate
from pipeline.interpolation.around import MOST_SHRUNK, SIDE
from pipeline.interpolation.film import passages, retimed
from pipeline.interpolation.method import FlowMethod
from pipeline.interpolation.scenes import Found, Sight
from pipeline.optical_flow import Flow, Grey, dense_flow
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, photo

SIZE = (1280, 720)


def view(name: str, right: float, down: float = 0.0, zoom: float = 1.0) -> Frame:
    """A window on a photo, enlarged four times, that stands at a sub-pixel place."""
    matrix = np.array([[zoom / 4, 0.0, 15.0 + right / 4], [0.0, zoom / 4, 10.0 + down / 4]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(photo(name), matrix, SIZE, flags=flags), np.uint8)


def dissolved(frame0: Frame, frame1: Frame, t: float) -> Frame:
    return np.rint(frame0 * (1.0 - t) + frame1 * t).astype(np.uint8)


def psnr(made: Frame, truth: Frame) -> float:
    return float(cv2.PSNR(made, truth))


def test_these_frames_are_large() -> None:
    assert SIZE[0] * SIZE[1] > between.FINE_PIXELS
    assert SIZE[0] / SIDE == MOST_SHRUNK


@pytest.mark.parametrize("name", [ASTRONAUT, CHELSEA, COFFEE])
@pytest.mark.parametrize("t", [0.25, 0.5])
@pytest.mark.parametrize(("right", "down", "zoom"), [(11.0, 0.0, 1.0), (-36.0, 24.0, 1.0), (0.0, 0.0, 0.97)])
def test_known_motion_is_met_far_better_than_by_a_dissolve(
    name: str, t: float, right: float, down: float, zoom: float
) -> None:
    ends = view(name, 0.0), view(name, right, down, zoom)
    truth = view(name, t * right, t * down, 1.0 + t * (zoom - 1.0))
    made = interpolate(*ends, t)
    assert psnr(made, truth) > psnr(dissolved(*ends, t), truth) + 8.0
    assert psnr(made, truth) > 36.0


def test_the_borders_are_as_good_as_the_rest() -> None:
    ends = view(ASTRONAUT, 0.0), view(ASTRONAUT, 48.0, 32.0)
    made, truth = interpolate(*ends, 0.5), view(ASTRONAUT, 24.0, 16.0)
    border = np.ones(SIZE[::-1], bool)
    border[32:-32, 32:-32] = False
    assert psnr(made[border], truth[border]) > 32.0
    assert psnr(dissolved(*ends, 0.5)[border], truth[border]) < 24.0


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
    searched: list[tuple[int, int]] = []

    def counted(first: Grey, second: Grey, finest_scale: int = 1, quick: bool = False) -> Flow:
        searched.append(first.shape)
        return dense_flow(first, second, finest_scale, quick)

    monkeypatch.setattr("pipeline.interpolation.around.dense_flow", counted)
    monkeypatch.setattr("pipeline.interpolation.between.dense_flow", counted)
    frames = [view(COFFEE, 9.0 * number) for number in range(4)]
    sights = (Sight(Fraction(number), frame) for number, frame in enumerate(frames))
    made = list(retimed(passages(sights, Found()), [Fraction(number, 2) for number in range(7)], FlowMethod()))
    assert searched == [(180, 320)] * 2 * 3
    assert psnr(made[3], view(COFFEE, 13.5)) > 36.0
