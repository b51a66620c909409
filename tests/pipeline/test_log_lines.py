"""The log from its end: which lines are found, in which order, and that what is no line does no harm."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import log_lines
from pipeline.log_lines import LogEntry, Wanted, lines_of_run, newest_lines
from pipeline.logs import FILE_NAME


def line(message: str, run_id: str | None = None, level: str = "INFO", **more: str) -> str:
    written = {"time": "t", "level": level, "run_id": run_id, "logger": "x", "message": message, **more}
    return json.dumps(written, ensure_ascii=False) + "\n"


def messages(logs: Path, wanted: Wanted, limit: int = 100) -> list[str]:
    return [entry.message for entry in newest_lines(logs, wanted, limit)]


def test_the_newest_line_comes_first_and_the_backups_last(tmp_path: Path) -> None:
    (tmp_path / f"{FILE_NAME}.2").write_text(line("one"))
    (tmp_path / f"{FILE_NAME}.1").write_text(line("two") + line("three"))
    (tmp_path / FILE_NAME).write_text(line("four"))
    assert messages(tmp_path, Wanted()) == ["four", "three", "two", "one"]
    assert messages(tmp_path, Wanted(), limit=2) == ["four", "three"]
    assert messages(tmp_path / "none", Wanted()) == []


def test_lines_are_found_by_level_text_and_run(tmp_path: Path) -> None:
    error = line("It broke", "video_2", "ERROR", exception="Traceback\nValueError: Größe")
    (tmp_path / FILE_NAME).write_text(line("A start", "video_1") + line("A hint", "video_2", "WARNING") + error)
    assert messages(tmp_path, Wanted(level="WARNING")) == ["It broke", "A hint"]
    assert messages(tmp_path, Wanted(text=" GRÖSSE ")) == ["It broke"]
    assert messages(tmp_path, Wanted(text="valueerror: g")) == ["It broke"]
    assert messages(tmp_path, Wanted(text="\ud800")) == []
    assert messages(tmp_path, Wanted(run_id="video_1")) == ["A start"]
    assert messages(tmp_path, Wanted(run_id="video")) == []
    assert newest_lines(tmp_path, Wanted(level="ERROR"), 1)[0].exception.endswith("Größe")


def test_the_lines_of_a_run_stand_in_their_order(tmp_path: Path) -> None:
    (tmp_path / f"{FILE_NAME}.1").write_text(line("one", "video_1") + line("two", "video_2"))
    noise = line('"video_1"') + '{"run_id": "video_1"}\nno json "video_1"\n[]\n' + "[" * 100_000 + '"video_1"\n'
    (tmp_path / FILE_NAME).write_text(line("three", "video_1") + noise + line("four", "video_1"))
    found = lines_of_run(tmp_path, "video_1")
    assert found == [LogEntry("t", "INFO", message, "video_1", "x") for message in ("one", "three", "four")]
    assert lines_of_run(tmp_path, "video_1", limit=1) == found[-1:]


@given(
    texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=40), max_size=12),
    ends=st.booleans(),
    block=st.integers(1, 60),
)
def test_a_file_is_the_same_from_its_end_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], ends: bool, block: int
) -> None:
    logs = tmp_path_factory.mktemp("log")
    written = "".join(line(text) for text in texts)
    (logs / FILE_NAME).write_text(written if ends else written.removesuffix("\n"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(log_lines, "BLOCK", block)
        assert messages(logs, Wanted()) == texts[::-1]


def test_of_a_file_without_end_only_the_last_part_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE_NAME).write_text("".join(line(str(number)) for number in range(1000)))
    monkeypatch.setattr(log_lines, "MOST_BYTES", 10 * len(line("999")) + 5)
    assert messages(tmp_path, Wanted(), limit=2000) == [str(number) for number in range(999, 989, -1)]
