"""What may happen to a run from outside: its outputs go, its clock is set, another program works beside it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from pipeline.context import Event, Progress
from pipeline.records import RunRecord, RunStatus, now, read_record, record_path
from pipeline.run import execute, submit
from pipeline.settings import make_settings
from pipeline.video import probe
from tests.pictures import scene

SMALL = make_settings({"seed": 1, "prepare": {"width": 96, "height": 64}, "animate": {"num_frames": 12}})


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(scene()).save(path)
    return path


def made(photo: Path, outputs: Path, listen: Callable[[Event], None] = lambda _: None) -> RunRecord:
    return execute(submit((photo,), SMALL, outputs), (photo,), outputs, listen)


@pytest.mark.parametrize("at", [("prepare", 0), ("animate", 0), ("encode", 0), ("encode", 6), ("encode", 12)], ids=str)
def test_outputs_that_are_removed_under_a_run_end_it_with_a_sentence(
    photo: Path, outputs: Path, at: tuple[str, int]
) -> None:
    def remove(event: Event) -> None:
        if isinstance(event, Progress) and (event.stage, event.done) == at:
            shutil.rmtree(outputs, ignore_errors=True)

    record = made(photo, outputs, remove)
    if record.status is not RunStatus.SUCCEEDED:  # before the first stage has made its folder anew
        assert record.error is not None
        assert record.error.type in ("OutputFailed", "InvalidSetting")
        assert "\n" not in record.error.message
    again = made(photo, outputs)
    assert again.output is not None
    assert probe(outputs / again.output.path).num_frames == 12


def test_a_clock_that_is_set_back_loses_nothing(photo: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made(photo, outputs)
    set_back = iter(range(1, 1000))
    monkeypatch.setattr("pipeline.run.runner.now", lambda: now() - timedelta(days=next(set_back)))
    second = made(photo, outputs)
    assert second.started_at is not None
    assert second.finished_at is not None
    assert timedelta(0) < second.finished_at - second.started_at < timedelta(minutes=5)
    assert second.run_id != first.run_id
    assert all(read_record(record_path(outputs, each.run_id)) == each for each in (first, second))


def test_two_programs_share_an_outputs_folder(photo: Path, outputs: Path) -> None:
    command = [sys.executable, "-m", "pipeline", "animate", str(photo), "--outputs", str(outputs), "--seed", "1"]
    command += ["--prepare.width", "96", "--animate.num_frames", "12", "--logs", str(outputs.parent / "logs")]
    programs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    for program in programs:
        _, said = program.communicate(timeout=120)
        assert program.returncode == 0, said
    records = [read_record(path) for path in outputs.glob("video_*.json")]
    assert [record.status for record in records] == [RunStatus.SUCCEEDED] * 2
    assert len({record.output and record.output.sha256 for record in records}) == 1
    assert [path for path in outputs.rglob("*") if path.suffix == ".part" or path.name == ".work"] == []
