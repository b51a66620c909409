"""What is taken out of a picture is filled with what is around it."""

import numpy as np
import pytest

from pipeline.engines.motion.parallax.fill import fill, spread
from pipeline.frames import Frame


def stripes(width: int = 160, height: int = 120) -> Frame:
    """Sharp diagonal stripes that no smooth filling can continue."""
    y, x = np.mgrid[:height, :width]
    light = ((x + y) // 6 % 2).astype(bool)
    return np.where(light[..., None], [220, 200, 60], [30, 60, 140]).astype(np.uint8)


def hole_in(image: Frame, margin: int = 45) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    hole = np.zeros(image.shape[:2], np.bool_)
    hole[margin:-margin, margin:-margin] = True
    return hole


def test_texture_goes_on() -> None:
    image = stripes()
    hole = hole_in(image)
    damaged = image.copy()
    damaged[hole] = 255
    found = fill(damaged, hole, 100.0)
    error = np.abs(found.astype(int) - image)[hole].mean()
    assert error < 25
    assert found[hole].std() > 0.8 * image[hole].std()


def test_what_is_known_stays_to_the_bit_and_what_is_hidden_has_no_say() -> None:
    image = stripes()
    hole = hole_in(image)
    other = image.copy()
    other[hole] = np.random.default_rng(0).integers(0, 256, (int(hole.sum()), 3))
    one, two = fill(image, hole, 12.0), fill(other, hole, 12.0)
    np.testing.assert_array_equal(one[~hole], image[~hole])
    np.testing.assert_array_equal(one, fill(image, hole, 12.0))
    assert np.abs(one.astype(int) - two).mean() < 40  # only the start of the search may differ


@pytest.mark.parametrize("shape", [(16, 16), (16, 90), (40, 23), (120, 1)])
def test_small_and_narrow_pictures_are_filled_too(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 90, np.uint8)
    hole = np.zeros(shape, np.bool_)
    hole[shape[0] // 3 : shape[0] // 2] = True
    image[hole] = 255
    assert np.abs(fill(image, hole, 9.0).astype(int) - 90).max() <= 1


def test_nothing_to_fill_and_nothing_to_fill_from() -> None:
    image = stripes(40, 30)
    np.testing.assert_array_equal(fill(image, np.zeros((30, 40), np.bool_), 9.0), image)
    np.testing.assert_array_equal(fill(image, np.ones((30, 40), np.bool_), 9.0), image)


def test_a_plane_is_continued_between_its_edges() -> None:
    values = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))
    known = np.ones(values.shape, np.bool_)
    known[10:30, 20:40] = False
    found = spread(np.where(known, values, 7).astype(np.float32), known)
    np.testing.assert_array_equal(found[known], values[known])
    assert 0.25 < found[20, 30] < 0.75
    assert found.min() >= 0.0
    assert found.max() <= 1.0
