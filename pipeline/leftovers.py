"""What programs that are gone have left in an outputs folder: runs that wait, and runs that were broken off.

One program at a time looks, behind a lock that goes with its process, so that of two that are started together each run
goes to one.
"""

import contextlib
import logging
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from pipeline.cache import FOLDER as CACHE
from pipeline.errors import Cancelled, Interrupted, InvalidInput, InvalidRecord
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

CLAIM_SECONDS = 60.0
"""After so long nobody is still about to write the record whose name he has claimed with an empty file."""

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
        _sweep(outputs)
        for record in _unfinished(outputs):
            with contextlib.suppress(OSError):
                is_left = record.status is RunStatus.INTERRUPTED or not owner_is_alive(record)
                status = _settled(record, outputs) if is_left else None
                if status is RunStatus.QUEUED:
                    found.append(record)
                elif status is RunStatus.INTERRUPTED:
                    interrupted.append(record)
        for record in sorted(found, key=lambda each: (each.process_started_at, each.queue_position, each.created_at)):
            with contextlib.suppress(OSError):
                record.pid, record.process_started_at = own()
                write_record(record, outputs)
                waiting.append(record)
        with contextlib.suppress(OSError):
            (outputs / WORK).rmdir()  # where it is empty now
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
        record.error = ErrorRecord.of(Cancelled(GIVEN_UP))
        write_record(record, outputs)


def _interrupted(run_id: str, outputs: Path) -> RunRecord:
    record = read_record(record_path(outputs, run_id))
    if record.status is not RunStatus.INTERRUPTED:
        raise InvalidInput("This run is not interrupted any more: it was resumed or given up elsewhere.")
    return record


def _settled(record: RunRecord, outputs: Path) -> RunStatus:
    """The status of a run without an owner: what was under way is marked as interrupted, or as done. Raises OSError."""
    waits = record.status is RunStatus.QUEUED and record.queue_position is not None
    if waits or record.status is RunStatus.INTERRUPTED:
        return record.status
    shutil.rmtree(outputs / WORK / record.run_id, ignore_errors=True)
    ended = _ended(record, outputs)
    record.finished_at, record.queue_position = ended or now(), None
    if ended is not None:
        record.status = RunStatus.SUCCEEDED
    else:
        record.status, record.output, record.error = RunStatus.INTERRUPTED, None, ErrorRecord.of(Interrupted(ENDED))
        LOG.warning("The run %s was interrupted: its program is gone.", record.run_id)
    write_record(record, outputs)
    return record.status


def _ended(record: RunRecord, outputs: Path) -> datetime | None:
    """When a video was finished that has its final name already, as its record foretold; None where there is none."""
    if record.output is None:
        return None
    try:
        found = (outputs / record.output.path).stat()
    except OSError:
        return None
    return datetime.fromtimestamp(found.st_mtime, UTC) if found.st_size == record.output.bytes else None


def _sweep(outputs: Path) -> None:
    """Remove what programs that are gone were writing, and names that they had claimed for runs they never wrote."""
    for folder in (outputs, *(each for each in outputs.iterdir() if each.is_dir() and each.name != CACHE)):
        for path in folder.glob(".*.part"):
            owner = path.name.split(".")[-2]
            if owner.isdecimal() and not psutil.pid_exists(int(owner)):
                with contextlib.suppress(OSError):
                    path.unlink()
    oldest = time.time() - CLAIM_SECONDS
    for path in outputs.glob("video_*.json"):
        with contextlib.suppress(OSError):
            if path.stat().st_size == 0 and path.stat().st_mtime < oldest:
                path.unlink()


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
