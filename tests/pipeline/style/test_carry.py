"""Paintings carried over films whose motion is known, painted by an exact function of each colour."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.style.carry import carried
from pipeline.style.spans import Given, Span
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, photo

SIZE = 160, 96
"""Width and height of the films."""


def paint(frame: Frame) -> Frame:
    """An exact function of each colour, which no ground here looks like: another hue, darker, and curved."""
    return np.rint(255 * (frame[..., ::-1] / 255.0) ** 1.5).astype(np.uint8)


def shown(name: str, matrix: Callable[[int], list[list[float]]], count: int) -> list[Frame]:
    """A photo as a camera sees it that moves as the matrices say, from the photo to the frame."""
    return [
        np.asarray(cv2.warpAffine(photo(name), np.array(matrix(k)), SIZE, flags=cv2.INTER_CUBIC), np.uint8)
        for k in range(count)
    ]


def pan(name: str, count: int, step: tuple[float, float] = (1.7, 0.6)) -> list[Frame]:
    return shown(name, lambda k: [[1, 0, -60 - step[0] * k], [0, 1, -60 - step[1] * k]], count)


def zoom(name: str, count: int) -> list[Frame]:
    return shown(name, lambda k: [[1 + 0.01 * k, 0, -80 - 1.6 * k], [0, 1 + 0.01 * k, -80 - 1.3 * k]], count)


def made(
    frames: list[Frame], grounds: list[Frame] | None = None, first: bool = True, last: bool = True, workers: int = 2
) -> list[Frame]:
    """The film with the paintings of its ends carried over it; the ground below them is magenta where none is given."""
    grounds = grounds or [np.full_like(frame, (255, 0, 255)) for frame in frames]
    span = Span(0, [Given(*pair) for pair in zip(frames, grounds, strict=True)], goes_on=False)
    return list(carried(span, paint(frames[0]) if first else None, paint(frames[-1]) if last else None, workers))


def apart(one: Frame, other: Frame) -> float:
    """Mean difference in 8-bit levels, without the outermost pixels, which no key frame may have seen."""
    return float(np.abs(one.astype(float) - other)[4:-4, 4:-4].mean())


@pytest.mark.parametrize("name", [ASTRONAUT, CHELSEA, COFFEE])
@pytest.mark.parametrize("camera", [pan, zoom])
def test_frames_between_show_the_painted_film(camera: Callable[[str, int], list[Frame]], name: str) -> None:
    frames = camera(name, 13)
    for frame, painting in zip(frames, made(frames), strict=True):
        assert apart(painting, paint(frame)) < 2.0


def test_key_frames_are_the_paintings_themselves() -> None:
    frames = pan(CHELSEA, 5)
    found = made(frames)
    assert np.array_equal(found[0], paint(frames[0]))
    assert np.array_equal(found[-1], paint(frames[-1]))


def test_a_still_film_is_its_painting_throughout() -> None:
    frames = [pan(COFFEE, 1)[0]] * 6
    assert all(np.array_equal(painting, paint(frames[0])) for painting in made(frames))


@pytest.mark.parametrize(("first", "last"), [(True, False), (False, True)])
def test_a_single_painting_fades_into_the_ground_towards_the_other_end(first: bool, last: bool) -> None:
    frames = pan(ASTRONAUT, 9, (0.8, 0.0))
    grounds = [np.full_like(frame, 90) for frame in frames]
    found = made(frames, grounds, first=first, last=last)
    assert apart(found[-1 if first else 0], grounds[0]) < 1.0
    shares = np.linspace(1, 0, 9) if first else np.linspace(0, 1, 9)
    for frame, painting, share in zip(frames, found, shares, strict=True):
        towards = paint(frame)[:, 10:-10] - 90.0
        # What is below the painting takes on its colours, so that this is what is steady about it.
        spread = np.corrcoef(towards.ravel(), painting[:, 10:-10].ravel())[0, 1] if share else 1.0
        assert spread > 0.97


def test_without_paintings_the_ground_shows() -> None:
    frames, grounds = pan(CHELSEA, 3), pan(COFFEE, 3)
    assert all(map(np.array_equal, made(frames, grounds, first=False, last=False), grounds))


def test_the_ground_shows_in_the_colours_of_the_painting_where_nothing_can_be_followed() -> None:
    """Half of the film is noise that is new in each frame."""
    rng = np.random.default_rng(3)
    frames = [frame.copy() for frame in pan(COFFEE, 7, (0.0, 0.0))]
    for frame in frames:
        frame[:, :80] = cv2.resize(rng.integers(0, 256, (24, 20, 3), np.uint8), (80, 96), interpolation=cv2.INTER_CUBIC)
    found = made(frames, frames)[3]
    near = np.abs(found[8:-8, 8:72].astype(float) - paint(frames[3])[8:-8, 8:72]).mean()
    ghost = np.abs(found[8:-8, 8:72].astype(float) - paint(frames[0])[8:-8, 8:72]).mean()
    assert near < 0.5 * ghost
    assert np.abs(found[8:-8, 96:-8].astype(float) - paint(frames[3])[8:-8, 96:-8]).mean() < 2.0


def test_what_was_hidden_comes_from_the_key_frame_that_shows_it() -> None:
    """A card slides over a still photo; what it leaves free is painted in the second key frame alone."""
    card, behind = photo(ASTRONAUT)[100:140, 100:140], pan(COFFEE, 1)[0]
    frames = []
    for number in range(9):
        frame = behind.copy()
        frame[28:68, 40 + 2 * number : 80 + 2 * number] = card
        frames.append(frame)
    for frame, painting in zip(frames, made(frames), strict=True):
        error = np.abs(painting.astype(float) - paint(frame)).mean(axis=2)
        assert np.median(error) < 1.0
        assert error[8:20].max() < 3.0  # away from the card nothing happens
        assert (error[28:68, 50:90] > 40).mean() < 0.2


def test_light_that_goes_on_does_not_end_trust() -> None:
    still = pan(CHELSEA, 1)[0]
    frames = [np.clip(still * (0.7 + 0.04 * number), 0, 255).astype(np.uint8) for number in range(7)]
    for frame, painting in zip(frames, made(frames), strict=True):
        assert apart(painting, paint(frame)) < 1.5


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (33, 2), (17, 19)])
def test_any_size_will_do(size: tuple[int, int]) -> None:
    frames = [np.full((size[1], size[0], 3), (200, 60, 20 * index), np.uint8) for index in range(4)]
    assert [frame.shape for frame in made(frames)] == [frame.shape for frame in frames]


def test_a_shot_of_one_frame_is_its_painting_or_its_ground() -> None:
    frame, ground = pan(CHELSEA, 1)[0], pan(COFFEE, 1)[0]
    assert np.array_equal(made([frame])[0], paint(frame))
    assert np.array_equal(made([frame], [ground], first=False)[0], ground)


def test_the_number_of_workers_changes_no_pixel() -> None:
    frames = pan(COFFEE, 6)
    assert all(map(np.array_equal, made(frames, workers=1), made(frames, workers=3)))
