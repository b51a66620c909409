"""Which jobs of a file are made already: a line for each run that was begun, and one for each that succeeded.

Lines are only added, each flushed to the disk, so that a break at any moment loses at most the line being written. What
a line says is believed only where the video is still there.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from pipeline.errors import InvalidInput, InvalidRecord
from pipeline.records import RunStatus, read_record, record_path
from pipeline.run.runner import outputs_error

FOLDER = ".batch"
"""Folder below the outputs."""


def ledger_path(jobs_file: Path, outputs: Path) -> Path:
    """Where the ledger of a jobs file lies; files of one name in two folders have two."""
    place = hashlib.sha256(str(jobs_file.resolve()).encode()).hexdigest()[:12]
    return outputs / FOLDER / f"{jobs_file.stem}-{place}.jsonl"


class Ledger:
    """What has become of the jobs of a file. As a context manager it may be written, by one program at a time."""

    def __init__(self, jobs_file: Path, outputs: Path) -> None:
        self.outputs, self.path = outputs, ledger_path(jobs_file, outputs)
        self._runs: dict[str, str] = {}
        self._videos: dict[str, str] = {}
        self._held = contextlib.ExitStack()
        self._read()

    def __enter__(self) -> "Ledger":
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(_only_one(self.path))
        except OSError as error:
            raise outputs_error(error, self.outputs) from error
        self._read()  # as it stands now that nobody else writes it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def video(self, key: str) -> Path | None:
        """The video of a job that is made and still there."""
        name = self._videos.get(key) or self._recorded(self._runs.get(key))
        path = self.outputs / name if name else None
        return path if path is not None and path.is_file() else None

    def run(self, key: str) -> str | None:
        """The run of a job that was begun last, whatever became of it."""
        return self._runs.get(key)

    def forget(self) -> None:
        """Begin anew, as if nothing were made."""
        self._runs, self._videos = {}, {}
        self.path.unlink(missing_ok=True)

    def begin(self, key: str, run_id: str) -> None:
        """Note down which run a job has."""
        self._runs[key] = run_id
        self._videos.pop(key, None)
        self._add({"job": key, "run": run_id})

    def succeed(self, key: str, video: str) -> None:
        """Note down the video of a job, relative to the outputs."""
        self._videos[key] = video
        self._add({"job": key, "run": self._runs[key], "video": video})

    def _recorded(self, run_id: str | None) -> str | None:
        """The video of a run that was begun, by its record: the program may have been killed just after it was made."""
        if run_id is None:
            return None
        try:
            record = read_record(record_path(self.outputs, run_id))
        except InvalidRecord:
            return None
        return record.output.path if record.output and record.status is RunStatus.SUCCEEDED else None

    def _read(self) -> None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError, KeyError, TypeError):  # half a line, from a break
                    self._take(json.loads(line))

    def _take(self, entry: dict[str, str]) -> None:
        key, run_id = str(entry["job"]), Path(entry["run"]).name
        self._runs[key] = run_id
        self._videos.pop(key, None)
        if "video" in entry:
            self._videos[key] = Path(entry["video"]).name

    def _add(self, entry: dict[str, str]) -> None:
        try:
            with self.path.open("a+b") as file:
                ends_well = file.tell() == 0 or _last_byte(self.path) == b"\n"
                file.write(b"" if ends_well else b"\n")
                file.write(json.dumps(entry).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise outputs_error(error, self.outputs) from error


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Keep a second program from making the same jobs. The lock goes with the process that holds it."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(path.with_suffix(".lock"), timeout=0):
            yield
    except Timeout as error:
        raise InvalidInput(
            "Another program is making the jobs of this file into the same outputs: wait for it, or stop it."
        ) from error
