"""From coordinates to masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines.florence2.masks import mask_of_boxes, mask_of_polygons


def test_a_box_is_white_inside_and_black_outside() -> None:
    mask = mask_of_boxes([(10, 5, 29, 24)], 60, 40)
    assert mask.shape == (40, 60)
    assert mask.dtype == np.uint8
    assert (mask[6:24, 11:29] == 255).all()
    assert mask[:4].max() == mask[26:].max() == mask[:, :9].max() == mask[:, 31:].max() == 0


def test_a_triangle_covers_its_area_with_smooth_edges() -> None:
    mask = mask_of_polygons([(10, 10, 190, 10, 10, 190)], 200, 200)
    assert mask.sum() / 255 == pytest.approx(180 * 180 / 2, rel=0.03)
    assert ((mask > 0) & (mask < 255)).any()


def test_parts_that_overlap_are_joined() -> None:
    mask = mask_of_boxes([(0, 0, 40, 40), (20, 20, 60, 60)], 80, 80)
    assert mask[30, 30] == mask[10, 10] == mask[50, 50] == 255


@pytest.mark.parametrize(
    "polygon", [(), (1.0,), (5, 5, 9, 9), (5, 5, 9, 9, 13, 13), (3, 3, 3, 3, 3, 3), (1, 1, 2, 2, 7)]
)
def test_what_has_no_area_counts_for_nothing(polygon: tuple[float, ...]) -> None:
    assert not mask_of_polygons([polygon], 20, 20).any()


@given(st.lists(st.lists(st.integers(-50, 2000), max_size=30), max_size=4), st.integers(1, 90), st.integers(1, 90))
def test_any_coordinates_give_a_mask_of_the_size(polygons: list[list[int]], width: int, height: int) -> None:
    assert mask_of_polygons(polygons, width, height).shape == (height, width)
