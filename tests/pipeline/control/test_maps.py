"""Maps of a clip: what they show is known, and nothing in them flickers that stands still."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from pipeline.control import canny_clip, depth_frames, estimated, flow_clip, grey_clip, steadied
from pipeline.control.flow_colours import coloured
from pipeline.depth import Nearness
from pipeline.frames import Frame
from pipeline.optical_flow import luma
from tests.photos import ASTRONAUT, CHELSEA, photo

RED, YELLOW, WHITE = (255, 0, 0), (255, 255, 0), (255, 255, 255)


def shifted(count: int, step: tuple[int, int]) -> list[Frame]:
    """A window that moves over a photo so many pixels a frame, right and down: what it shows moves the other way."""
    image = photo(ASTRONAUT)
    return [image[60 + k * step[1] :, 100 + k * step[0] :][:120, :160] for k in range(count)]


def test_edges_stay_what_they_are_where_nothing_changes_while_something_stark_comes_in() -> None:
    ground: Frame = np.asarray(cv2.GaussianBlur(photo(CHELSEA)[:120, :200], (0, 0), 1.5), np.uint8)
    frames = [ground.copy() for _ in range(6)]
    for number, frame in enumerate(frames[1:], 1):
        frame[:, : 12 * number : 4] = 255
    made = canny_clip(frames)
    calm = [frame[:, 80:] for frame in made]
    assert calm[0].any()
    assert all(np.array_equal(each, calm[0]) for each in calm)
    assert {int(level) for frame in made for level in np.unique(frame)} == {0, 255}


def test_colours_of_one_brightness_have_an_edge_between_them() -> None:
    frame = np.zeros((64, 96, 3), np.uint8)
    frame[:, :48], frame[:, 48:] = (200, 60, 60), (60, 131, 60)
    assert len(np.unique(luma(frame))) == 1
    (made,) = canny_clip([frame])
    assert (made[:, 46:50].max(axis=(1, 2)) == 255).all()
    assert not made[:, :44].any()
    assert not made[:, 52:].any()


def test_a_clip_without_edges_has_none() -> None:
    noise = np.random.default_rng(1).integers(118, 124, (3, 64, 96, 3)).astype(np.uint8)
    assert not np.stack(canny_clip(list(noise))).any()


def test_grey_levels_are_the_luma() -> None:
    frame = photo(CHELSEA)[:50, :60]
    (made,) = grey_clip([frame])
    assert made.shape == frame.shape
    assert all(np.array_equal(made[..., channel], luma(frame)) for channel in range(3))


@pytest.mark.parametrize(
    ("vector", "colour"),
    [((1, 0), RED), ((0, 0), WHITE), ((0, 1), YELLOW), ((30, 0), RED), ((0.5, 0), (255, 128, 128))],
)
def test_directions_have_the_colours_of_the_middlebury_wheel(vector: tuple[float, float], colour: Frame) -> None:
    made = coloured(np.full((2, 2, 2), vector, np.float32))
    assert np.abs(made.astype(int) - colour).max() <= 26  # a step of the wheel is 17 levels there


@pytest.mark.parametrize(
    ("step", "vector"), [((-3, 0), (1, 0)), ((3, 0), (-1, 0)), ((0, -3), (0, 1)), ((2, 2), (-1, -1))]
)
def test_a_known_motion_has_the_colour_of_its_direction(step: tuple[int, int], vector: tuple[int, int]) -> None:
    made = flow_clip(shifted(4, step))
    assert len(made) == 4
    assert np.array_equal(made[0], made[1])
    truth = np.array(vector) / np.hypot(*vector)
    expected = coloured(np.full((1, 1, 2), truth, np.float32))[0, 0].astype(int)
    inner = np.stack(made)[:, 20:-20, 20:-20].astype(int)
    assert np.median(np.abs(inner - expected)) <= 12


def test_where_nothing_moves_the_flow_is_white() -> None:
    frame = photo(ASTRONAUT)[:100, :140]
    assert np.stack(flow_clip([frame] * 3)).min() >= 250
    assert np.stack(flow_clip([frame])).min() == 255


def scene(number: int) -> tuple[Frame, Nearness]:
    """A clip of known depth: a slope, and before it a near block that moves to the right."""
    image = photo(ASTRONAUT)[:96, :128].copy()
    nearness = np.repeat(np.linspace(0.1, 0.6, 96, dtype=np.float32)[:, None], 128, axis=1)
    left = 10 + 6 * number
    image[30:70, left : left + 24] = (30, 200, 40)
    nearness[30:70, left : left + 24] = 0.9
    return image, nearness


def test_depth_told_in_another_scale_each_time_comes_out_in_one() -> None:
    random = np.random.default_rng(3)
    frames, truth = map(list, zip(*map(scene, range(10)), strict=True))
    told = [each * np.float32(random.uniform(0.6, 1.5)) + np.float32(random.uniform(-0.3, 0.3)) for each in truth]
    told = [each + random.normal(0, 0.01, each.shape).astype(np.float32) for each in told]
    before, after = (
        np.stack(depth_frames(each, (128, 96)))[..., 0].astype(float) for each in (told, steadied(told, frames))
    )
    still = np.s_[:, :, 100:]  # the block does not come so far
    assert np.abs(np.diff(before[still], axis=0)).mean() > 20
    assert np.abs(np.diff(after[still], axis=0)).mean() < 4
    drift = np.abs(after[still][-1].mean() - after[still][0].mean())
    assert drift < 4
    assert all(np.corrcoef(each.ravel(), true.ravel())[0, 1] > 0.98 for each, true in zip(after, truth, strict=True))


def test_depth_is_shown_in_one_range_near_is_bright() -> None:
    maps = [np.full((8, 10), value, np.float16) for value in (0.0, 0.5, 1.0)]
    made = depth_frames(maps, (20, 16))
    assert [frame.shape for frame in made] == [(16, 20, 3)] * 3
    assert [int(frame.mean()) for frame in made] == [0, 128, 255]
    flat = depth_frames([np.full((8, 8), 0.3, np.float16)] * 2, (8, 8))
    assert all(len(np.unique(frame)) == 1 for frame in flat)


def test_an_estimate_follows_what_stands_out_and_lasts_over_frames_where_it_is_not_found() -> None:
    checks: list[int] = []
    frames = []
    for number in range(13):
        frame = np.full((180, 240, 3), (70, 110, 160), np.uint8)
        if number != 6:
            cv2.circle(frame, (60 + 10 * number, 100), 42, (230, 190, 40), -1)
        frames.append(frame)
    found = estimated(frames, lambda: checks.append(1))
    assert found is not None
    assert len(found) == len(frames)
    assert len(checks) == 5
    wide = [np.asarray(each, np.float32) for each in found]
    places = [float((each.sum(axis=0) * np.arange(each.shape[1])).sum() / each.sum()) for each in wide]
    assert places[-1] > places[0]
    steps = [float(np.abs(second - first).mean()) for first, second in pairwise(wide)]
    assert max(steps) < 0.1


def test_where_nothing_stands_out_there_is_no_estimate() -> None:
    plain = np.full((120, 160, 3), (90, 120, 150), np.uint8)
    assert estimated([plain] * 4, lambda: None) is None
