"""The trash: the files of runs that were thrown away, in a folder for each, until it is emptied."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import InvalidInput, InvalidRecord, OutputFailed
from pipeline.history.files import checked, files_of
from pipeline.records import RunStatus, owner_is_alive, read_record, record_path

FOLDER = ".trash"
"""Folder below the outputs."""


@dataclass(frozen=True)
class Discarded:
    """A run in the trash."""

    name: str
    """Its folder in the trash: the run's id, and a number where the trash holds another run of that id."""
    run_id: str
    bytes: int
    discarded_at: datetime


class Trash:
    """The trash of one outputs folder. Records are moved last, so that what breaks off can be done once more."""

    def __init__(self, outputs: Path) -> None:
        self._outputs, self._folder = outputs, outputs / FOLDER

    def put(self, run_id: str) -> str:
        """Move the files of a run into the trash; return their folder's name there, for `restore`.

        Raises InvalidInput when there is no such run or it is not finished, OutputFailed when files cannot be moved.
        """
        self._refuse_unfinished(checked(run_id))
        files = files_of(self._outputs, run_id)
        if not files:
            raise InvalidInput(f"There is no run {run_id} any more: somebody else has thrown it away.")
        name = self._free_name(run_id)
        self._move(files, self._folder / name)
        with contextlib.suppress(OSError):
            os.utime(self._folder / name)
        return name

    def restore(self, name: str) -> None:
        """Move a run back. Raises InvalidInput when it is not there or its name is taken, else OutputFailed."""
        folder, run_id = self._inside(name), name.partition(".")[0]
        files = files_of(folder, run_id)
        if not files:
            raise InvalidInput(f"{run_id} is not in the trash any more.")
        taken = next((path.name for path in files if (self._outputs / path.name).exists()), None)
        if taken is not None:
            raise InvalidInput(f"{run_id} cannot be restored: there is another {taken} now, which is not overwritten.")
        self._move(files, self._outputs)
        with contextlib.suppress(OSError):
            folder.rmdir()

    def all(self) -> list[Discarded]:
        """The runs in the trash, the last one thrown away first."""
        found = []
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            with contextlib.suppress(OSError):  # restored at this moment
                size = sum(path.stat().st_size for path in folder.iterdir())
                at = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
                found.append(Discarded(folder.name, folder.name.partition(".")[0], size, at))
        return sorted(found, key=lambda each: (each.discarded_at, each.name), reverse=True)

    def empty(self) -> int:
        """Delete all that is in the trash for good; return how many bytes that freed. Raises OutputFailed."""
        runs = self.all()
        for each in runs:
            try:
                shutil.rmtree(self._folder / each.name)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise OutputFailed(f"The trash cannot be emptied: {error.strerror or error}.") from error
        return sum(each.bytes for each in runs)

    def _refuse_unfinished(self, run_id: str) -> None:
        try:
            record = read_record(record_path(self._outputs, run_id))
        except InvalidRecord:
            return  # nobody can be at work with it
        if record.status in (RunStatus.QUEUED, RunStatus.RUNNING) and owner_is_alive(record):
            raise InvalidInput(f"{run_id} is {record.status}: stop it before it is thrown away.")

    def _free_name(self, run_id: str) -> str:
        """The folder for a run: one that broke off is completed, a whole one of the same id is left alone."""
        name, number = run_id, 1
        while record_path(self._folder / name, run_id).exists():
            number += 1
            name = f"{run_id}.{number}"
        return name

    def _inside(self, name: str) -> Path:
        run_id, _, number = name.partition(".")
        if number and not number.isdecimal():
            raise InvalidInput(f"{name[:80]!r} is not in the trash.")
        return self._folder / (f"{checked(run_id)}.{number}" if number else checked(run_id))

    def _move(self, files: list[Path], folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in files:
                with contextlib.suppress(FileNotFoundError):  # another program is moving them, too
                    os.replace(path, folder / path.name)
        except OSError as error:
            raise OutputFailed(f"{path.name} cannot be moved to {folder}: {error.strerror or error}.") from error
