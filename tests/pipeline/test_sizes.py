from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.settings import MAX_SIDE, MIN_SIDE, PrepareSettings
from pipeline.sizes import WIDEST, largest_side, smallest_side, target_size

sides = st.integers(MIN_SIDE, MAX_SIDE)
image_sides = st.integers(MIN_SIDE, 40000)
multiples = st.sampled_from([1, 2, 4, 8, 16, 32, 64])


@pytest.mark.parametrize(
    ("image", "multiple", "expected"),
    [
        ((4032, 3024), 2, (960, 720)),
        ((3024, 4032), 2, (720, 960)),
        ((6000, 4000), 2, (1080, 720)),
        ((1920, 1080), 2, (1280, 720)),
        ((1, 1), 2, (720, 720)),
        ((5000, 1000), 2, (1728, 720)),
        ((1000, 5000), 2, (720, 1728)),
        ((1920, 1080), 32, (1248, 704)),
    ],
)
def test_the_resolution_is_the_shorter_side(image: tuple[int, int], multiple: int, expected: tuple[int, int]) -> None:
    width, height, _ = target_size(PrepareSettings(), *image, multiple)
    assert (width, height) == expected


def test_480p_of_a_wide_screen_picture_is_854_pixels_wide() -> None:
    assert target_size(PrepareSettings(resolution=480), 1920, 1080, 2)[:2] == (854, 480)


def test_a_width_that_does_not_fit_goes_down_and_says_why() -> None:
    width, height, notices = target_size(PrepareSettings(width=641, height=480), 99, 77, 2, "mp4 needs even sides")
    assert (width, height) == (640, 480)
    (notice,) = notices
    assert (notice.setting, notice.before, notice.after) == ("prepare.width", 641, 640)
    assert notice.message == "prepare.width was changed from 641 to 640: mp4 needs even sides."


def test_one_side_given_lets_the_other_follow_the_image() -> None:
    assert target_size(PrepareSettings(width=640), 3000, 2000, 2) == (640, 426, [])
    assert target_size(PrepareSettings(height=640), 3000, 2000, 2) == (960, 640, [])


def test_a_side_that_cannot_follow_the_image_is_said() -> None:
    width, height, (notice,) = target_size(PrepareSettings(width=4096), 100, 300, 2)
    assert (width, height) == (4096, 4096)
    assert notice.level == "warning"
    assert "12288" in notice.message


def test_a_panorama_is_cropped_to_cinema_scope_and_it_is_said() -> None:
    width, height, (notice,) = target_size(PrepareSettings(resolution=1000), 9000, 1000, 2)
    assert (width, height) == (2400, 1000)
    assert notice.level == "warning"
    assert "2.4:1" in notice.message


def test_the_longer_side_stays_within_bounds() -> None:
    width, height, (notice,) = target_size(PrepareSettings(resolution=2160), 2000, 1000, 2)
    assert (width, height) == (4096, 2048)
    assert (notice.setting, notice.before, notice.after) == ("prepare.resolution", 2160, 2048)


@given(st.none() | sides, st.none() | sides, st.integers(MIN_SIDE, 2160), image_sides, image_sides, multiples)
def test_every_size_can_be_made_and_comes_back_unchanged(
    width: int | None, height: int | None, resolution: int, image_width: int, image_height: int, multiple: int
) -> None:
    asked = PrepareSettings(width=width, height=height, resolution=resolution)
    made = target_size(asked, image_width, image_height, multiple)
    for side in made[:2]:
        assert smallest_side(multiple) <= side <= largest_side(multiple)
        assert side % multiple == 0
    again = PrepareSettings(width=made[0], height=made[1], resolution=resolution)
    assert target_size(again, image_width, image_height, multiple) == (made[0], made[1], [])


@given(sides, sides, image_sides, image_sides, multiples)
def test_given_sides_are_kept_or_the_change_is_said(
    width: int, height: int, image_width: int, image_height: int, multiple: int
) -> None:
    asked = PrepareSettings(width=width, height=height)
    *made, notices = target_size(asked, image_width, image_height, multiple)
    said = {notice.setting: (notice.before, notice.after) for notice in notices}
    for name, before, after in (("prepare.width", width, made[0]), ("prepare.height", height, made[1])):
        assert said.get(name, (before, before)) == (before, after)
        assert after == smallest_side(multiple) or before - multiple < after <= before


@given(st.integers(MIN_SIDE, 2160), image_sides, image_sides, multiples)
def test_the_aspect_is_the_images_to_half_a_multiple(
    resolution: int, image_width: int, image_height: int, multiple: int
) -> None:
    width, height, _ = target_size(PrepareSettings(resolution=resolution), image_width, image_height, multiple)
    aspect = min(Fraction(max(image_width, image_height), min(image_width, image_height)), WIDEST)
    short, long = sorted((width, height))
    assert abs(long - short * aspect) <= Fraction(multiple, 2)
    assert (width >= height) == (image_width >= image_height) or width == height
