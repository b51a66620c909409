"""Engines on the page: what is offered, what a choice changes in the form, and what the model card says."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.downloads import Download
from app.engines import (
    ModelView,
    card_of,
    choices,
    engine_values,
    missing_panel,
    model_panel,
    preset_values,
    summary_of,
    view,
)
from app.form import flat
from pipeline import catalogue
from pipeline.catalogue import get_card, model_names
from pipeline.engines import EMBEDDED, engine_names
from pipeline.errors import InvalidSetting
from pipeline.models.download import DownloadProgress
from pipeline.models.status import model_status
from pipeline.paths import CATALOGUE
from pipeline.settings import RuntimeSettings, make_settings
from tests.conftest import TinyModels


@pytest.fixture
def catalogue_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the catalogue that a test may change."""
    folder = tmp_path / "models"
    shutil.copytree(CATALOGUE, folder)
    monkeypatch.setattr(catalogue, "CATALOGUE", folder)
    for each in (model_names, get_card):
        each.cache_clear()
    yield folder
    for each in (model_names, get_card):
        each.cache_clear()


def test_every_engine_is_offered_and_a_model_that_is_here_is_ready(tiny_models: TinyModels) -> None:
    offered = choices(RuntimeSettings(models_dir=tiny_models("svd")))
    assert [name for _, name in offered] == engine_names()
    labels = {name: label for label, name in offered}
    assert labels["svd"] == "Stable Video Diffusion · ready"
    assert "no download" in labels[EMBEDDED]
    assert all(summary_of(name) for name in engine_names())


def test_what_is_missing_is_offered_with_its_size(tmp_path: Path) -> None:
    labels = {name: label for label, name in choices(RuntimeSettings(models_dir=tmp_path))}
    assert labels["i2vgen-xl"].startswith("I2VGen-XL · ")
    assert labels["i2vgen-xl"].endswith("GB to download")


def test_a_wrong_card_is_offered_says_so_and_spoils_no_other_engine(catalogue_folder: Path) -> None:
    (catalogue_folder / "mine.yaml").write_text("family: none\n", encoding="utf-8")
    labels = {name: label for label, name in choices(RuntimeSettings())}
    assert labels["mine"] == "mine · its model card is wrong"
    with pytest.raises(InvalidSetting, match=r"mine\.yaml"):
        engine_values("mine", "standard")
    assert engine_values("svd", "standard")[0].animate.engine == "svd"


def test_a_model_card_that_was_added_is_offered(catalogue_folder: Path) -> None:
    shutil.copy(catalogue_folder / "svd.yaml", catalogue_folder / "svd-of-mine.yaml")
    assert "svd-of-mine" in [name for _, name in choices(RuntimeSettings())]
    assert engine_values("svd-of-mine", "standard")[0].animate.num_frames == 14


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("preset", ["draft", "standard", "high"])
def test_a_choice_changes_every_value_that_any_engine_has_of_its_own(engine: str, preset: str) -> None:
    wanted, names = engine_values(engine, preset)
    assert wanted == make_settings({"preset": preset, "animate": {"engine": engine}})
    start = flat(make_settings({}).model_dump(mode="json"))
    changed = {name for name, value in flat(wanted.model_dump(mode="json")).items() if value != start[name]}
    assert changed - {"preset", "animate.engine"} <= names
    assert engine_values(EMBEDDED, preset)[1] == names


def test_a_preset_changes_only_what_presets_differ_in() -> None:
    wanted, names = preset_values("i2vgen-xl", "draft")
    assert (wanted.animate.num_inference_steps, wanted.animate.engine) == (25, "i2vgen-xl")
    assert "animate.num_inference_steps" in names
    assert "animate.num_frames" not in names
    assert "animate.num_inference_steps" not in preset_values(EMBEDDED, "draft")[1]


def seen(name: str, folder: Path, download: Download | None = None) -> str:
    model = view(name, RuntimeSettings(models_dir=folder), download)
    assert model is not None
    return model_panel(model)


def test_the_model_card_says_what_it_is_and_where_it_stands(tmp_path: Path, tiny_models: TinyModels) -> None:
    card = get_card("svd")
    missing, ready = seen("svd", tmp_path), seen("svd", tiny_models("svd"))
    for text in (card.summary, card.repository, card.licence, card.licence_url, "14 frames", "HF_TOKEN"):
        assert text in missing
    assert 'data-download="svd"' in missing
    assert "Not on this machine" in missing
    assert "data-download" not in ready
    assert "is ready" in ready
    assert ("random weights" in ready) is not card.ran_on_real_weights


def test_a_download_is_shown_with_bytes_speed_time_left_and_a_way_to_stop(tmp_path: Path) -> None:
    progress = DownloadProgress(10**9, 4 * 10**9, 2e7, 150.0, "unet/<b>.safetensors")
    under_way = seen("svd", tmp_path, Download("svd", progress=progress))
    for text in ("1.0 GB of 4.0 GB", "20.0 MB/s", "2 min left", "data-halt", 'aria-valuenow="25"'):
        assert text in under_way
    assert "<b>.safetensors" not in under_way
    stopping = seen("svd", tmp_path, Download("svd", stopping=True, progress=progress))
    assert "Stopping" in stopping
    assert "data-halt" not in stopping
    ended = seen("svd", tmp_path, Download("svd", active=False, message="There is no network."))
    assert "There is no network." in ended
    assert "data-download" in ended


def test_a_card_of_the_user_cannot_bring_markup_or_scripts(tmp_path: Path) -> None:
    changes = {"title": "<b>x", "summary": "<b>", "licence": "<b>", "licence_url": "javascript:alert(1)"}
    card = get_card("svd").model_copy(update=changes)
    shown = model_panel(ModelView(card, model_status(card, RuntimeSettings(models_dir=tmp_path))))
    assert "<b>" not in shown + missing_panel("<b>", card)
    assert "javascript:" not in shown


def test_the_embedded_engine_has_no_card() -> None:
    assert card_of(EMBEDDED) is None
    assert view(EMBEDDED, RuntimeSettings(), None) is None
