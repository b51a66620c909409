"""Logs: JSON lines with run ids, rotated, and no trouble when the folder goes away."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import logs
from pipeline.errors import InvalidSetting
from pipeline.logs import run_logger, start_logging, stop_logging


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    stop_logging()


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_lines_are_json_with_level_and_run_id(tmp_path: Path) -> None:
    path = start_logging(tmp_path / "logs")
    run_logger("video_1").warning("snapped %d", 641)
    logging.getLogger("app").info("两行\nof text")
    first, second = lines(path)
    assert (first["level"], first["run_id"], first["message"]) == ("WARNING", "video_1", "snapped 641")
    assert (second["run_id"], second["message"]) == (None, "两行\nof text")


@pytest.mark.allow_errors
def test_an_unexpected_error_keeps_its_traceback(tmp_path: Path) -> None:
    path = start_logging(tmp_path)
    try:
        raise KeyError("deep")
    except KeyError as error:
        run_logger("video_1").error("failed", exc_info=error)
    assert "KeyError: 'deep'" in str(lines(path)[0]["exception"])


def test_logs_are_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 2000)
    start_logging(tmp_path)
    for number in range(200):
        run_logger("video_1").info("line %d", number)
    files = list(tmp_path.iterdir())
    assert len(files) == logs.BACKUPS + 1
    assert all(file.stat().st_size <= 2000 for file in files)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_disturbs_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / logs.FILE_NAME).symlink_to("/dev/full")
    start_logging(tmp_path)
    run_logger("video_1").info("lost")
    stop_logging()
    assert capsys.readouterr().err == ""


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSetting, match="--logs"):
        start_logging(tmp_path / "file" / "logs")
