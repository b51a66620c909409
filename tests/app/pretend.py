"""Runs that are pretended, for tests of the queue: their records and their kept inputs are real."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

from pipeline import run
from pipeline.context import Event, LogLine, Progress
from pipeline.errors import InvalidSetting
from pipeline.records import ErrorRecord, RunRecord, RunStatus, now, read_record, write_record
from pipeline.run.waiting import keep, restore, revise
from pipeline.settings import Settings

SECONDS = 20.0
"""How long anything may take here on a busy machine."""

Listener = Callable[[Event], None]


class PretendRunner:
    """Runs that wait until the test lets them go on; `step` lets one frame pass. All but the making is real."""

    keep, restore, revise = staticmethod(keep), staticmethod(restore), staticmethod(revise)

    def __init__(self) -> None:
        self.step = threading.Semaphore(0)
        self.began = threading.Semaphore(0)
        self.order: list[str] = []
        self.runs: list[str] = []
        self.fails = False

    def submit(self, images: tuple[Path, ...], settings: Settings, outputs: Path, plan_only: bool = False) -> RunRecord:
        if not outputs.is_dir():
            raise InvalidSetting("The outputs folder cannot be used: choose another with --outputs.")
        return run.submit(images, settings, outputs, plan_only)

    def execute(
        self,
        record: RunRecord,
        _images: tuple[Path, ...],
        outputs: Path,
        listen: Listener,
        is_cancelled: Callable[[], bool],
        is_closing: Callable[[], bool],
    ) -> RunRecord:
        self.order.append(record.inputs[0].name)
        self.runs.append(record.run_id)
        record.status, record.started_at = RunStatus.RUNNING, now()
        listen(record)
        listen(LogLine("info", "begun"))
        listen(Progress("encode", 1, 2, 3.0))
        write_record(record, outputs)
        self.began.release()
        while not self.step.acquire(timeout=0.01) and not is_closing():
            pass
        if self.fails:
            raise RuntimeError("a defect")
        record.status = RunStatus.CANCELLED if is_cancelled() else RunStatus.SUCCEEDED
        record.finished_at = now()
        if is_closing():
            record.status = RunStatus.INTERRUPTED
        if record.status is RunStatus.CANCELLED:
            record.error = ErrorRecord(type="Cancelled", message="The run was stopped.", exit_code=130)
        write_record(record, outputs)
        return record


def in_order(outputs: Path) -> list[str]:
    """The runs that wait, as the records on disk say."""
    records = [read_record(path) for path in outputs.glob("video_*.json")]
    waiting = [record for record in records if record.status is RunStatus.QUEUED]
    return [record.run_id for record in sorted(waiting, key=lambda record: record.queue_position or 0)]


def orphan(outputs: Path) -> None:
    """Let all records belong to a program that is gone, whose number is this one's by now."""
    for path in outputs.glob("video_*.json"):
        facts = json.loads(path.read_bytes())
        path.write_text(json.dumps({**facts, "process_started_at": facts["process_started_at"] - 1000.0}))
