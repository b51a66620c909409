"""The files of a run: all of them in the record, small ones kept, and each looked at before anything is computed."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from pipeline.catalogue import merge
from pipeline.records import RunRecord, record_path
from pipeline.rerun import inputs_of
from pipeline.run import execute, submit
from pipeline.run.inputs import files_named
from pipeline.settings import make_settings
from tests.pictures import scene

SMALL = {
    "seed": 4,
    "runtime": {"cache_gb": 0},
    "prepare": {"width": 96, "height": 64},
    "animate": {"num_frames": 6},
}
DEPTH = {"animate": {"motion": {"depth": "depth.png", "parallax": 0.5}}}

Run = Callable[..., RunRecord]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is worked in, with a photo, a depth map and a picture of another style."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(scene(96, 64)).save("photo.png")
    Image.fromarray(np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))).save("depth.png")
    Image.fromarray(scene(80, 80)[:, ::-1] // 2).save("picture.png")
    return tmp_path


@pytest.fixture
def run(outputs: Path, folder: Path) -> Run:
    def run(*changes: dict[str, Any]) -> RunRecord:
        photo, asked = folder / "photo.png", SMALL
        for each in changes:
            asked = merge(asked, each)
        return execute(submit((photo,), make_settings(asked), outputs), (photo,), outputs)

    return run


def test_a_depth_map_and_the_picture_of_a_style_are_kept_and_the_run_repeats_without_them(
    run: Run, folder: Path, outputs: Path
) -> None:
    record = run(DEPTH, {"style": {"image": "picture.png"}})
    assert record.error is None
    assert [(each.role, each.name) for each in record.inputs] == [
        ("image", "photo.png"),
        ("depth", "depth.png"),
        ("style", "picture.png"),
    ]
    for each in record.inputs:
        assert each.path is not None
        assert hashlib.sha256((outputs / each.path).read_bytes()).hexdigest() == each.sha256
    for name in ("photo.png", "depth.png", "picture.png"):
        (folder / name).unlink()
    images, settings = inputs_of(record_path(outputs, record.run_id))
    again = execute(submit(images, settings, outputs), images, outputs)
    assert again.error is None
    assert (again.output and again.output.sha256) == (record.output and record.output.sha256)


def test_files_without_effect_are_no_inputs(run: Run, folder: Path) -> None:
    settings = make_settings({"animate": {"lora": folder / "none.safetensors"}, "style": {"image": "picture.png"}})
    assert [each.role for each, _ in files_named(settings, 1)] == ["style"]
    record = run({"animate": {"lora": folder / "none.safetensors"}})
    assert (record.error, [each.role for each in record.inputs]) == (None, ["image"])


def test_a_lora_stays_where_it_is_and_its_digest_is_written_down(run: Run, folder: Path) -> None:
    save_file({"a": np.zeros(4, np.float32)}, folder / "tiny.safetensors")
    record = run({"animate": {"engine": "wan2.1-i2v-14b-480p", "lora": folder / "tiny.safetensors"}})
    (entry,) = (each for each in record.inputs if each.role == "lora")
    assert entry.path == str(folder / "tiny.safetensors")
    assert entry.sha256 == hashlib.sha256((folder / "tiny.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"animate": {"motion": {"depth": "gone.png"}}}, "InvalidImage", "gone.png"),
        ({"style": {"image": "gone.png"}}, "InvalidImage", "gone.png"),
        ({"style": {"name": "oill"}}, "InvalidSetting", "oil"),
        ({"interpolate": {"method": "rife", "factor": 2}}, "ModelMissing", "`flow`"),
        ({"enhance": {"model": "gone.pth"}}, "InvalidSetting", "gone.pth"),
        ({"animate": {"engine": "wan2.1-i2v-14b-480p", "lora": "gone.safetensors"}}, "InvalidSetting", "animate.lora"),
    ],
)
def test_what_is_missing_is_told_before_the_first_stage(
    run: Run, folder: Path, changes: dict[str, Any], error: str, told: str
) -> None:
    record = run(changes, {"runtime": {"models_dir": folder}})
    assert record.error is not None
    assert record.error.type == error
    assert told in record.error.message
    assert record.stages == []
