"""Named styles: their files, their names, and what each does to frames."""

from pathlib import Path

import numpy as np
import pytest

from pipeline import style_settings
from pipeline.errors import InvalidSetting
from pipeline.frames import Frame
from pipeline.style import RecipePainter, get_recipe, recipe, style_names, styled
from tests.photos import ASTRONAUT, COFFEE, photo

NAMES = ("comic", "cyanotype", "ink", "oil", "pastel", "pencil", "vintage-film", "watercolour")


def painted(name: str, frame: Frame) -> Frame:
    return next(styled([frame], 1, RecipePainter(get_recipe(name), min(frame.shape[:2])), 1.0, 1))


def test_all_styles_can_be_read() -> None:
    assert style_names() == NAMES
    titles = {get_recipe(name).title for name in NAMES}
    assert len(titles) == len(NAMES)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("watercolor", "did you mean 'watercolour'?"),
        ("Vintage Film", "did you mean 'vintage-film'?"),
        ("qqq", "choose one of comic, cyanotype"),
    ],
)
def test_an_unknown_style_is_one_sentence_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(InvalidSetting, match=r"^There is no style") as caught:
        get_recipe(name)
    assert hint in str(caught.value)


@pytest.mark.parametrize("text", ["title: x\ndabs: 99", "title: x\ndab: 1", "dabs: 1", ": :", "a"])
def test_a_wrong_recipe_is_one_sentence(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    for module in (recipe, style_settings):
        monkeypatch.setattr(module, "STYLES", tmp_path)
    with pytest.raises(InvalidSetting, match=r"^The file of the style 'mine' is wrong .*: mend mine\.yaml\.$"):
        get_recipe("mine")


@pytest.mark.parametrize("name", NAMES)
def test_each_style_changes_the_picture_and_keeps_what_it_shows(name: str) -> None:
    frame = photo(COFFEE)[::2, ::2]
    made = painted(name, np.ascontiguousarray(frame))
    assert made.shape == frame.shape
    assert made.dtype == np.uint8
    assert np.abs(made.astype(float) - frame).mean() > 4
    coarse = [picture.mean(axis=2)[:192, :288].reshape(24, 8, 36, 8).mean(axis=(1, 3)) for picture in (made, frame)]
    assert np.corrcoef(coarse[0].ravel(), coarse[1].ravel())[0, 1] > 0.85


@pytest.mark.parametrize("name", NAMES)
def test_the_same_frame_is_painted_the_same(name: str) -> None:
    frame = np.ascontiguousarray(photo(ASTRONAUT)[::4, ::4])
    assert np.array_equal(painted(name, frame), painted(name, frame))


@pytest.mark.parametrize("name", ["pencil", "ink", "cyanotype"])
def test_styles_of_one_pigment_have_only_its_hue(name: str) -> None:
    red, blue = (painted(name, np.full((40, 40, 3), colour, np.uint8)) for colour in ((200, 40, 40), (83, 83, 83)))
    assert np.abs(red.mean(axis=(0, 1)) - blue.mean(axis=(0, 1))).max() < 12
