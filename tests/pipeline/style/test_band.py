"""Frames painted in bands: as they would be in one piece."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frames import Frame
from pipeline.style import ImagePainter, ImageStyle, Painter, RecipePainter, band, get_recipe, style_names, styled
from pipeline.style.weave import Weave
from tests.photos import ASTRONAUT, COFFEE, photo


def painter(name: str, side: int) -> Painter:
    return RecipePainter(get_recipe(name), side) if name else ImagePainter(ImageStyle(photo(COFFEE), side))


def film() -> list[Frame]:
    """A camera that goes down over a photo, so that textures lie between pixels."""
    frames = []
    for index in range(3):
        matrix = np.array([[1.2, 0, -60 - 3.3 * index], [0, 1.2, -30 - 2.7 * index]])
        frames.append(np.asarray(cv2.warpAffine(photo(ASTRONAUT), matrix, (480, 360)), np.uint8))
    return frames


@pytest.mark.parametrize("name", [*style_names(), ""])
def test_bands_show_no_seam(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A painting in bands differs from one in one piece by next to nothing, and no more where bands meet."""
    whole = list(styled(film(), 3, painter(name, 360), 1.0, 2))
    monkeypatch.setattr(band, "PIXELS", 480 * 40)
    in_bands = list(styled(film(), 3, painter(name, 360), 1.0, 2))
    apart = np.abs(np.stack(whole).astype(int) - np.stack(in_bands))
    assert apart.mean() < 0.001
    assert apart.mean(axis=(0, 2, 3)).max() < 0.02


@given(width=st.integers(16, 4000), height=st.integers(16, 3000), reach=st.floats(0, 300, allow_nan=False))
def test_every_row_is_painted_once_with_all_that_it_depends_on(width: int, height: int, reach: float) -> None:
    still = np.zeros((9, 16, 2), np.float32)
    weave = Weave(width, height, (still, still), (1.0, 0.0), np.zeros((9, 16), np.uint8))
    cut, all_rows = [each.rows for each in band.bands(weave, still, reach)], list(range(height))
    assert [row for each in cut for row in all_rows[each.own]] == all_rows
    assert all(one.own.stop == other.own.start for one, other in pairwise(cut))
    for each in cut:
        assert each.needed.start <= max(0, each.own.start - reach)
        assert each.needed.stop >= min(height, each.own.stop + reach)
        assert all_rows[each.needed][each.inner] == all_rows[each.own]
