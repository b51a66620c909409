"""The doctor finds what is there and what is missing, and says what to do."""

import shutil
from pathlib import Path

import pytest

from pipeline import doctor
from pipeline.doctor import examine, report, required_packages
from pipeline.settings import RuntimeSettings
from tests.conftest import TinyModels

HERE = RuntimeSettings()


def test_a_machine_that_runs_the_tests_is_well(tmp_path: Path) -> None:
    findings = examine(tmp_path / "outputs", HERE)
    assert not [finding for finding in findings if finding.level == "missing"]
    assert "Everything that the embedded engine needs is here." in report(findings)
    assert not (tmp_path / "outputs").exists()


def test_the_users_package_list_is_required_and_pinned() -> None:
    listed = "gradio opencv-contrib-python numpy torch transformers diffusers accelerate bitsandbytes imageio psutil"
    assert set(listed.split()) <= set(required_packages())


def test_a_missing_package_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "required_packages", lambda: {"no-such-package": "1.0", "numpy": "0.1"})
    by_subject = {finding.subject: finding for finding in examine(tmp_path, HERE)}
    assert by_subject["no-such-package"].level == "missing"
    assert "start_app.sh" in by_subject["no-such-package"].message
    assert by_subject["numpy"].level == "note"
    assert "0.1 is what was tested" in by_subject["numpy"].message


def test_an_outputs_path_that_is_a_file_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    findings = {finding.subject: finding for finding in examine(tmp_path / "file" / "outputs", HERE)}
    assert findings["outputs"].level == "missing"
    assert "--outputs" in findings["outputs"].message


def test_models_are_named_as_they_are_on_the_disk(tmp_path: Path, tiny_models: TinyModels) -> None:
    def models(folder: Path) -> str:
        found = examine(tmp_path, RuntimeSettings(models_dir=folder))
        return next(finding.message for finding in found if finding.subject == "models")

    assert "none yet" in models(tmp_path)
    assert "i2vgen-xl" in models(tiny_models("i2vgen-xl"))
    shutil.copytree(tiny_models("i2vgen-xl") / "i2vgen-xl", tmp_path / "i2vgen-xl")
    shutil.rmtree(tmp_path / "i2vgen-xl" / "unet")
    assert "not downloaded to the end: i2vgen-xl" in models(tmp_path)
