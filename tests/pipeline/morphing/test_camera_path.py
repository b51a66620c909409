"""The camera's way between two views: exact at its ends, the same backwards, and never torn on the way."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.morphing.camera_path import LARGEST_ZOOM, CameraPath, NoPath
from pipeline.morphing.matrices import Matrix, Points, transfer

WIDTH, HEIGHT = 320, 200
TIMES = np.linspace(0.0, 1.0, 9)
BORDER = np.concatenate(
    [
        [[x, y] for x in np.linspace(0, WIDTH - 1, 17) for y in (0, HEIGHT - 1)],
        [[x, y] for y in np.linspace(0, HEIGHT - 1, 11) for x in (0, WIDTH - 1)],
    ]
).astype(float)


def turn(degrees: float, scale: float = 1.0, right: float = 0.0, down: float = 0.0) -> Matrix:
    """About the centre of the picture, and then moved."""
    matrix = cv2.getRotationMatrix2D(((WIDTH - 1) / 2, (HEIGHT - 1) / 2), degrees, scale)
    moved = np.array([[1.0, 0.0, right], [0.0, 1.0, down], [0.0, 0.0, 1.0]])
    return np.asarray(moved @ np.vstack([matrix, [0.0, 0.0, 1.0]]))


def tilt(across: float, along: float) -> Matrix:
    return np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [across / WIDTH, along / HEIGHT, 1.0]])


moves = st.builds(
    lambda degrees, scale, right, down, across, along: turn(degrees, scale, right, down) @ tilt(across, along),
    st.floats(-175.0, 175.0),
    st.floats(0.5, 2.0),
    st.floats(-60.0, 60.0),
    st.floats(-40.0, 40.0),
    st.floats(-0.2, 0.2),
    st.floats(-0.2, 0.2),
)


def path(homography: Matrix, crop: bool = True) -> CameraPath:
    return CameraPath(homography, WIDTH, HEIGHT, crop)


def inside(points: Points, slack: float = 1.5) -> np.ndarray:
    """Which places lie in a picture, or nearly."""
    return np.asarray(((points >= -slack) & (points <= np.array([WIDTH - 1, HEIGHT - 1]) + slack)).all(axis=1))


@settings(max_examples=15)
@given(moves)
def test_it_begins_and_ends_with_the_views_themselves(homography: Matrix) -> None:
    try:
        way = path(homography, crop=False)
    except NoPath:
        assume(False)
    corners = BORDER[:4]
    assert transfer(way.from_first(0.0), corners)[0] == pytest.approx(corners, abs=1e-6)
    assert transfer(way.from_second(1.0), corners)[0] == pytest.approx(corners, abs=1e-6)
    assert transfer(way.from_first(1.0), corners)[0] == pytest.approx(transfer(homography, corners)[0], abs=1e-4)


@settings(max_examples=15)
@given(moves)
def test_the_way_back_is_the_same_way(homography: Matrix) -> None:
    try:
        there, back = path(homography), path(np.asarray(np.linalg.inv(homography)))
    except NoPath:
        assume(False)
    for t in TIMES:
        assert back.from_second(1.0 - t) == pytest.approx(there.from_first(t), rel=1e-3, abs=1e-3)


@settings(max_examples=15)
@given(moves)
def test_what_both_views_share_is_never_mirrored_nor_torn(homography: Matrix) -> None:
    try:
        way = path(homography, crop=False)
    except NoPath:
        assume(False)
    places = way.shared()[0]
    for t in TIMES:
        matrix = way.from_first(t)
        assert np.linalg.det(matrix) > 0.0
        assert (transfer(matrix, places)[1] > 0.0).all()


@settings(max_examples=15)
@given(moves)
def test_no_border_shows_that_neither_view_fills(homography: Matrix) -> None:
    try:
        way = path(homography)
    except NoPath:
        assume(False)
    for t in TIMES:
        seen = np.zeros(len(BORDER), bool)
        for matrix in (way.from_first(t), way.from_second(t)):
            places, depth = transfer(np.asarray(np.linalg.inv(matrix)), BORDER)
            seen |= inside(places) & (depth > 0.0)
        zoom = np.sqrt(np.linalg.det(way.from_first(t)[:2, :2]))
        assert seen.all() or zoom > 0.9 * LARGEST_ZOOM * min(1.0, np.sqrt(abs(np.linalg.det(homography[:2, :2]))))


@pytest.mark.parametrize("degrees", [30.0, 90.0, 170.0, -120.0])
def test_a_turn_turns_evenly_and_keeps_its_scale(degrees: float) -> None:
    way = path(turn(degrees), crop=False)
    for t in TIMES:
        assert way.from_first(t) == pytest.approx(turn(degrees * t), abs=1e-6)


@pytest.mark.parametrize("scale", [0.5, 1.5, 2.0])
def test_a_zoom_grows_by_the_same_factor_in_the_same_time(scale: float) -> None:
    way = path(turn(0.0, scale), crop=False)
    for t in TIMES:
        assert way.from_first(t) == pytest.approx(turn(0.0, scale**t), abs=1e-6)


def test_a_move_to_the_side_is_even_and_needs_no_zoom() -> None:
    way = path(turn(0.0, 1.0, 48.0))
    for t in TIMES:
        assert way.from_first(t) == pytest.approx(turn(0.0, 1.0, 48.0 * t), abs=0.6)


def test_a_turning_camera_is_met_half_way() -> None:
    def camera(degrees: float) -> Matrix:
        rays = np.array([[1, 0, -(WIDTH - 1) / 2], [0, 1, -(HEIGHT - 1) / 2], [0, 0, WIDTH]], float)
        rotation, _ = cv2.Rodrigues(np.radians([0.4 * degrees, degrees, 0.7 * degrees]))
        return np.asarray(np.linalg.inv(rays) @ rotation @ rays)

    half, _ = transfer(camera(2.0), BORDER)
    found, _ = transfer(path(camera(4.0), crop=False).from_first(0.5), BORDER)
    assert np.linalg.norm(half - BORDER, axis=1).max() > 15.0
    assert np.linalg.norm(found - half, axis=1).max() < 0.5


@settings(max_examples=15)
@given(moves)
def test_the_view_moves_without_a_jump(homography: Matrix) -> None:
    try:
        way = path(homography)
    except NoPath:
        assume(False)
    places = way.shared()[0]
    moved = np.array([transfer(way.from_first(t), places)[0] for t in np.linspace(0.0, 1.0, 101)])
    steps = np.linalg.norm(np.diff(moved, axis=0), axis=2).mean(axis=1)
    assert steps.max() < 5.0 * np.median(steps) + 0.5


@pytest.mark.parametrize(
    ("homography", "why"),
    [
        (np.array([[-1.0, 0.0, WIDTH - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), "share too little"),
        (turn(0.0, 1.0, 1.5 * WIDTH), "share too little"),
        (np.zeros((3, 3)), "degenerate"),
        (np.full((3, 3), math.nan), "degenerate"),
    ],
    ids=["mirrored", "apart", "zero", "not a number"],
)
def test_what_no_camera_does_has_no_path(homography: Matrix, why: str) -> None:
    with pytest.raises(NoPath, match=why):
        path(homography)
