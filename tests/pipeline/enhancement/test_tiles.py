"""Tiles: all is covered, nothing is seen twice or not at all, and no seam shows."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.enhancement.tiles import OVERLAP, spans, tiled
from pipeline.frames import Frame
from tests.photos import CHELSEA, COFFEE, photo


def doubled(frame: Frame) -> Frame:
    return np.asarray(cv2.resize(frame, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)


@given(st.integers(1, 5000), st.integers(OVERLAP + 32, 600))
@settings(max_examples=200)
def test_kept_parts_cover_an_axis_and_only_meet_in_their_ramps(length: int, tile: int) -> None:
    found = spans(length, tile)
    assert (found[0].first, found[-1].last) == (0, length)
    for span in found:
        assert 0 <= span.start <= span.first < span.last <= span.stop <= length
        assert span.stop - span.start == min(tile, length)
    for left, right in pairwise(found):
        assert left.last - right.first == right.ramp
        # what lies near the border of a tile is dropped, unless it is the border of the picture
        assert left.stop - left.last >= OVERLAP // 4
        assert right.first - right.start >= OVERLAP // 4


@given(st.integers(1, 150), st.integers(1, 150), st.integers(64, 130), st.integers(1, 3))
@settings(max_examples=30)
def test_what_a_network_does_to_single_pixels_is_the_same_in_tiles(
    width: int, height: int, tile: int, scale: int
) -> None:
    frame = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)

    def network(piece: Frame) -> Frame:
        return (255 - piece).repeat(scale, axis=0).repeat(scale, axis=1)

    assert (tiled(frame, scale, tile, network) == network(frame)).all()


@pytest.mark.parametrize("name", [CHELSEA, COFFEE])
def test_no_seam_shows_where_a_network_sees_less_than_the_overlap(name: str) -> None:
    frame = photo(name)
    assert (tiled(frame, 2, 128, doubled) == doubled(frame)).all()


def test_tiles_that_come_out_at_different_levels_cross_over_softly() -> None:
    count = 0

    def drifting(piece: Frame) -> Frame:
        nonlocal count
        count += 1
        return np.full_like(piece, 100 + 10 * (count % 2))

    made = tiled(np.zeros((128, 500, 3), np.uint8), 1, 128, drifting)
    assert np.abs(np.diff(made[..., 0].astype(int), axis=1)).max() <= 1


def test_a_frame_that_fits_one_tile_is_passed_as_it_is() -> None:
    frame = photo(CHELSEA)
    seen: list[Frame] = []

    def network(piece: Frame) -> Frame:
        seen.append(piece)
        return piece

    tiled(frame, 1, 512, network)
    assert len(seen) == 1
    assert seen[0] is frame
