"""Every kind of moving region: what stays, what comes back, what never crashes."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engines.motion.animator import RegionAnimator
from pipeline.frames import Frame, Mask
from pipeline.motion_plan import Region, RegionKind
from tests.photos import CHELSEA, COFFEE, photo

KINDS = list(RegionKind)


def textured(height: int = 120, width: int = 160, seed: int = 0) -> Frame:
    """Noise of many scales: every motion in it can be measured."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.GaussianBlur(rng.standard_normal((height, width, 3)), (0, 0), sigma) * sigma for sigma in (1.2, 2.5, 6)
    ]
    return np.asarray(np.clip(np.sum(layers, axis=0) * 55 + 120, 0, 255), dtype=np.uint8)


def middle(plate: Frame) -> Mask:
    mask = np.zeros(plate.shape[:2], np.uint8)
    height, width = plate.shape[:2]
    cv2.ellipse(mask, (width // 2, height // 2), (width // 3, height // 3), 0, 0, 360, 255, -1)
    return mask


def render(animator: RegionAnimator, plate: Frame, index: int) -> Frame:
    canvas = plate.copy()
    animator.apply(canvas, index)
    return canvas


@pytest.mark.parametrize("kind", KINDS)
def test_first_frame_is_the_still(kind: RegionKind) -> None:
    plate = photo(COFFEE)
    animator = RegionAnimator(plate, middle(plate), Region(kind=kind), 60, False, 3)
    assert np.abs(render(animator, plate, 0).astype(int) - plate).max() <= 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not RegionKind.FALLING_LEAVES])
@pytest.mark.parametrize("loop", [False, True])
def test_nothing_outside_the_mask_changes(kind: RegionKind, loop: bool) -> None:
    plate = textured()
    mask = np.asarray(cv2.GaussianBlur(middle(plate), (0, 0), 4), dtype=np.uint8)
    animator = RegionAnimator(plate, mask, Region(kind=kind, swirl=True), 40, loop, 1)
    for index in (0, 7, 23):
        frame = render(animator, plate, index)
        assert np.array_equal(frame[mask == 0], plate[mask == 0])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not RegionKind.STARS])
def test_something_inside_the_mask_moves(kind: RegionKind) -> None:
    plate = textured()
    frame = render(RegionAnimator(plate, middle(plate), Region(kind=kind), 60, False, 1), plate, 13)
    assert np.abs(frame.astype(int) - plate).mean() > 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_closes(kind: RegionKind) -> None:
    plate = textured(seed=2)
    count = 36
    animator = RegionAnimator(plate, middle(plate), Region(kind=kind), count, True, 5)
    frames = [render(animator, plate, index).astype(int) for index in range(count + 2)]
    assert np.abs(frames[count] - frames[0]).max() <= 2
    assert np.abs(frames[count + 1] - frames[1]).max() <= 2
    steps = [np.abs(after - before).mean() for before, after in itertools.pairwise(frames[:count])]
    assert np.abs(frames[0] - frames[count - 1]).mean() <= 1.25 * max(steps) + 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_frames_do_not_depend_on_the_order_or_the_thread(kind: RegionKind) -> None:
    plate = textured()
    region = Region(kind=kind, swirl=True)
    first = RegionAnimator(plate, middle(plate), region, 30, False, 9)
    second = RegionAnimator(plate, middle(plate), region, 30, False, 9)
    in_order = [render(first, plate, index) for index in range(8)]
    with ThreadPoolExecutor(3) as pool:
        at_once = list(pool.map(lambda index: render(second, plate, index), reversed(range(8))))
    assert all(np.array_equal(a, b) for a, b in zip(in_order, reversed(at_once), strict=True))


@pytest.mark.parametrize("kind", [RegionKind.WATER, RegionKind.CLOUDS, RegionKind.LEAVES, RegionKind.FALLING_LEAVES])
def test_another_seed_moves_differently(kind: RegionKind) -> None:
    plate = textured()
    one, two = (RegionAnimator(plate, middle(plate), Region(kind=kind), 60, False, seed) for seed in (1, 2))
    assert not np.array_equal(render(one, plate, 20), render(two, plate, 20))


def test_speed_0_stands_still() -> None:
    plate = textured()
    animator = RegionAnimator(plate, middle(plate), Region(kind=RegionKind.WATER, speed=0.0), 30, False, 0)
    assert np.array_equal(render(animator, plate, 20), plate)


def test_the_canvas_of_another_region_is_kept() -> None:
    plate = textured()
    left, right = np.zeros(plate.shape[:2], np.uint8), np.zeros(plate.shape[:2], np.uint8)
    left[:, :70], right[:, 90:] = 255, 255
    animators = [RegionAnimator(plate, mask, Region(kind=RegionKind.DRIFT), 60, False, 0) for mask in (left, right)]
    canvas = plate.copy()
    for animator in animators:
        animator.apply(canvas, 9)
    assert np.array_equal(canvas[:, :70], render(animators[0], plate, 9)[:, :70])
    assert np.array_equal(canvas[:, 90:], render(animators[1], plate, 9)[:, 90:])


@given(
    kind=st.sampled_from(KINDS),
    size=st.tuples(st.integers(16, 60), st.integers(16, 60)),
    box=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    value=st.integers(1, 255),
    flags=st.tuples(st.booleans(), st.booleans()),
    count=st.integers(1, 400),
)
@settings(max_examples=60, deadline=None)
def test_any_mask_works(
    kind: RegionKind,
    size: tuple[int, int],
    box: tuple[float, float, float, float],
    value: int,
    flags: tuple[bool, bool],
    count: int,
) -> None:
    plate = np.asarray(cv2.resize(photo(CHELSEA), size[::-1]), dtype=np.uint8)
    mask = np.zeros(size, np.uint8)
    (y0, y1), (x0, x1) = sorted(np.multiply(box[:2], size[0])), sorted(np.multiply(box[2:], size[1]))
    mask[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1] = value
    animator = RegionAnimator(plate, mask, Region(kind=kind, swirl=flags[0]), count, flags[1], 0)
    frame = render(animator, plate, count - 1)
    assert frame.shape == plate.shape
    if kind is not RegionKind.FALLING_LEAVES:
        assert np.array_equal(frame[mask == 0], plate[mask == 0])


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_and_a_full_mask_work(kind: RegionKind) -> None:
    plate = textured(48, 64)
    nothing, everything = np.zeros(plate.shape[:2], np.uint8), np.full(plate.shape[:2], 255, np.uint8)
    assert np.array_equal(render(RegionAnimator(plate, nothing, Region(kind=kind), 9, False, 0), plate, 4), plate)
    assert render(RegionAnimator(plate, everything, Region(kind=kind), 9, True, 0), plate, 4).shape == plate.shape
