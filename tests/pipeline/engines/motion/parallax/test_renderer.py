"""Frames of a camera in depth against scenes whose true views are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.depth.depth_map import Nearness
from pipeline.engines.motion.camera import CameraPath
from pipeline.engines.motion.parallax.renderer import ParallaxRenderer
from pipeline.engines.motion.resample import CameraRenderer
from pipeline.frames import Frame
from pipeline.motion_plan import Camera
from tests.photos import ASTRONAUT, COFFEE, photo

WIDTH, HEIGHT = 320, 180
CLIP = (11, False, 1)
SQUARE = (60, 40)
"""Half the width and height of the square in front, in pixels."""

FAR, NEAR, STRENGTH = 0.1, 0.9, 0.5


def inverse_depth(nearness: float) -> float:
    """As the settings say: linear in nearness, and 1 for what is under the zoom point, which is the square."""
    return ((1 - STRENGTH) / 2 + STRENGTH * nearness) / ((1 - STRENGTH) / 2 + STRENGTH * NEAR)


def ground(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The background's colour at points from the picture's middle."""
    return np.stack([110 + 60 * np.sin(x / 7 + y / 19), 120 + 50 * np.cos(y / 6), 100 + 40 * np.sin((x - y) / 9)], -1)


def front(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The square's colour."""
    return np.stack([210 + 40 * np.cos(x / 5), 60 + 30 * np.sin(y / 4), 60 + 30 * np.cos((x + y) / 6)], -1)


def grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.meshgrid(np.arange(WIDTH) - WIDTH / 2 + 0.5, np.arange(HEIGHT) - HEIGHT / 2 + 0.5)
    return x, y


def inside(x: NDArray[np.float64], y: NDArray[np.float64], margin: float = 0.0) -> NDArray[np.bool_]:
    return (np.abs(x) < SQUARE[0] + margin) & (np.abs(y) < SQUARE[1] + margin)


def still() -> tuple[Frame, Nearness]:
    x, y = grid()
    square = inside(x, y)
    colours = np.where(square[..., None], front(x, y), ground(x, y))
    return np.rint(colours).astype(np.uint8), np.where(square, NEAR, FAR).astype(np.float32)


def renderer(camera: Camera) -> ParallaxRenderer:
    return ParallaxRenderer(camera.model_copy(update={"parallax": STRENGTH}), *still(), (WIDTH, HEIGHT), CLIP)


def truth(
    found: ParallaxRenderer, index: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """The true view; where it shows the square, where ground seen in the still, and where ground hidden in it."""
    view = found.path.view(index)
    x, y = grid()
    near, far = (view.source(x + 1j * y, inverse_depth(each)) for each in (NEAR, FAR))
    square = inside(near.real, near.imag)
    colours = np.where(square[..., None], front(near.real, near.imag), ground(far.real, far.imag))
    whole = inside(near.real, near.imag, -6.0)
    clear = ~inside(near.real, near.imag, 6.0)
    hidden = inside(far.real, far.imag, 6.0)
    return colours, whole, clear & ~hidden, clear & hidden


@pytest.mark.parametrize(
    "camera",
    [Camera(zoom=1.4), Camera(zoom=0.8), Camera(pan_x=0.15), Camera(pan_x=-0.2, orbit=True), Camera(dolly_zoom=0.4)],
    ids=["forward", "back", "truck", "orbit", "dolly zoom"],
)
def test_the_frames_are_the_true_views(camera: Camera) -> None:
    found = renderer(camera)
    for index in (4, 10):
        frame = found.render(found.plate, index)
        colours, square, seen, uncovered = truth(found, index)
        error = np.abs(frame - colours).mean(axis=-1)
        assert error[square].mean() < 2.5
        assert error[seen].mean() < 2.5
        if uncovered.sum() > 50:
            # Nobody knows what was there, but it is ground and not a piece of the square, nor a hole.
            assert (frame[uncovered][:, 0].astype(int) < 190).mean() > 0.95
            assert frame[uncovered].min() > 20


def test_near_things_grow_faster_than_in_a_plain_zoom() -> None:
    found = renderer(Camera(zoom=1.4))
    reds = [found.render(found.plate, index)[..., 0] for index in (0, 10)]
    square = [(red > 172).sum() for red in reds]
    assert square[1] / square[0] == pytest.approx(1.4**2, rel=0.08)
    assert found.path.view(10).scale(inverse_depth(FAR)) > 1 / 1.4


@pytest.mark.parametrize("name", [COFFEE, ASTRONAUT])
def test_the_first_frame_of_a_dolly_is_the_still(name: str) -> None:
    image = np.ascontiguousarray(photo(name)[:256, :320])
    height, width = image.shape[:2]
    nearness = np.full((height, width), 0.2, np.float32)
    nearness[height // 4 :, width // 4 : -width // 4] = 0.8
    found = ParallaxRenderer(Camera(zoom=1.3, parallax=1.0), image, nearness, (width, height), CLIP)
    flat = CameraRenderer(CameraPath(Camera(zoom=1.3), width, height, CLIP[0], CLIP[1], CLIP[2]), image)
    deep, plain = (np.abs(each.render(each.plate, 0).astype(int) - image) for each in (found, flat))
    assert deep.mean() < plain.mean() + 0.1
    assert np.quantile(deep, 0.999) < np.quantile(plain, 0.999) + 6
    assert deep.mean() < 2.0


@pytest.mark.parametrize(
    "camera", [Camera(zoom=1.5), Camera(zoom=0.7, roll=8), Camera(pan_x=0.2, pan_y=0.1, orbit=True)]
)
def test_there_are_no_holes_and_no_dark_borders(camera: Camera) -> None:
    image = np.full((120, 200, 3), 200, np.uint8)
    nearness = np.tile(np.linspace(0, 1, 120, dtype=np.float32)[:, None], (1, 200))
    nearness[20:100, 60:120] = 1.0
    deep = camera.model_copy(update={"parallax": 1.0})
    found = ParallaxRenderer(deep, image, nearness, (200, 120), CLIP)
    for index in (0, 5, 10):
        assert np.abs(found.render(found.plate, index).astype(int) - 200).max() <= 3


def test_what_the_camera_passes_fades_instead_of_filling_the_frame() -> None:
    image, nearness = still()
    found = ParallaxRenderer(Camera(zoom=3.0, parallax=1.0, zoom_x=0.0), image, nearness, (WIDTH, HEIGHT), CLIP)
    frames = [found.render(found.plate, index) for index in range(11)]
    assert all(frame.shape == (HEIGHT, WIDTH, 3) for frame in frames)
    assert (frames[-1][..., 0] > 190).mean() < 0.05


def test_motion_is_even_without_shimmer() -> None:
    """Second differences over time of a textured plane in depth are as small as its own curvature makes them."""
    found = ParallaxRenderer(
        Camera(pan_x=0.1, orbit=True, parallax=STRENGTH), *still(), (WIDTH, HEIGHT), (61, False, 1)
    )
    frames = [found.render(found.plate, index).astype(np.int16) for index in (29, 30, 31)]
    bend = np.abs(frames[0] - 2 * frames[1] + frames[2])
    assert bend.mean() < 1.0


def test_frames_are_the_same_every_time_and_in_any_order() -> None:
    one, two = (renderer(Camera(zoom=1.2, pan_x=0.1)) for _ in range(2))
    first = [one.render(one.plate, index) for index in (0, 5, 10)]
    second = [two.render(two.plate, index) for index in (10, 5, 0)]
    for frame, other in zip(first, reversed(second), strict=True):
        np.testing.assert_array_equal(frame, other)


def test_a_plate_that_moves_by_itself_is_seen_through_the_same_layers() -> None:
    found = renderer(Camera(zoom=1.3))
    brighter = np.clip(found.plate.astype(int) + 20, 0, 255).astype(np.uint8)
    plain, moved = (found.render(plate, 6).astype(int) for plate in (found.plate, brighter))
    inner = (plain > 10) & (plain < 225)
    assert abs((moved - plain)[inner].mean() - 20) < 1.0
