"""The lines of the log that belong to one run."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.logs import BACKUPS, FILE_NAME


@dataclass(frozen=True)
class LogEntry:
    """One line of the log. `time` is ISO 8601 in UTC, `level` a name of the logging module's."""

    time: str
    level: str
    message: str


def lines_of_run(logs: Path, run_id: str, limit: int = 500) -> list[LogEntry]:
    """The last `limit` lines of a run in the log and its backups, oldest first. What is no such line is passed over."""
    files = [logs / f"{FILE_NAME}.{number}" for number in range(BACKUPS, 0, -1)]
    lines = (line for path in [*files, logs / FILE_NAME] for line in _lines(path, run_id))
    return list(deque(lines, maxlen=limit))


def _lines(path: Path, run_id: str) -> Iterator[LogEntry]:
    wanted = json.dumps(run_id).encode()
    try:
        with path.open("rb") as file:
            for line in file:
                if wanted in line and (entry := _entry(line, run_id)) is not None:
                    yield entry
    except OSError:  # rotated away, or never written
        return


def _entry(line: bytes, run_id: str) -> LogEntry | None:
    try:
        found = json.loads(line)
        if found["run_id"] != run_id:
            return None
        return LogEntry(str(found["time"]), str(found["level"]), str(found["message"]))
    except (ValueError, KeyError, TypeError):
        return None
