"""The index of the records in an outputs folder, in SQLite. It holds nothing that the records do not say.

Which records changed is told by time, size and inode of their files, so an index is brought up to date by one look at
the folder. A damaged index, or one of another version, is thrown away and built anew. Each operation has a connection
of its own, so threads and programs may share an index; who is behind is put right by the next look.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import OutputFailed
from pipeline.history.entry import Entry, EntryState, entry_of
from pipeline.history.files import is_run_id
from pipeline.history.query import Found, Query
from pipeline.records import RunStatus

FOLDER = ".index"
"""Folder below the outputs."""

VERSION = 2
"""Of the table below and of what `entry_of` writes there; raise it with either."""

BATCH = 200
"""Records that are read before they are written: a building that breaks off goes on from there."""

WAIT_SECONDS = 30.0
"""How long another program may write."""

Answer = TypeVar("Answer")
Stamp = tuple[int, int, int]
"""Time of the last change in nanoseconds, size in bytes, inode."""

_TABLE = """
CREATE TABLE IF NOT EXISTS run (
    run_id TEXT PRIMARY KEY, state TEXT NOT NULL, created_at REAL NOT NULL, reason TEXT NOT NULL, job TEXT NOT NULL,
    group_id TEXT NOT NULL, status TEXT, prompt TEXT NOT NULL, inputs TEXT NOT NULL, engine TEXT NOT NULL,
    model TEXT NOT NULL, seed INTEGER, seconds REAL, output TEXT, width INTEGER, height INTEGER, duration REAL,
    bytes INTEGER, text TEXT NOT NULL, modified INTEGER NOT NULL, size INTEGER NOT NULL, inode INTEGER NOT NULL
)
"""

_PUT = """
INSERT OR REPLACE INTO run VALUES (
    :run_id, :state, :created_at, :reason, :job, :group_id, :status, :prompt, :inputs, :engine, :model, :seed, :seconds,
    :output, :width, :height, :duration, :bytes, :text, :modified, :size, :inode
)
"""

_FIND = """
SELECT *, run_id IN (SELECT value FROM json_each(:favourites)) AS is_favourite, count(*) OVER () AS total FROM run
WHERE (:status IS NULL OR status = :status)
    AND (:job IS NULL OR job = :job)
    AND (:engine IS NULL OR engine = :engine OR model = :engine)
    AND (:seed IS NULL OR seed = :seed)
    AND (:since IS NULL OR created_at >= :since)
    AND (:until IS NULL OR created_at < :until)
    AND (NOT :favourites_only OR is_favourite)
    AND NOT EXISTS (SELECT 1 FROM json_each(:words) WHERE instr(text, value) = 0)
ORDER BY
    CASE :order
        WHEN 'oldest' THEN created_at
        WHEN 'longest' THEN -ifnull(duration, 0)
        WHEN 'largest' THEN -ifnull(bytes, 0)
        WHEN 'slowest' THEN -ifnull(seconds, 0)
        WHEN 'prompt' THEN prompt = ''
    END,
    CASE :order WHEN 'prompt' THEN lower(prompt) END,
    created_at DESC, run_id DESC
LIMIT :limit OFFSET :offset
"""


class Index:
    """The index below one outputs folder. It is made when it is first asked."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs
        self.path = outputs / FOLDER / "history.sqlite"
        self._is_checked = False

    def update(self) -> int:
        """Read the records that are new or changed, forget those that are gone; return how many that were.

        Raises OutputFailed when the index cannot be written.
        """
        return self._ask(self._update)

    def find(self, query: Query, favourites: Sequence[str], limit: int, offset: int) -> Found:
        """The entries that a query allows, as the last update left them. Raises OutputFailed as `update` does."""
        lists = {"favourites": json.dumps(list(favourites)), "words": json.dumps(query.parameters()["words"])}
        given = {**query.parameters(), **lists, "limit": limit, "offset": offset}

        def ask(connection: sqlite3.Connection) -> Found:
            rows = connection.execute(_FIND, given).fetchall()
            return Found(tuple(_entry(row) for row in rows), rows[0]["total"] if rows else 0)

        return self._ask(ask)

    def engines(self) -> list[str]:
        """Names of all engines that runs had."""

        def ask(connection: sqlite3.Connection) -> list[str]:
            rows = connection.execute("SELECT DISTINCT engine FROM run WHERE engine != '' ORDER BY engine")
            return [row["engine"] for row in rows]

        return self._ask(ask)

    def members(self, group: str) -> list[str]:
        """Ids of the runs that were asked for together under this name, the oldest first."""

        def ask(connection: sqlite3.Connection) -> list[str]:
            rows = connection.execute("SELECT run_id FROM run WHERE group_id = ? ORDER BY created_at, run_id", (group,))
            return [row["run_id"] for row in rows]

        return self._ask(ask)

    def _update(self, connection: sqlite3.Connection) -> int:
        known = {row[0]: tuple(row)[1:] for row in connection.execute("SELECT run_id, modified, size, inode FROM run")}
        present = dict(_stamps(self._outputs))
        gone = [(run_id,) for run_id in known.keys() - present.keys()]
        changed = [run_id for run_id, stamp in present.items() if known.get(run_id) != stamp]
        for start in range(0, len(changed), BATCH):
            rows = [self._row(run_id, present[run_id]) for run_id in changed[start : start + BATCH]]
            with connection:
                connection.executemany(_PUT, rows)
        with connection:
            connection.executemany("DELETE FROM run WHERE run_id = ?", gone)
        return len(changed) + len(gone)

    def _row(self, run_id: str, stamp: Stamp) -> dict[str, Any]:
        modified, size, inode = stamp
        entry = entry_of(self._outputs / f"{run_id}.json", modified / 1e9)
        values = {each.name: getattr(entry, each.name) for each in fields(entry)}
        created = entry.created_at.timestamp()
        return {**values, "created_at": created, "modified": modified, "size": size, "inode": inode}

    def _ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Ask the index; where it turns out to be damaged, build it anew and ask once more."""
        try:
            try:
                return self._answer(question)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self._throw_away()
                return self._answer(question)
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise OutputFailed(
                f"The index of the history in {self.path.parent} cannot be used ({reason}): "
                "make room on the disk, or allow writing there."
            ) from error

    def _answer(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        is_new = not self.path.exists()
        with self._open() as connection:
            if is_new:  # nothing there yet, or thrown away by someone
                self._update(connection)
            return question(connection)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self.path, timeout=WAIT_SECONDS)) as connection:
            connection.row_factory = sqlite3.Row
            if not self._is_checked:
                _check(connection)
                self._is_checked = True
            connection.execute(_TABLE)
            yield connection

    def _throw_away(self) -> None:
        self._is_checked = False
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)


def _check(connection: sqlite3.Connection) -> None:
    """Prepare an index that is opened first. Raises DatabaseError when it is damaged or of another version."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes is read again
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if version not in (0, VERSION) or found != "ok":
        raise sqlite3.DatabaseError(f"version {version}, {found}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether a new index would help: not where the disk is full or another program does not let go.

    An operational error without a code of the file system's is a table that is not as this version makes it.
    """
    if not isinstance(error, sqlite3.OperationalError):
        return True
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


def _stamps(outputs: Path) -> Iterator[tuple[str, Stamp]]:
    """The record files with what tells whether they changed. An empty one only reserves the name of a run."""
    with contextlib.suppress(FileNotFoundError), os.scandir(outputs) as folder:
        for each in folder:
            run_id = each.name.removesuffix(".json")
            if run_id != each.name and is_run_id(run_id):
                with contextlib.suppress(FileNotFoundError):  # thrown away at this moment
                    stat = each.stat()
                    if stat.st_size and each.is_file(follow_symlinks=False):
                        yield run_id, (stat.st_mtime_ns, stat.st_size, each.inode())


def _entry(row: sqlite3.Row) -> Entry:
    values = {each.name: row[each.name] for each in fields(Entry)}
    values["state"] = EntryState(row["state"])
    values["status"] = RunStatus(row["status"]) if row["status"] else None
    values["created_at"] = datetime.fromtimestamp(row["created_at"], UTC)
    values["is_favourite"] = bool(row["is_favourite"])
    return Entry(**values)
