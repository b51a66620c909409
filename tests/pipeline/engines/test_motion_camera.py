"""The camera of the motion engine: the measured path against the analytic one, and never a look outside."""

import math
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.measure import Affine, measured_affine, rms_distance
from pipeline.engines.motion.camera import CameraPath, Points, View
from pipeline.engines.motion.easing import ease, ease_there_and_back
from pipeline.engines.motion.resample import CameraRenderer
from pipeline.engines.motion.sway import Sway
from pipeline.frames import Frame
from pipeline.motion_plan import Camera, Easing
from tests.photos import COFFEE, photo

WIDTH, HEIGHT = 320, 180

CAMERAS = st.builds(
    Camera,
    zoom=st.floats(0.25, 4.0),
    zoom_x=st.floats(0.0, 1.0),
    zoom_y=st.floats(0.0, 1.0),
    pan_x=st.floats(-1.0, 1.0),
    pan_y=st.floats(-1.0, 1.0),
    roll=st.floats(-180.0, 180.0),
    dolly_zoom=st.sampled_from([0.0, 0.0, -1.0, -0.3, 0.5, 1.0]),
    sway=st.sampled_from([0.0, 0.02, 0.1]),
    easing=st.sampled_from(list(Easing)),
)


def a_path(camera: Camera, num_frames: int = 5, *, loop: bool = False, seed: int = 0) -> CameraPath:
    return CameraPath(camera, WIDTH, HEIGHT, num_frames, loop, seed)


def a_plate(density: float = 1.0) -> Frame:
    size = round(WIDTH * density), round(HEIGHT * density)
    return np.asarray(cv2.resize(photo(COFFEE)[20:380], size, interpolation=cv2.INTER_AREA), np.uint8)


def screen_pixels() -> Points:
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5 - WIDTH / 2, np.arange(HEIGHT) + 0.5 - HEIGHT / 2)
    return np.asarray(x + 1j * y)


def expected(before: View, after: View) -> Affine:
    """The same map from the analytic path."""
    corners = np.array([0, 1, 1j]) + complex(0.5 - WIDTH / 2, 0.5 - HEIGHT / 2)
    to_picture, from_picture = before.similarity, after.similarity
    seen = (to_picture(corners) - from_picture.shift) / from_picture.gain - corners[0]
    return np.array([[part[1] - part[0], part[2] - part[0], part[0]] for part in (seen.real, seen.imag)])


def distance(one: Affine, other: Affine) -> float:
    return rms_distance(one, other, WIDTH, HEIGHT)


MOVES = {
    "zoom in": Camera(zoom=1.1),
    "zoom out": Camera(zoom=0.9),
    "zoom to a point": Camera(zoom=1.1, zoom_x=0.8, zoom_y=0.3),
    "roll": Camera(roll=4),
    "pan and zoom": Camera(zoom=1.05, pan_x=-0.05, pan_y=0.03),
    "all": Camera(zoom=0.95, pan_x=0.04, roll=-3, sway=0.01),
    "loop": Camera(zoom=1.1, pan_y=0.05),
}


@pytest.mark.parametrize("density", [1.0, 1.6])
@pytest.mark.parametrize("move", MOVES)
def test_rendered_frames_follow_the_analytic_path(move: str, density: float) -> None:
    path = a_path(MOVES[move], loop=move == "loop")
    renderer = CameraRenderer(path, a_plate(density))
    first = renderer.render(renderer.plate, 0)
    for index in (2, 4):
        truth = expected(path.view(0), path.view(index))
        found = measured_affine(first, renderer.render(renderer.plate, index), truth + 1e-3)
        assert distance(found, truth) < 0.02


@pytest.mark.parametrize("direction", range(8))
def test_pan_slides_the_picture_the_other_way(direction: int) -> None:
    way = np.exp(1j * direction * math.pi / 4) * 0.04
    path = a_path(Camera(pan_x=way.real, pan_y=way.imag), 3)
    renderer = CameraRenderer(path, a_plate())
    first, last = (renderer.render(renderer.plate, index) for index in (0, 2))
    found = measured_affine(first, last, np.eye(2, 3))
    np.testing.assert_allclose(found[:, 2], [-way.real * WIDTH, -way.imag * HEIGHT], atol=0.05)
    np.testing.assert_allclose(found[:, :2], np.eye(2), atol=5e-4)


def test_positive_roll_turns_the_picture_clockwise() -> None:
    renderer = CameraRenderer(a_path(Camera(roll=5), 2), a_plate())
    first, last = (renderer.render(renderer.plate, index) for index in (0, 1))
    found = measured_affine(first, last, np.eye(2, 3))
    # With y downwards, x -> y by a positive angle is clockwise.
    assert math.degrees(math.atan2(found[1, 0], found[0, 0])) == pytest.approx(5, abs=0.02)
    assert a_path(Camera(roll=5), 2).view(1).angle == pytest.approx(5)


@given(zoom=st.floats(0.25, 4.0), x=st.floats(0, 1), y=st.floats(0, 1))
def test_zoom_shows_the_whole_picture_at_its_widest_and_keeps_its_point(zoom: float, x: float, y: float) -> None:
    path = a_path(Camera(zoom=zoom, zoom_x=x, zoom_y=y))
    point = np.array([complex((x - 0.5) * WIDTH, (y - 0.5) * HEIGHT)])
    for index in range(5):
        assert abs(path.view(index).source(point)[0] - point[0]) < 1e-9
    assert path.overscan == pytest.approx(1)
    assert path.view(4).magnification / path.view(0).magnification == pytest.approx(zoom)


@given(zoom=st.floats(0.25, 4.0), roll=st.floats(-180, 180), pan=st.floats(-1, 1))
def test_constant_speed_on_the_screen(zoom: float, roll: float, pan: float) -> None:
    path = a_path(Camera(zoom=zoom, roll=roll, pan_x=pan, easing=Easing.LINEAR), 6)
    steps = [expected(path.view(index), path.view(index + 1)) for index in range(5)]
    for step in steps[1:]:
        np.testing.assert_allclose(step, steps[0], atol=1e-6)


@given(camera=CAMERAS, loop=st.booleans(), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_no_view_leaves_the_picture_and_the_tightest_touches_it(camera: Camera, loop: bool, seed: int) -> None:
    path = a_path(camera, 7, loop=loop, seed=seed)
    seen = np.stack([path.view(index).source(path.outline) for index in range(7)])
    inside = np.stack([path.view(index).source(screen_pixels()) for index in range(7)])
    for points, room in ((seen, 0.05), (inside, 0.0)):
        assert np.abs(points.real).max() <= WIDTH / 2 + room
        assert np.abs(points.imag).max() <= HEIGHT / 2 + room
    touched_x = seen.real.max() > WIDTH / 2 - 1 and seen.real.min() < 1 - WIDTH / 2
    touched_y = seen.imag.max() > HEIGHT / 2 - 1 and seen.imag.min() < 1 - HEIGHT / 2
    assert touched_x or touched_y


@pytest.mark.parametrize(
    "camera",
    [
        Camera(pan_x=0.2, pan_y=-0.1),
        Camera(roll=20),
        Camera(zoom=0.7, pan_x=1),
        Camera(sway=0.03),
        Camera(dolly_zoom=-1, zoom_x=0.3),
        Camera(dolly_zoom=1, pan_y=0.3),
    ],
)
def test_pixels_outside_are_never_shown_but_the_border_is(camera: Camera) -> None:
    """A red rim of two plate pixels round a grey picture: the frames reach it, and nothing else comes in beyond it."""
    path = a_path(camera)
    plate = np.full((HEIGHT * 2, WIDTH * 2, 3), 128, np.uint8)
    plate[:2], plate[-2:], plate[:, :2], plate[:, -2:] = ([255, 0, 0],) * 4
    renderer = CameraRenderer(path, plate)
    frames = np.stack([renderer.render(renderer.plate, index) for index in range(5)]).astype(int)
    red = frames[..., 0] - frames[..., 2]
    assert red.max() > 20
    # Away from the rim all is grey, but for the faint ringing of the interpolation.
    rim = 2 * path.magnifications[1]
    for index in range(5):
        source = path.view(index).source(screen_pixels())
        deep = (np.abs(source.real) < WIDTH / 2 - rim) & (np.abs(source.imag) < HEIGHT / 2 - rim)
        assert red[index][deep].max(initial=0) <= 10


def test_dolly_zoom_keeps_the_subject_and_never_folds() -> None:
    for strength, grows in ((1.0, True), (-1.0, False)):
        path = a_path(Camera(dolly_zoom=strength, zoom_x=0.4), 9)
        focus = np.array([complex(-0.1 * WIDTH, 0)])
        arms = np.linspace(0, WIDTH, 2000) + 0j
        near = focus + np.array([1, 1j, -1, -1j])
        before = path.view(0)
        for index in range(1, 9):
            view = path.view(index)
            np.testing.assert_allclose(view.source(near), before.source(near), atol=1e-2)
            reach = np.abs(view.source(focus + arms) - view.source(focus))
            assert np.diff(reach).min() > 0
            far = np.abs(before.source(focus + arms[-1:]) - before.source(focus))
            assert (reach[-1] < far[0]) == grows


def test_bent_views_are_rendered_where_they_belong() -> None:
    """A plate whose colours are its own coordinates shows what each pixel of a dolly zoom has read."""
    x, y = np.meshgrid(np.linspace(0, 255, 2 * WIDTH), np.linspace(0, 255, 2 * HEIGHT))
    plate = np.rint(np.dstack([x, y, x])).astype(np.uint8)
    path = a_path(Camera(dolly_zoom=-0.8, roll=10))
    renderer = CameraRenderer(path, plate)
    frame = renderer.render(renderer.plate, 3)
    source = path.view(3).source(screen_pixels())
    truth = np.dstack([source.real / WIDTH + 0.5, source.imag / HEIGHT + 0.5]) * 255
    error = np.abs(frame[4:-4, 4:-4, :2] - truth[4:-4, 4:-4])
    assert error.mean() < 0.4
    assert error.max() < 3


def test_fine_texture_does_not_shimmer_when_seen_from_afar() -> None:
    """A pattern finer than the wide view can hold must fade to grey there, not alias, and stay when seen close."""
    stripes = np.where(np.arange(WIDTH * 2) % 2 == 0, 0, 255).astype(np.uint8)
    plate = np.ascontiguousarray(np.broadcast_to(stripes[None, :, None], (HEIGHT * 2, WIDTH * 2, 3)))
    renderer = CameraRenderer(a_path(Camera(zoom=3, easing=Easing.LINEAR)), plate)
    wide, close = (renderer.render(renderer.plate, index)[20:-20, 20:-20] for index in (0, 4))
    assert wide.std() < 8
    assert close.std() > 60


@pytest.mark.parametrize("density", [1.0, 1.5, 2.0])
def test_a_still_camera_repeats_the_picture(density: float) -> None:
    plate = a_plate(density)
    renderer = CameraRenderer(a_path(Camera()), plate)
    frames = [renderer.render(renderer.plate, index) for index in range(5)]
    assert all(np.array_equal(frame, frames[0]) for frame in frames)
    assert frames[0].shape == (HEIGHT, WIDTH, 3)
    if density == 1:
        assert np.array_equal(frames[0], plate)


def test_a_zoom_begins_on_the_picture_itself() -> None:
    plate = a_plate()
    renderer = CameraRenderer(a_path(Camera(zoom=1.2)), plate)
    error = renderer.render(renderer.plate, 0).astype(float) - plate
    assert 10 * math.log10(255**2 / np.mean(error**2)) > 35


@pytest.mark.parametrize(
    "camera", [Camera(zoom=1.3, pan_x=0.2), Camera(zoom=2.5), Camera(dolly_zoom=-1), Camera(roll=30)]
)
def test_a_plate_that_moves_is_seen_as_the_plate_itself(camera: Camera) -> None:
    renderer = CameraRenderer(a_path(camera), a_plate(2))
    for index in range(5):
        same = renderer.render(renderer.plate, index).astype(int)
        moving = renderer.render(renderer.plate.copy(), index)
        assert np.abs(moving - same).max() <= 1


def test_masks_fit_the_working_plate() -> None:
    mask = np.zeros((HEIGHT * 2, WIDTH * 2), np.uint8)
    mask[:, WIDTH:] = 255
    renderer = CameraRenderer(a_path(Camera(zoom=1.1)), a_plate(2))
    fitted = renderer.fit_mask(mask)
    assert fitted.shape == renderer.plate.shape[:2]
    assert fitted.mean() == pytest.approx(127.5, abs=0.5)
    assert CameraRenderer(a_path(Camera()), a_plate(2)).fit_mask(mask).shape == (HEIGHT, WIDTH)


@given(camera=CAMERAS, seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_a_loop_leads_back_into_its_first_frame(camera: Camera, seed: int) -> None:
    num_frames = 24
    path = a_path(camera, num_frames, loop=True, seed=seed)
    corners = screen_pixels()[[0, 0, -1, -1], [0, -1, 0, -1]]
    seen = np.stack([path.view(index).source(corners) for index in (*range(num_frames), num_frames)])
    np.testing.assert_allclose(seen[-1], seen[0], atol=1e-6)


def test_a_loop_joins_smoothly() -> None:
    path = a_path(Camera(zoom=1.3, pan_x=0.3, roll=10, sway=0.02), 90, loop=True)
    centres = np.array([path.view(index % 90).centre for index in range(180)])
    accelerations = np.abs(np.diff(centres, 2))
    assert accelerations[88:91].max() <= 1.2 * accelerations[:88].max()


@pytest.mark.parametrize("easing", Easing)
def test_easing_is_monotone_and_smooth(easing: Easing) -> None:
    travel = np.array([ease(easing, step / 1000) for step in range(1001)])
    assert travel[0] == 0
    assert travel[-1] == 1
    assert np.diff(travel).min() >= 0
    assert np.abs(np.diff(travel, 2)).max() < 1.5e-5
    starts_slowly = easing in (Easing.EASE_IN, Easing.EASE_IN_OUT)
    stops_slowly = easing in (Easing.EASE_OUT, Easing.EASE_IN_OUT)
    assert (travel[10] < 0.001) == starts_slowly
    assert (travel[-11] > 0.999) == stops_slowly


@pytest.mark.parametrize("easing", Easing)
def test_a_loop_goes_there_and_back(easing: Easing) -> None:
    travel = np.array([ease_there_and_back(easing, step / 1000) for step in range(1001)])
    assert travel[500] == 1
    np.testing.assert_allclose(travel, travel[::-1], atol=1e-12)
    assert np.abs(np.diff(np.concatenate([travel, travel[1:3]]), 2)).max() < 2e-4


@given(rate=st.floats(0.05, 4.0), loop=st.booleans(), seed=st.integers(0, 2**63 - 1))
def test_sway_keeps_to_its_amplitude_and_does_not_jerk(rate: float, loop: bool, seed: int) -> None:
    sway = Sway(0.02, rate, 300, loop, seed)
    offsets = np.array([sway.at(index)[0] for index in range(300)])
    assert np.abs(offsets).max() <= 0.02
    # The fastest of its sines bounds the acceleration; in a loop it may be rounded up by half a swing a clip.
    fastest = 2 * math.pi * max(1.414 * rate / 30 + loop * 0.5 / 300, loop / 300)
    assert np.abs(np.diff(offsets, 2)).max() <= 0.02 * fastest**2 * 1.001


def test_the_seed_decides_the_sway_alone() -> None:
    camera = Camera(zoom=1.2, sway=0.02)
    once, again, other = (a_path(camera, seed=seed) for seed in (1, 1, 2))
    assert [once.view(index) for index in range(5)] == [again.view(index) for index in range(5)]
    assert once.view(2) != other.view(2)
    still = [a_path(Camera(zoom=1.2), seed=seed).view(2) for seed in (1, 2)]
    assert still[0] == still[1]


def test_one_frame_is_enough() -> None:
    for loop in (False, True):
        path = a_path(Camera(zoom=2, pan_x=0.3, roll=40), 1, loop=loop)
        renderer = CameraRenderer(path, a_plate())
        assert path.overscan == pytest.approx(1)
        assert renderer.render(renderer.plate, 0).shape == (HEIGHT, WIDTH, 3)


def test_a_move_that_needs_far_more_picture_says_so() -> None:
    assert a_path(Camera(zoom=1.2)).advice is None
    wild = CameraPath(Camera(roll=90, pan_y=1, pan_x=1, dolly_zoom=-1, sway=0.1), 1920, 320, 5, False, 0)
    assert wild.overscan > 4
    assert wild.advice is not None


@given(st.lists(CAMERAS, min_size=1, max_size=4))
def test_joined_paths_go_on_from_each_other_and_never_leave_the_picture(moves: list[Camera]) -> None:
    steady = [move.model_copy(update={"sway": 0.0, "dolly_zoom": 0.0, "parallax": 0.0}) for move in moves]
    paths = [CameraPath(move, 320, 180, 12, loop=False, seed=1) for move in steady]
    CameraPath.join(paths)
    for before, after in pairwise(paths):
        end, begin = before.view(11).similarity, after.view(0).similarity
        assert abs(end.gain - begin.gain) < 1e-9 * abs(end.gain)
        assert abs(end.shift - begin.shift) < 1e-6
    seen = np.concatenate([path.view(index).source(path.outline) for path in paths for index in range(12)])
    assert np.abs(seen.real).max() <= 160 + 1e-6
    assert np.abs(seen.imag).max() <= 90 + 1e-6


def test_a_camera_that_rests_after_a_zoom_does_not_show_the_whole_picture() -> None:
    paths = [CameraPath(move, 320, 180, 12, loop=False, seed=1) for move in (Camera(zoom=2.0), Camera())]
    CameraPath.join(paths)
    assert not paths[1].is_still
    assert paths[1].view(5).magnification == pytest.approx(2.0)
