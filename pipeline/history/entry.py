"""What the index keeps of one record: enough to list, to search and to sort it."""

import json
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pipeline.errors import InvalidRecord
from pipeline.records import SCHEMA_VERSION, RunRecord, RunStatus, read_record

LARGEST = 2**63 - 1
"""Largest whole number that SQLite keeps; no size or seed comes near it."""


class EntryState(StrEnum):
    """Whether a record can be read."""

    WHOLE = "whole"
    DAMAGED = "damaged"
    NEWER = "newer"
    """Written by a newer version of the program."""


@dataclass(frozen=True)
class Entry:
    """One run in the history. Of a record that cannot be read there is its name, its time and the `reason`."""

    run_id: str
    """The stem of the record's file name, whatever the record says itself."""
    state: EntryState
    created_at: datetime
    reason: str = ""
    """Why there is no result, in one sentence."""
    job: str = ""
    group_id: str = ""
    """Runs that were asked for together have the same one."""
    status: RunStatus | None = None
    prompt: str = ""
    inputs: str = ""
    """Names of the input files."""
    engine: str = ""
    model: str = ""
    seed: int | None = None
    seconds: float | None = None
    """How long the run took."""
    output: str | None = None
    """The video, relative to the outputs folder."""
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    """Length of the video in seconds."""
    bytes: int | None = None
    text: str = ""
    """All that words are looked for in, as `searchable` makes it."""
    is_favourite: bool = False


def searchable(text: str) -> str:
    """Text as it is compared: without case, and full-width forms as their plain ones."""
    return unicodedata.normalize("NFKC", text).casefold()


def entry_of(path: Path, modified: float) -> Entry:
    """The entry of a record file, last written at `modified` seconds since 1970. Never raises for what is in it."""
    try:
        return _whole(path.stem, read_record(path))
    except InvalidRecord as error:
        state, reason = EntryState.DAMAGED, str(error)
        if _is_newer(path):
            state, reason = EntryState.NEWER, f"{path.name} was written by a newer version of this program."
    except (TypeError, ValueError, OverflowError):
        state, reason = EntryState.DAMAGED, f"{path.name} is not a run record: no run has such times or numbers."
    created = datetime.fromtimestamp(modified, UTC)
    return Entry(path.stem, state, created, reason, text=searchable(path.stem))


def _whole(run_id: str, record: RunRecord) -> Entry:
    """The entry of a record. Raises TypeError, ValueError or OverflowError for times and numbers that make no sense."""
    asked, made, used = record.requested, record.output, record.used or record.requested
    names = ", ".join(each.name for each in record.inputs)
    engine = used.animate.engine if record.job == "animate" else used.transition.engine
    model = record.model.name if record.model else ""
    words = (segment.prompt for segment in asked.animate.segments)
    text = " ".join([asked.prompt, *words, *used.plan.prompts, names, engine, model, str(record.seed), run_id])
    took = record.finished_at - record.started_at if record.started_at and record.finished_at else None
    entry = Entry(
        run_id=run_id,
        state=EntryState.WHOLE,
        created_at=record.created_at.astimezone(UTC),
        reason=record.error.message if record.error else "",
        job=record.job,
        group_id=record.group,
        status=record.status,
        prompt=asked.prompt,
        inputs=names,
        engine=engine,
        model=model,
        seed=record.seed,
        seconds=took.total_seconds() if took else None,
        output=made.path if made else None,
        width=made.width if made else None,
        height=made.height if made else None,
        duration=made.duration if made else None,
        bytes=made.bytes if made else None,
        text=searchable(text),
    )
    if any(isinstance(value, int) and abs(value) > LARGEST for value in vars(entry).values()):
        raise OverflowError("a number too large for the index")
    return entry


def _is_newer(path: Path) -> bool:
    """Whether a record that cannot be read says that it comes from a newer version."""
    try:
        version = json.loads(path.read_bytes())["schema_version"]
        return isinstance(version, int) and version > SCHEMA_VERSION
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
