"""Masks from words, for the motion brush."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.choices import Device
from pipeline.errors import Cancelled, InvalidImage, InvalidSetting, ModelMissing
from pipeline.segmentation import MASK_SIDE, mask_from_words
from pipeline.settings import Settings, make_settings
from tests.conftest import TinyModels
from tests.photos import COFFEE, photo

BASE = "florence-2-base"


def asking(models: Path, model: str = "auto") -> Settings:
    runtime = {"models_dir": models, "device": Device.CPU, "keep_model": False}
    return make_settings({"caption": {"model": model}, "runtime": runtime})


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "coffee.png"
    Image.fromarray(photo(COFFEE)).save(path)
    return path


@pytest.mark.parametrize("model", ["auto", "none", BASE])
def test_what_words_name_is_outlined_whatever_describes_the_images(
    image: Path, tiny_models: TinyModels, model: str
) -> None:
    said: list[str] = []
    mask, way = mask_from_words(image, "the cup", asking(tiny_models(BASE), model), said.append)
    assert mask.shape == (400, 600)
    assert mask.dtype == np.uint8
    assert 0.05 < (mask > 127).mean() < 0.95
    assert way.method == "outline"
    assert said == []


def test_the_mask_covers_the_image_as_displayed_and_is_never_huge(tiny_models: TinyModels, tmp_path: Path) -> None:
    path = tmp_path / "upright.jpg"
    rotated = Image.Exif()
    rotated[0x0112] = 6  # to be turned by 90 degrees
    Image.fromarray(photo(COFFEE)).resize((3000, 2000)).save(path, exif=rotated)
    mask, _ = mask_from_words(path, "the cup", asking(tiny_models(BASE)))
    assert mask.shape == (MASK_SIDE, 683)


@pytest.mark.parametrize("model", ["auto", "none", BASE])
def test_without_the_model_it_says_what_gets_it(image: Path, tmp_path: Path, model: str) -> None:
    with pytest.raises(ModelMissing, match=r"`python -m pipeline models download florence-2-base") as caught:
        mask_from_words(image, "the cup", asking(tmp_path, model))
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("words", ["", "  ", "?!", "the cup " * 50])
def test_words_are_needed_and_not_too_many(image: Path, tiny_models: TinyModels, words: str) -> None:
    with pytest.raises(InvalidSetting, match="1 to 200 characters"):
        mask_from_words(image, words, asking(tiny_models(BASE)))


def test_a_file_that_is_no_image_is_reported_as_ever(tiny_models: TinyModels, tmp_path: Path) -> None:
    path = tmp_path / "no.png"
    path.write_text("text")
    with pytest.raises(InvalidImage):
        mask_from_words(path, "the cup", asking(tiny_models(BASE)))


def test_it_can_be_stopped(image: Path, tiny_models: TinyModels) -> None:
    def stop() -> None:
        raise Cancelled("The run was stopped.")

    with pytest.raises(Cancelled):
        mask_from_words(image, "the cup", asking(tiny_models(BASE)), check_cancelled=stop)
