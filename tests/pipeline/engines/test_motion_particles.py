"""Falling leaves and twinkling stars."""

import cv2
import numpy as np

from pipeline.engines.motion.animator import RegionAnimator
from pipeline.engines.motion.points import find_points, split_light
from pipeline.frames import Frame, Mask
from pipeline.motion_plan import Region, RegionKind

HEIGHT, WIDTH = 240, 320


def tree() -> tuple[Frame, Mask]:
    """A flat orange crown over pale ground: every orange pixel below it is a leaf."""
    plate = np.full((HEIGHT, WIDTH, 3), 210, np.uint8)
    plate[:80] = (200, 110, 30)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[:80] = 255
    return plate, mask


def leaves(frame: Frame) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    below = frame[90:].astype(int)
    return np.asarray(below[..., 0] - below[..., 2] > 40)


def rendered(animator: RegionAnimator, plate: Frame, index: int) -> Frame:
    canvas = plate.copy()
    animator.apply(canvas, index)
    return canvas


def test_leaves_come_down_in_the_colours_of_the_tree() -> None:
    plate, mask = tree()
    animator = RegionAnimator(plate, mask, Region(kind=RegionKind.FALLING_LEAVES), 200, False, 1)
    assert not leaves(rendered(animator, plate, 0)).any()
    assert leaves(rendered(animator, plate, 120)).sum() > 20


def test_leaves_fall() -> None:
    """The motion of what is orange, by the shift that matches two moments best."""
    plate, mask = tree()
    animator = RegionAnimator(plate, mask, Region(kind=RegionKind.FALLING_LEAVES), 200, False, 1)
    falls = []
    for index in range(100, 160, 10):
        before, after = (leaves(rendered(animator, plate, k)).astype(np.float32) for k in (index, index + 3))
        overlap = [float((before[: -shift or None] * after[shift:]).sum()) for shift in range(12)]
        falls.append(int(np.argmax(overlap)))
    assert np.mean(falls) > 0.5


def test_leaves_of_a_loop_are_in_the_air_from_the_start() -> None:
    plate, mask = tree()
    animator = RegionAnimator(plate, mask, Region(kind=RegionKind.FALLING_LEAVES), 60, True, 1)
    assert leaves(rendered(animator, plate, 0)).any()


def night() -> tuple[Frame, list[tuple[int, int]]]:
    """A dark gradient with 48 stars at known places."""
    rng = np.random.default_rng(5)
    plate = np.repeat(np.linspace(10, 40, HEIGHT)[:, None, None], WIDTH, axis=1) * (0.6, 0.7, 1.2)
    grid = [(x, y) for x in range(20, WIDTH, 40) for y in range(20, HEIGHT, 40)]
    places = [(x + int(rng.integers(-8, 9)), y + int(rng.integers(-8, 9))) for x, y in grid]
    light = np.zeros((HEIGHT, WIDTH), np.float32)
    for x, y in places:
        light[y, x] = 900.0
    plate = plate + cv2.GaussianBlur(light, (0, 0), 1.0)[..., None]
    return np.clip(plate, 0, 255).astype(np.uint8), places


def test_all_stars_are_found_where_they_are() -> None:
    plate, places = night()
    points = find_points(plate, np.full(plate.shape[:2], 255, np.uint8), float(np.sqrt(HEIGHT * WIDTH)))
    assert len(points.radii) == len(places)
    nearest = [min(np.hypot(x - px, y - py) for px, py in places) for x, y in points.centres]
    assert max(nearest) < 2.0


def test_the_dark_and_the_light_add_up_to_the_picture() -> None:
    plate, _ = night()
    points = find_points(plate, np.full(plate.shape[:2], 255, np.uint8), float(np.sqrt(HEIGHT * WIDTH)))
    dark, light = split_light(plate, points)
    assert np.array_equal(cv2.add(dark, light), plate)
    assert dark.max() < 90


def test_stars_change_their_light_and_not_their_place() -> None:
    plate, places = night()
    animator = RegionAnimator(
        plate, np.full(plate.shape[:2], 255, np.uint8), Region(kind=RegionKind.STARS), 90, False, 2
    )
    shown = [rendered(animator, plate, index).astype(int).sum(axis=2) for index in range(0, 90, 6)]
    series = np.array([[frame[y, x] for x, y in places] for frame in shown])
    twinkles = np.ptp(series, axis=0) > 40
    assert twinkles.mean() > 0.8
    together = np.corrcoef(series[:, twinkles].T)[np.triu_indices(int(twinkles.sum()), 1)]
    assert np.abs(together).mean() < 0.6, "each in its own time"
    for frame in shown:
        box = [frame[y - 3 : y + 4, x - 3 : x + 4] for x, y in places]
        bright = [part for part in box if part.max() > 300]
        assert all(part[2:5, 2:5].max() == part.max() for part in bright)


def hazy_night() -> tuple[Frame, list[tuple[int, int]]]:
    plate, places = night()
    haze = cv2.GaussianBlur(np.random.default_rng(0).standard_normal((HEIGHT, WIDTH)), (0, 0), 12)
    return np.clip(plate + (haze / haze.std() * 8 + 8).clip(0)[..., None], 0, 255).astype(np.uint8), places


def test_stars_twinkle_while_clouds_pass_in_whatever_order_they_are_named() -> None:
    plate, _ = hazy_night()
    mask = np.full(plate.shape[:2], 255, np.uint8)
    clouds, stars = (
        RegionAnimator(plate, mask, Region(kind=kind), 90, False, 2) for kind in (RegionKind.CLOUDS, RegionKind.STARS)
    )
    one, other, still_stars = plate.copy(), plate.copy(), rendered(clouds, plate, 40)
    for animator in (clouds, stars):
        animator.apply(one, 40)
    for animator in (stars, clouds):
        animator.apply(other, 40)
    assert np.abs(one.astype(int) - other).mean() < 0.1
    assert (np.abs(other.astype(int) - still_stars).max(axis=2) > 25).sum() > 100


def test_clouds_pass_and_stars_stay() -> None:
    plate, places = hazy_night()
    animator = RegionAnimator(
        plate, np.full(plate.shape[:2], 255, np.uint8), Region(kind=RegionKind.CLOUDS), 90, False, 2
    )
    frame = rendered(animator, plate, 80).astype(int)
    assert np.abs(frame - plate).mean() > 0.3
    kept = [frame[y, x].sum() > 0.75 * plate[y, x].astype(int).sum() for x, y in places]
    assert np.mean(kept) > 0.9
