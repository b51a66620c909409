"""The report for a bug: what it tells, and what it never tells."""

import getpass
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bug_report import run_line, write_report, written_texts
from app.launch import read_accounts
from app.redaction import GAP, redactor
from app.system_state import State, collect
from pipeline.history import History
from pipeline.logs import run_logger, start_logging, stop_logging
from pipeline.records import DowngradeRecord, ErrorRecord, RunStatus, StageRecord
from pipeline.settings import RuntimeSettings, make_settings
from tests.pipeline.history.records import an_output, put

PROMPT = "Zeppelinflug über Grünwald"
TOKEN, PASSWORD = "tok-3n-of-the-hub", "p4ss:w0rd"
ASKED = {
    "prompt": PROMPT,
    "animate": {"segments": [{"prompt": "Segmentwort", "seconds": 1.0}], "negative_prompt": "Negativwort"},
    "caption": {"text0": "Bildunterschrift"},
}


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    start_logging(tmp_path / "logs")
    yield tmp_path / "logs"
    stop_logging()


def reported(outputs: Path, logs: Path) -> tuple[State, str]:
    """The report of a program that was started with a file of passwords."""
    file = logs.parent / "accounts.txt"
    file.write_text(f"Ada:{PASSWORD}\n")
    state = collect(History(outputs), logs, RuntimeSettings())
    return state, write_report(state, redactor(read_accounts(None, file), outputs, logs))


def test_the_report_tells_what_is_needed_to_find_a_bug(outputs: Path, logs: Path) -> None:
    (outputs / "cache").mkdir()
    (outputs / "cache" / "entry").write_bytes(b"." * 2_000_000)
    rung = DowngradeRecord(rung="tiles", phase="decode", reason="shortage", message="m", changes_picture=False)
    run_id = put(
        outputs, 1, status=RunStatus.FAILED, stages=[StageRecord(name="encode", seconds=1.23)], downgrades=[rung],
        error=ErrorRecord(type="OutOfMemory", message="m", exit_code=3), output=an_output("video_1.mp4"),
    )  # fmt: skip
    logging.getLogger("app.page").warning("The disk is nearly full")
    state, text = reported(outputs, logs)
    assert f"Python: {state.environment.python}" in text
    assert "gradio " in text
    assert "cache: 2.0 MB in 1 files" in text
    assert "good: video encoder: H.264" in text
    assert f"{run_id}: animate by motion, failed; 64 x 48, 8 frames; encode 1.2 s; rungs: tiles; OutOfMemory" in text
    assert "WARNING app.page: The disk is nearly full" in text
    assert "in memory: none" in text
    assert "of 0 others" not in text


@pytest.mark.allow_errors
def test_nothing_that_is_secret_or_was_written_by_a_person_is_in_it(
    outputs: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("SOME_API_KEY", "variable-value")
    run_id = put(outputs, 1, requested=make_settings(ASKED))
    run, page = run_logger(run_id), logging.getLogger("app.page")
    for word in (PROMPT, "Segmentwort", "Negativwort", "Bildunterschrift", "photo 1.jpg"):
        run.warning("The end is left out: %s", word)
    run_logger("video_20200101_000000").warning("Of a run that is gone: lighthouse")
    try:
        raise ValueError(f"{TOKEN} {PASSWORD} {Path.home()}/x.jpg 'quoted lighthouse' {PROMPT} variable-value")
    except ValueError:
        page.exception("The page met a defect for %s: Ada, %s", getpass.getuser(), TOKEN)
    _, text = reported(outputs, logs)
    for word in (TOKEN, PASSWORD, "variable-value", "Ada", str(Path.home()), str(outputs), str(logs), "lighthouse"):
        assert word not in text, word
    for word in ("Zeppelinflug", "Grünwald", "Segmentwort", "Negativwort", "Bildunterschrift", "photo"):
        assert word not in text, word
    assert getpass.getuser() not in text.split()
    assert f"{run_id}: The end is left out: {GAP}" in text
    assert "of a run that is no longer in the history" in text
    assert "  ValueError: " in text
    assert "<program>/tests/app/test_bug_report.py" in text
    assert "raise ValueError" not in text  # lines of code may hold anything


def test_a_run_is_told_without_what_was_written(outputs: Path) -> None:
    record = History(outputs).record(put(outputs, 1, requested=make_settings(ASKED)))
    assert {PROMPT, "Segmentwort", "Negativwort", "Bildunterschrift", "photo 1.jpg"} <= set(written_texts(record))
    assert run_line(record) == f"{record.run_id}: animate by motion, succeeded"
