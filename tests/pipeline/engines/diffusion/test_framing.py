"""A picture in a frame of another shape, and out again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines.diffusion.framing import inner_size, put_into_frame, take_from_frame

SIDE = st.integers(1, 200)


@given(picture=st.tuples(SIDE, SIDE), frame=st.tuples(SIDE, SIDE))
def test_the_picture_touches_two_edges_of_the_frame_and_leaves_none(
    picture: tuple[int, int], frame: tuple[int, int]
) -> None:
    width, height = inner_size(picture, frame)
    assert 1 <= width <= frame[0]
    assert 1 <= height <= frame[1]
    assert width == frame[0] or height == frame[1]


@given(width=st.integers(8, 96), height=st.integers(8, 96), frame=st.tuples(st.integers(64, 96), st.integers(64, 96)))
def test_there_and_back_shows_the_whole_picture_undistorted(width: int, height: int, frame: tuple[int, int]) -> None:
    y, x = np.mgrid[0:height, 0:width]
    ramps = np.stack([x * 200 / width, y * 200 / height, np.full_like(x, 90, float)], axis=-1).astype(np.uint8)
    framed = put_into_frame(ramps, *frame)
    assert framed.shape == (frame[1], frame[0], 3)
    back = take_from_frame(framed, width, height)
    assert back.shape == ramps.shape
    # Up to the rounding of the inner size to whole pixels, on ramps of 200 levels.
    assert np.abs(back.astype(int) - ramps).mean() < 200 / min(width, height)


def test_what_lies_beside_the_picture_is_its_mirror() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 32, 3), np.uint8)
    framed = put_into_frame(picture, 64, 64)
    assert np.array_equal(framed[:, 16:48], picture)
    assert np.array_equal(framed[:, :16], picture[:, 15::-1])


@pytest.mark.parametrize("size", [(64, 64), (16, 64)])
def test_the_same_shape_is_the_same_picture(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    assert np.array_equal(put_into_frame(picture, *size), picture)
    assert np.array_equal(take_from_frame(picture, *size), picture)
