"""Records of runs that never were, for the tests of the history."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.records import InputRecord, OutputRecord, RunRecord, RunStatus, write_record
from pipeline.settings import make_settings

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def put(outputs: Path, number: int, prompt: str = "", status: RunStatus = RunStatus.SUCCEEDED, **more: Any) -> str:
    """Write the record of a run, the `number`-th hour after START; return its id. `more` replaces its other fields."""
    at = START + timedelta(hours=number)
    run_id = at.strftime("video_%Y%m%d_%H%M%S")
    fields: dict[str, Any] = {
        "run_id": run_id,
        "status": status,
        "created_at": at,
        "started_at": at,
        "finished_at": at + timedelta(seconds=number),
        "pid": 1,
        "process_started_at": -1000.0,
        "seed": number,
        "requested": make_settings({"prompt": prompt}),
        "inputs": [InputRecord(name=f"photo {number}.jpg")],
    }
    write_record(RunRecord(**(fields | more)), outputs)
    return run_id


def an_output(path: str, num_bytes: int = 1000, duration: float = 1.0) -> OutputRecord:
    """A finished file of 64 x 48 pixels."""
    return OutputRecord(
        path=path,
        sha256="",
        width=64,
        height=48,
        fps=Fraction(8),
        num_frames=8,
        codec="h264",
        duration=duration,
        bytes=num_bytes,
    )
