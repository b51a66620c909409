"""The lines of the log, the newest first: which of them are wanted is told while they are read, from the end."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from pipeline.logs import BACKUPS, FILE_NAME

BLOCK = 1 << 16
"""Bytes that are read at once."""

MOST_BYTES = 40_000_000
"""Bytes of one file that are looked at, from its end: the program's own files are smaller."""


@dataclass(frozen=True)
class LogEntry:
    """One line of the log. `time` is ISO 8601 in UTC, `level` a name of the logging module's."""

    time: str
    level: str
    message: str
    run_id: str | None = None
    logger: str = ""
    exception: str = ""
    """The traceback, where there is one."""


@dataclass(frozen=True)
class Wanted:
    """Which lines are looked for. What is left as it is allows all of them."""

    level: str = "NOTSET"
    """The least level: WARNING allows errors, too."""
    text: str = ""
    """Stands in message, logger or traceback, whatever its case."""
    run_id: str = ""
    """The whole id of a run."""

    def allows(self, entry: LogEntry) -> bool:
        """Whether a line is one of them."""
        found = f"{entry.message}\n{entry.logger}\n{entry.exception}".casefold()
        return (
            (not self.run_id or entry.run_id == self.run_id)
            and _rank(entry.level) >= _rank(self.level)
            and self.text.strip().casefold() in found
        )


def newest_lines(logs: Path, wanted: Wanted, limit: int) -> list[LogEntry]:
    """The newest `limit` lines that are wanted, of the log and its backups, the newest first.

    What is no line of the log's is passed over.
    """
    files = [logs / FILE_NAME, *(logs / f"{FILE_NAME}.{number}" for number in range(1, BACKUPS + 1))]
    is_candidate = _sieve(wanted)
    lines = (line for path in files for line in _lines(path) if is_candidate(line))
    entries = (entry for line in lines if (entry := _entry(line)) is not None and wanted.allows(entry))
    return list(islice(entries, limit))


def lines_of_run(logs: Path, run_id: str, limit: int = 500) -> list[LogEntry]:
    """The last `limit` lines of a run, oldest first."""
    return newest_lines(logs, Wanted(run_id=run_id), limit)[::-1]


def _sieve(wanted: Wanted) -> Callable[[bytes], bool]:
    """A quick look at a line as it is written: what it refuses is not wanted."""
    run_id, text = (json.dumps(each, ensure_ascii=False)[1:-1] for each in (wanted.run_id, wanted.text.strip()))
    sought, folded = run_id.encode(errors="replace"), text.casefold()
    return lambda line: sought in line and (not folded or folded in line.decode(errors="replace").casefold())


def _rank(level: str) -> int:
    """A level's number; that of a name which nobody knows is 0."""
    return logging.getLevelNamesMapping().get(level, 0)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from _backwards(file)
    except OSError:  # rotated away, or never written
        return


def _backwards(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file from its last one. A block is read when the lines of the one behind it are used up."""
    end = file.seek(0, os.SEEK_END)
    start, rest = max(0, end - MOST_BYTES), b""
    while end > start:
        begin = max(start, end - BLOCK)
        file.seek(begin)
        rest, *lines = (file.read(end - begin) + rest).split(b"\n")
        yield from reversed(lines)
        end = begin
    if start == 0:  # else it is the end of a line that was cut
        yield rest


def _entry(line: bytes) -> LogEntry | None:
    try:
        found = json.loads(line)
        run_id, more = found["run_id"], (str(found.get("logger", "")), str(found.get("exception", "")))
        return LogEntry(str(found["time"]), str(found["level"]), str(found["message"]), run_id and str(run_id), *more)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
