"""What is foreseen of a run: for a model, what it would need of this machine and what would be changed to fit."""

from pathlib import Path

import pytest

from pipeline.catalogue import get_card, model_names
from pipeline.preview import Outlook, preview
from pipeline.records import DowngradeRecord
from pipeline.settings import Settings, make_settings


def asked(engine: str = "i2vgen-xl", **runtime: object) -> Settings:
    return make_settings({"animate": {"engine": engine}, "runtime": {"device": "cpu", **runtime}})


def outlook_of(settings: Settings, folder: Path) -> Outlook:
    found = preview(None, settings, outputs=folder).outlook
    assert found is not None
    return found


def test_the_embedded_engine_has_no_outlook() -> None:
    assert preview(None, make_settings({})).outlook is None


@pytest.mark.parametrize("name", model_names())
def test_every_model_has_an_outlook_without_its_files(name: str, tmp_path: Path) -> None:
    found = preview(None, asked(name, models_dir=tmp_path), outputs=tmp_path)
    assert found.outlook is not None
    assert "GB" in found.outlook.text
    assert found.settings.animate.num_frames == get_card(name).defaults["animate"]["num_frames"]


def test_a_limit_brings_rungs_and_a_tighter_one_says_that_nothing_helps(tmp_path: Path) -> None:
    whole = outlook_of(asked(models_dir=tmp_path, vram_limit_gb=1000.0), tmp_path)
    tight = outlook_of(asked(models_dir=tmp_path, vram_limit_gb=9.0), tmp_path)
    hopeless = outlook_of(asked(models_dir=tmp_path, vram_limit_gb=0.5), tmp_path)
    assert all(isinstance(each, DowngradeRecord) for each in tight.downgrades)
    assert len(tight.downgrades) > len(whole.downgrades)
    assert (tight.fits, hopeless.fits) == (True, False)
    assert 0.0 < tight.share <= 1.0
    assert "lowest rung" in hopeless.text
    assert hopeless.downgrades == ()
