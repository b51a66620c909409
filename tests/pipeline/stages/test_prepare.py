from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.context import Context
from pipeline.errors import Cancelled, InvalidImage
from pipeline.frames import Frame, Mask, PreparedImage
from pipeline.records import Notice
from pipeline.settings import MAX_SIDE, MIN_SIDE, make_settings
from pipeline.stages.prepare import MAX_DETAIL, Prepare, find_crop, plate_size

RAMP = 0.25
"""Levels a pixel in the pictures whose pixels tell where they come from."""


def ramps(width: int, height: int) -> Frame:
    """A picture in which red grows by RAMP a pixel to the right and green downwards; at most 1000 pixels a side.

    It is dithered so strongly that means over rows and columns stay exact when it is scaled and rounded again; the
    dither lifts it by 1.5 levels.
    """
    y, x = np.mgrid[0:height, 0:width]
    levels = np.stack([x * RAMP, y * RAMP, np.full_like(x, 90)], axis=-1)
    picture: Frame = np.floor(levels + 4 * np.random.default_rng(0).random(levels.shape)).astype(np.uint8)
    return picture


def prepare(
    tmp_path: Path,
    picture: Frame,
    size: tuple[int, int],
    masks: tuple[Mask, ...] = (),
    focus: tuple[float, float] = (0.5, 0.5),
) -> tuple[PreparedImage, list[Notice]]:
    path = tmp_path / "picture.png"
    Image.fromarray(picture).save(path)
    mask_paths = [tmp_path / f"mask{index}.png" for index in range(len(masks))]
    for mask_path, mask in zip(mask_paths, masks, strict=True):
        Image.fromarray(mask).save(mask_path)
    changes = {"width": size[0], "height": size[1], "masks": mask_paths, "focus_x": focus[0], "focus_y": focus[1]}
    notices: list[Notice] = []
    context = Context(seed=0, threads=1, work_dir=tmp_path, notify=notices.append)
    return Prepare()(path, make_settings({"prepare": changes}), context), notices


def shown(frame: Frame) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what a picture shows of `ramps`, read from lines fitted to its pixels."""
    height, width = frame.shape[:2]
    edges = []
    for values, length in ((frame[..., 0].mean(axis=0), width), (frame[..., 1].mean(axis=1), height)):
        inner = slice(length // 8, -(length // 8))
        slope, start = np.polyfit((np.arange(length) + 0.5)[inner], (values[inner] - 1.5) / RAMP + 0.5, 1)
        edges.append((start, start + slope * length))
    return edges[0][0], edges[1][0], edges[0][1], edges[1][1]


@pytest.mark.parametrize("focus", [(0.5, 0.5), (0.0, 0.0), (1.0, 1.0), (0.3, 0.8)])
@pytest.mark.parametrize(
    ("image", "size"),
    [((1000, 600), (320, 180)), ((1000, 600), (200, 300)), ((999, 601), (321, 123)), ((600, 1000), (640, 320))],
)
def test_the_crop_is_where_it_should_be_to_a_fraction_of_a_pixel(
    image: tuple[int, int], size: tuple[int, int], focus: tuple[float, float], tmp_path: Path
) -> None:
    prepared, _ = prepare(tmp_path, ramps(*image), size, focus=focus)
    crop_width = min(image[0], image[1] * size[0] / size[1])
    crop_height = min(image[1], image[0] * size[1] / size[0])
    left, top = (image[0] - crop_width) * focus[0], (image[1] - crop_height) * focus[1]
    expected = (left, top, left + crop_width, top + crop_height)
    for picture in (prepared.image, prepared.plate):
        assert shown(picture) == pytest.approx(expected, abs=0.2)


@given(
    st.tuples(st.integers(MIN_SIDE, 20000), st.integers(MIN_SIDE, 20000)),
    st.tuples(st.integers(MIN_SIDE, MAX_SIDE), st.integers(MIN_SIDE, MAX_SIDE)),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_crops_and_plates_never_stretch_and_stay_inside(
    image: tuple[int, int], size: tuple[int, int], focus: tuple[float, float]
) -> None:
    crop = find_crop(image, size, focus)
    assert crop.width / crop.height == pytest.approx(size[0] / size[1], rel=1e-12)
    assert crop.width == image[0] or crop.height == image[1]
    left, top, right, bottom = crop.box(*image)
    assert 0 <= left < right <= image[0]
    assert 0 <= top < bottom <= image[1]
    width, height = plate_size(crop, size)
    assert Fraction(width, height) == Fraction(*size)
    assert size[0] <= width <= MAX_DETAIL * size[0]
    assert width >= min(int(crop.width), MAX_DETAIL * size[0])


def test_the_image_has_the_size_of_the_video_and_the_plate_twice_that(tmp_path: Path) -> None:
    prepared, notices = prepare(tmp_path, ramps(1000, 600), (300, 180))
    assert prepared.image.shape == (180, 300, 3)
    assert prepared.plate.shape == (360, 600, 3)
    assert notices == []


def test_the_plate_is_the_image_itself_where_there_is_no_more_detail(tmp_path: Path) -> None:
    prepared, notices = prepare(tmp_path, ramps(300, 180), (300, 180))
    assert prepared.plate is prepared.image
    assert (prepared.image == ramps(300, 180)).all()
    assert notices == []


def test_the_plate_has_the_crops_own_size_between(tmp_path: Path) -> None:
    prepared, _ = prepare(tmp_path, ramps(450, 270), (300, 180))
    assert (prepared.plate == ramps(450, 270)).all()


@pytest.mark.parametrize(("side", "level"), [(200, "info"), (120, "warning")])
def test_a_small_image_brings_advice(side: int, level: str, tmp_path: Path) -> None:
    _, (notice,) = prepare(tmp_path, ramps(side, side), (240, 240))
    assert notice.level == level
    assert f"{side} x {side}" in notice.message
    assert "choose a larger image" in notice.message


def test_fine_stripes_become_grey_without_a_pattern(tmp_path: Path) -> None:
    """Shrunk black and white lines must not alias into wide bands."""
    stripes = np.zeros((900, 900, 3), np.uint8)
    stripes[::2] = 255
    prepared, _ = prepare(tmp_path, stripes, (130, 130))
    assert np.ptp(prepared.image[5:-5].astype(int)) <= 4


def test_masks_go_through_the_same_crop_whatever_their_size(tmp_path: Path) -> None:
    large = ramps(1000, 600)[..., 0]
    small = np.array(Image.fromarray(large).resize((500, 300), Image.Resampling.LANCZOS))
    prepared, notices = prepare(tmp_path, ramps(1000, 600), (240, 240), masks=(large, small), focus=(0.2, 0.5))
    assert notices == []
    assert [mask.shape for mask in prepared.masks] == [(480, 480), (480, 480)]
    for mask in prepared.masks:
        offset = (mask.astype(float) - prepared.plate[..., 0]).mean() / RAMP
        assert offset == pytest.approx(0.0, abs=0.25)


def test_a_black_mask_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidImage, match=r"The mask 'mask0.png' is black all over: paint white"):
        prepare(tmp_path, ramps(100, 60), (60, 36), masks=(np.full((60, 100), 3, np.uint8),))


def test_a_mask_outside_the_crop_is_said(tmp_path: Path) -> None:
    mask = np.zeros((600, 1000), np.uint8)
    mask[:, 900:] = 255
    prepared, (notice,) = prepare(tmp_path, ramps(1000, 600), (120, 120), masks=(mask,), focus=(0.0, 0.0))
    assert prepared.masks[0].max() == 0
    assert notice.level == "warning"
    assert "mask0.png" in notice.message


def test_stop_is_heeded(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(ramps(64, 64)).save(path)
    context = Context(seed=0, threads=1, work_dir=tmp_path, is_cancelled=lambda: True)
    with pytest.raises(Cancelled):
        Prepare()(path, make_settings({"prepare": {"width": 32, "height": 32}}), context)


def test_the_same_file_gives_the_same_pixels(tmp_path: Path) -> None:
    first, _ = prepare(tmp_path, ramps(777, 555), (300, 200))
    second, _ = prepare(tmp_path, ramps(777, 555), (300, 200))
    assert (first.plate == second.plate).all()
    assert (first.image == second.image).all()
