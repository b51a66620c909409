"""What programs that are gone have left in an outputs folder: runs that wait, and runs that were broken off.

One program at a time looks, behind a lock that goes with its process, so that of two that are started together each run
goes to one.
"""

import contextlib
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Cancelled, ImageToVideoError, Interrupted, InvalidInput, InvalidRecord
from pipeline.records import (
    WORK,
    ErrorRecord,
    RunRecord,
    RunStatus,
    now,
    own,
    owner_is_alive,
    read_record,
    record_path,
    write_record,
)

LOG = logging.getLogger("pipeline.leftovers")

LOCK = ".queue.lock"
"""File below the outputs folder."""

LOCK_SECONDS = 60.0
"""How long another program may look; it takes about a second over ten thousand records."""

ENDED = "The program ended in the middle of this run: resume it to go on."
GIVEN_UP = "The run was interrupted, and not resumed."

_UNFINISHED = re.compile(rb'"status":\s*"(queued|running|interrupted)"')
_HEAD_BYTES = 1024
"""Within these a record says its status, as this program writes it."""

_RESULTS = (
    "started_at",
    "finished_at",
    "used",
    "stages",
    "notices",
    "memory_timeline",
    "gpu_timeline",
    "forecast",
    "downgrades",
    "output",
    "candidates",
    "quality",
    "advice",
    "error",
    "environment",
    "model",
)
"""What a run writes into its record; the rest is what was asked for."""


@dataclass(frozen=True)
class Leftovers:
    """What was found. `waiting` belongs to this program now, in order; `interrupted` can be resumed, newest first."""

    waiting: tuple[RunRecord, ...] = ()
    interrupted: tuple[RunRecord, ...] = ()


def take_over(outputs: Path) -> Leftovers:
    """Take the runs that wait for programs which are gone, and mark as interrupted what those were making.

    A run of a program that lives is left alone, and so is a record that cannot be read or written. Raises OSError when
    the folder cannot be used.
    """
    found, waiting, interrupted = list[RunRecord](), list[RunRecord](), list[RunRecord]()
    with _alone(outputs):
        for record in _unfinished(outputs):
            with contextlib.suppress(OSError):
                if record.status is RunStatus.INTERRUPTED:
                    interrupted.append(record)
                elif not owner_is_alive(record):
                    (found if _waits(record, outputs) else interrupted).append(record)
        for record in sorted(found, key=lambda each: (each.process_started_at, each.queue_position, each.created_at)):
            with contextlib.suppress(OSError):
                record.pid, record.process_started_at = own()
                write_record(record, outputs)
                waiting.append(record)
    resumable = [record for record in interrupted if record.inputs and all(each.path for each in record.inputs)]
    return Leftovers(tuple(waiting), tuple(sorted(resumable, key=lambda record: record.created_at, reverse=True)))


def ask_again(run_id: str, outputs: Path) -> RunRecord:
    """The record of an interrupted run as if it was asked for now, owned by this program, with the same seed.

    Raises InvalidRecord when it cannot be read, InvalidInput when it is not interrupted any more, and OSError when it
    cannot be written.
    """
    with _alone(outputs):
        record = _interrupted(run_id, outputs)
        interruptions = [*record.interruptions, record.finished_at or now()]
        pid, started = own()
        for name in _RESULTS:
            setattr(record, name, RunRecord.model_fields[name].get_default(call_default_factory=True))
        record.status, record.interruptions = RunStatus.QUEUED, interruptions
        record.pid, record.process_started_at, record.queue_position = pid, started, 0
        write_record(record, outputs)
    return record


def give_up(run_id: str, outputs: Path) -> None:
    """Mark an interrupted run as cancelled, so that nobody is asked about it again. Raises as `ask_again` does."""
    with _alone(outputs):
        record = _interrupted(run_id, outputs)
        record.status = RunStatus.CANCELLED
        record.error = _error(Cancelled(GIVEN_UP))
        write_record(record, outputs)


def _interrupted(run_id: str, outputs: Path) -> RunRecord:
    record = read_record(record_path(outputs, run_id))
    if record.status is not RunStatus.INTERRUPTED:
        raise InvalidInput("This run is not interrupted any more: it was resumed or given up elsewhere.")
    return record


def _error(error: ImageToVideoError) -> ErrorRecord:
    return ErrorRecord(type=type(error).__name__, message=str(error), exit_code=error.exit_code)


def _waits(record: RunRecord, outputs: Path) -> bool:
    """Whether a run without an owner waits; what was under way is marked as interrupted. Raises OSError."""
    if record.status is RunStatus.QUEUED and record.queue_position is not None:
        return True
    shutil.rmtree(outputs / WORK / record.run_id, ignore_errors=True)
    record.status, record.finished_at, record.queue_position = RunStatus.INTERRUPTED, now(), None
    record.error = _error(Interrupted(ENDED))
    LOG.warning("The run %s was interrupted: its program is gone.", record.run_id)
    write_record(record, outputs)
    return False


def _unfinished(outputs: Path) -> Iterator[RunRecord]:
    """The records of runs that did not come to an end, by name."""
    for path in sorted(outputs.glob("video_*.json")):
        with contextlib.suppress(InvalidRecord, OSError):
            with path.open("rb") as file:
                is_finished = _UNFINISHED.search(file.read(_HEAD_BYTES)) is None
            if not is_finished:
                yield read_record(path)


@contextmanager
def _alone(outputs: Path) -> Iterator[None]:
    """Keep other programs from looking at the same time."""
    from filelock import FileLock

    with FileLock(outputs / LOCK, timeout=LOCK_SECONDS):
        yield
