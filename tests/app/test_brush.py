"""The motion brush: strokes become masks of the image's size, and regions follow the colours."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.brush import (
    COLOURS,
    PREVIEW_SIDE,
    Stroke,
    area_url,
    draw_masks,
    parse_strokes,
    picture_url,
    plan_for,
    write_masks,
)
from pipeline.errors import InvalidSetting
from pipeline.frames import Mask
from pipeline.motion_plan import MotionPlan, Region, RegionKind

WIDTH, HEIGHT = 400, 200


def stroke(region: int, *points: tuple[float, float], size: float = 0.1) -> Stroke:
    return Stroke(tool="brush", region=region, size=size, points=points)


def drawn(*strokes: Stroke, areas: dict[int, Mask] | None = None) -> dict[int, Mask]:
    masks = draw_masks(strokes, areas or {}, WIDTH, HEIGHT)
    return {region: np.array(mask) for region, mask in masks.items()}


def test_a_stroke_covers_its_path_with_the_width_of_the_brush() -> None:
    mask = drawn(stroke(0, (0.25, 0.5), (0.75, 0.5)))[0]
    assert mask.shape == (HEIGHT, WIDTH)
    assert (mask[100, 100:300] == 255).all()
    column = mask[:, 200] > 127
    assert abs(int(column.sum()) - 40) <= 2
    assert mask[20, 200] == 0
    assert mask[100, 350] == 0


def test_ends_are_round_and_edges_soft() -> None:
    mask = drawn(stroke(0, (0.5, 0.5)))[0]
    assert abs(int((mask > 127).sum()) - np.pi * 20**2) < 60
    edge = mask[100, 215:226]
    assert len(np.unique(edge)) > 4


def test_a_dot_at_the_edge_of_the_image_stays_inside() -> None:
    mask = drawn(stroke(0, (0.0, 0.0), (-0.5, -0.5)))[0]
    assert mask[0, 0] == 255


def test_each_colour_is_a_mask_of_its_own() -> None:
    masks = drawn(stroke(0, (0.2, 0.5)), stroke(2, (0.8, 0.5)))
    assert list(masks) == [0, 2]
    assert masks[0][100, 320] == 0
    assert masks[2][100, 80] == 0


def test_the_eraser_takes_away_what_was_painted_before_it_and_not_after() -> None:
    eraser = Stroke(tool="eraser", size=0.2, points=((0.5, 0.5),))
    assert drawn(stroke(0, (0.5, 0.5)), eraser) == {}
    assert 0 in drawn(eraser, stroke(0, (0.5, 0.5)))


def test_a_found_area_is_drawn_in_the_size_of_the_image_and_can_be_erased_in_part() -> None:
    area = np.zeros((50, 100), np.uint8)
    area[:, :50] = 255
    eraser = Stroke(tool="eraser", size=0.1, points=((0.25, 0.5),))
    mask = drawn(Stroke(tool="area", region=1), eraser, areas={1: area})[1]
    assert mask[10, 100] == 255
    assert mask[100, 100] == 0
    assert mask[100, 300] == 0


def test_an_area_that_is_gone_draws_nothing() -> None:
    assert drawn(Stroke(tool="area", region=1)) == {}


@given(
    width=st.integers(16, 300),
    height=st.integers(16, 300),
    points=st.lists(st.tuples(st.floats(-1, 2), st.floats(-1, 2)), min_size=1, max_size=5),
    size=st.floats(0.001, 1),
)
def test_any_stroke_gives_masks_of_the_size_of_the_image(
    width: int, height: int, points: list[tuple[float, float]], size: float
) -> None:
    masks = draw_masks([stroke(3, *points, size=size)], {}, width, height)
    assert all(mask.size == (width, height) and mask.mode == "L" for mask in masks.values())


@pytest.mark.parametrize(
    "value",
    [
        "text",
        [{"tool": "pencil"}],
        [{"tool": "brush", "region": len(COLOURS)}],
        [{"tool": "brush", "region": 0, "size": 0, "points": []}],
        [{"tool": "brush", "region": 0, "size": 0.1, "points": [[0.1, float("nan")]]}],
        [{"tool": "brush", "region": 0, "size": 0.1, "points": [[0.1, 0.2]], "path": "/etc/passwd"}],
        [{"tool": "brush"}] * 2001,
    ],
)
def test_what_is_no_list_of_strokes_is_refused_in_one_sentence(value: Any) -> None:
    with pytest.raises(InvalidSetting, match="clear the brush"):
        parse_strokes(value)


def test_strokes_of_the_page_are_read() -> None:
    sent = [{"tool": "brush", "region": 1, "size": 0.07, "points": [[0.1, 0.2], [0.3, 0.4]]}, {"tool": "area"}]
    assert [each.tool for each in parse_strokes(sent)] == ["brush", "area"]
    assert parse_strokes(None) == ()


def test_masks_are_written_in_the_order_of_their_regions(tmp_path: Path) -> None:
    masks = draw_masks([stroke(3, (0.2, 0.2)), stroke(1, (0.8, 0.8))], {}, WIDTH, HEIGHT)
    paths = write_masks(masks, tmp_path / "masks")
    assert [path.name for path in paths] == ["area_2.png", "area_4.png"]
    with Image.open(paths[0]) as image:
        assert np.array_equal(np.array(image), np.array(masks[1]))


WATER, CLOUDS, SMOKE = (Region(kind=kind) for kind in (RegionKind.WATER, RegionKind.CLOUDS, RegionKind.SMOKE))


@pytest.mark.parametrize(
    ("regions", "painted", "named", "expected"),
    [
        ((WATER, CLOUDS), [1], 2, (CLOUDS, WATER)),
        ((WATER, CLOUDS, SMOKE), [0, 2], 3, (WATER, SMOKE, CLOUDS)),
        ((WATER, Region(), Region()), [2], 1, (Region(), WATER)),
        ((WATER,), [2], 1, (Region(), WATER)),
        ((), [3], 0, (Region(),)),
    ],
)
def test_painted_regions_come_first_in_the_order_of_their_masks(
    regions: tuple[Region, ...], painted: list[int], named: int, expected: tuple[Region, ...]
) -> None:
    assert plan_for(MotionPlan(regions=regions), painted, named).regions == expected


def decoded(url: str) -> Image.Image:
    image = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    image.load()
    return image


def test_a_large_photo_is_shown_small_and_a_small_one_as_it_is() -> None:
    assert decoded(picture_url(Image.new("RGB", (4000, 1000)))).size == (PREVIEW_SIDE, 400)
    assert decoded(picture_url(Image.new("RGB", (300, 200)))).size == (300, 200)


def test_an_area_is_shown_in_its_colour_and_clear_outside() -> None:
    area = np.zeros((20, 40), np.uint8)
    area[:, 20:] = 255
    picture = np.array(decoded(area_url(area, 1)))
    assert picture[5, 30].tolist() == [0xFF, 0xC2, 0x33, 255]
    assert picture[5, 5, 3] == 0
