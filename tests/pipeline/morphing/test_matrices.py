"""Powers of homographies, on matrices whose powers are known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.morphing.matrices import Matrix, exponential, logarithm, transfer, unit_matrix

small = st.floats(-0.4, 0.4)


def turn(degrees: float) -> Matrix:
    angle = math.radians(degrees)
    return np.array(
        [[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0], [0.0, 0.0, 1.0]]
    )


@given(st.lists(small, min_size=9, max_size=9))
def test_the_exponential_undoes_the_logarithm(entries: list[float]) -> None:
    matrix = exponential(np.array(entries).reshape(3, 3))
    found = logarithm(matrix)
    assert found is not None
    assert found == pytest.approx(np.array(entries).reshape(3, 3), abs=1e-7)
    assert exponential(found) == pytest.approx(matrix, abs=1e-7)


@given(st.floats(-170.0, 170.0), st.floats(0.0, 1.0))
def test_a_power_of_a_turn_is_a_part_of_it(degrees: float, share: float) -> None:
    found = logarithm(turn(degrees))
    assert found is not None
    assert exponential(share * found) == pytest.approx(turn(share * degrees), abs=1e-7)


@pytest.mark.parametrize(
    "matrix", [np.diag([-1.0, 1.0, 1.0]), np.diag([1.0, 1.0, 0.0]), np.zeros((3, 3)), np.full((3, 3), np.nan)]
)
def test_what_has_no_real_logarithm_has_none(matrix: Matrix) -> None:
    assert logarithm(matrix) is None


def test_units_do_not_depend_on_the_size() -> None:
    corners = [transfer(unit_matrix(w, h), np.array([[0.0, 0.0], [w - 1.0, h - 1.0]]))[0] for w, h in ((301, 201),) * 2]
    assert corners[0][0] == pytest.approx(-corners[0][1])
    centre, _ = transfer(unit_matrix(640, 480), np.array([[319.5, 239.5]]))
    assert centre == pytest.approx(np.zeros((1, 2)))
    edges, _ = transfer(unit_matrix(640, 480), np.array([[-0.5, -0.5], [639.5, 479.5]]))
    assert np.linalg.norm(edges, axis=1) == pytest.approx([1.0, 1.0])


def test_depth_tells_what_lies_behind_the_camera() -> None:
    tilted = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-0.01, 0.0, 1.0]])
    places, depth = transfer(tilted, np.array([[50.0, 10.0], [100.0, 10.0], [150.0, 10.0]]))
    assert places[0] == pytest.approx([100.0, 20.0])
    assert depth == pytest.approx([0.5, 0.0, -0.5])
    assert np.isfinite(places).all()
