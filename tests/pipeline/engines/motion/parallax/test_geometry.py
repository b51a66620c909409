"""The camera in depth against a pinhole camera."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engines.motion.camera import CameraPath
from pipeline.engines.motion.parallax.geometry import DepthPath, DepthRange
from pipeline.motion_plan import Camera

SIZE = (320, 180)
CLIP = (21, False, 1)

cameras = st.builds(
    Camera,
    zoom=st.floats(0.6, 1.8),
    zoom_x=st.floats(0, 1),
    zoom_y=st.floats(0, 1),
    pan_x=st.floats(-0.3, 0.3),
    pan_y=st.floats(-0.3, 0.3),
    roll=st.floats(-20, 20),
    dolly_zoom=st.floats(-0.5, 0.5),
    sway=st.floats(0, 0.01),
    orbit=st.booleans(),
)


@given(camera=cameras)
@settings(max_examples=25, deadline=None)
def test_what_is_at_distance_1_does_what_the_plan_says(camera: Camera) -> None:
    camera = camera.model_copy(update={"orbit": False, "dolly_zoom": 0.0})
    flat, deep = CameraPath(camera, *SIZE, CLIP[0], CLIP[1], CLIP[2]), DepthPath(camera, SIZE, CLIP, (1.0, 1.0))
    for index in (0, 7, 20):
        expected = flat.view(index).source(flat.outline)
        np.testing.assert_allclose(deep.view(index).source(flat.outline, 1.0), expected, atol=1e-6)


@given(camera=cameras, low=st.floats(0, 1), high=st.floats(1, 2))
@settings(max_examples=25, deadline=None)
def test_no_frame_leaves_the_picture(camera: Camera, low: float, high: float) -> None:
    path = DepthPath(camera, SIZE, CLIP, (low, high))
    for index in range(CLIP[0]):
        for depth in (low, 1.0, high):
            seen = path.view(index).source(path.flat.outline, depth)
            assert np.abs(seen.real).max() <= SIZE[0] / 2 + 1e-6
            assert np.abs(seen.imag).max() <= SIZE[1] / 2 + 1e-6


@pytest.mark.parametrize("depth", [0.0, 0.5, 1.0, 1.5])
def test_a_dolly_magnifies_by_distance(depth: float) -> None:
    """A camera that comes forward by f before a thing at distance 1 / D sees it 1 / (1 - D f) times as large."""
    view = DepthPath(Camera(zoom=1.25), SIZE, CLIP, (0.0, 1.5)).view(20)
    forward = 1 - 1 / 1.25
    point = np.array([40 + 30j])
    assert view.source(point, depth)[0] == pytest.approx((40 + 30j) * (1 - depth * forward))
    assert view.scale(depth) == pytest.approx(1 - depth * forward)


@pytest.mark.parametrize("depth", [0.0, 1.0, 2.0])
def test_an_orbit_holds_the_middle_and_turns_the_rest(depth: float) -> None:
    path = DepthPath(Camera(pan_x=0.1, orbit=True), SIZE, CLIP, (0.0, 2.0))
    centre, scale = np.zeros(1, np.complex128), 1 / path.overscan
    moved = path.view(20).source(centre, depth)[0] - path.view(0).source(centre, depth)[0]
    assert moved == pytest.approx((depth - 1) * 32 * scale, abs=1e-9)


def test_a_dolly_zoom_keeps_the_subject_and_enlarges_what_is_far() -> None:
    path = DepthPath(Camera(dolly_zoom=0.5), SIZE, CLIP, (0.0, 1.0))
    sizes = [abs(path.view(20).source(np.array([0j, 10 + 0j]), depth) @ [-1, 1]) for depth in (1.0, 0.0)]
    before = abs(path.view(0).source(np.array([0j, 10 + 0j]), 1.0) @ [-1, 1])
    assert before / sizes[0] == pytest.approx(1.0)
    assert before / sizes[1] == pytest.approx(math.sqrt(2))


@given(strength=st.floats(0, 1), focus=st.floats(0, 1))
def test_inverse_depths_are_positive_and_grow_with_nearness(strength: float, focus: float) -> None:
    depths = DepthRange(strength, focus)
    far, near = depths.inverse_depth(0.0), depths.inverse_depth(1.0)
    assert -1e-9 <= far <= near <= 2.5 + 1e-9
    if focus >= 0.4:
        assert depths.inverse_depth(focus) == pytest.approx(1.0, abs=0.3)
