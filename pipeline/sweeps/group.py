"""The group of runs that are compared: its name, and its contact sheet beside the videos."""

import contextlib
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from pipeline.errors import OutputFailed
from pipeline.history.posters import Posters
from pipeline.records import PlaceRecord, RunRecord, RunStatus
from pipeline.run.runner import outputs_error
from pipeline.sweeps.sheet import Cell, Sheet, write_sheet

FOLDER = ".groups"
"""Folder below the outputs. It holds an empty file for each group, which keeps two programs from taking one name."""

UNFINISHED = (RunStatus.QUEUED, RunStatus.RUNNING)

_GROUP = re.compile(r"sweep_\d{8}_\d{6}(_\d+)?")


def is_group(name: str) -> bool:
    """Whether a name, from a record or from outside, is one that `reserve_group` gives."""
    return _GROUP.fullmatch(name) is not None


def reserve_group(outputs: Path, at: datetime | None = None) -> str:
    """Claim a name sweep_YYYYMMDD_HHMMSS (local time), with a number behind it where it is taken.

    Raises ImageToVideoError when the outputs folder cannot be used.
    """
    stamp = (at or datetime.now()).strftime("sweep_%Y%m%d_%H%M%S")
    number = 1
    try:
        (outputs / FOLDER).mkdir(parents=True, exist_ok=True)
        while True:
            name = stamp if number == 1 else f"{stamp}_{number}"
            number += 1
            with contextlib.suppress(FileExistsError), (outputs / FOLDER / name).open("x"):
                return name
    except OSError as error:
        raise outputs_error(error, outputs) from error


def is_complete(records: Iterable[RunRecord]) -> bool:
    """Whether every place of a group has a run and none of these is still to come."""
    found = {(each.place.row, each.place.column): each for each in records if each.place is not None}
    if not found or any(each.status in UNFINISHED for each in found.values()):
        return False
    place = next(iter(found.values())).place
    return place is not None and len(found) == len(place.rows.values) * len(place.columns.values)


def make_sheet(
    outputs: Path,
    group: str,
    runs: Sequence[tuple[PlaceRecord, RunRecord | None]],
    name_of: Callable[[str], str] = str,
) -> Path:
    """Draw the contact sheet of a group beside the videos, under a name that nothing has; return it.

    `runs` are the places of one grid with what became of them, None where that is not known; of several at one place
    the last one counts. `name_of` says how a setting is called. Raises ValueError without a place or for a name that is
    no group's, OutputFailed where the sheet cannot be written.
    """
    if not runs or not is_group(group):
        raise ValueError("a contact sheet needs a group of runs with places")
    grid, posters = runs[0][0], Posters(outputs)
    cells = {(place.row, place.column): _cell(record, posters) for place, record in runs}
    try:
        return write_sheet(Sheet(grid.rows, grid.columns, cells, name_of), _free_path(outputs, group))
    except OSError as error:
        raise OutputFailed(f"The contact sheet cannot be kept: {error.strerror or error}.") from error


def _cell(record: RunRecord | None, posters: Posters) -> Cell:
    if record is None:
        return Cell(reason="Its record is gone.")
    if record.output is None:
        return Cell(reason=record.error.message if record.error else f"This run is {record.status}.")
    return Cell(posters.middle(record.run_id, record.output.path), "Its video is gone.")


def latest_sheet(outputs: Path, group: str) -> Path | None:
    """The last contact sheet of a group that is there."""
    found, path = None, _numbered(outputs, group, 1)
    number = 1
    while is_group(group) and path.is_file():
        number += 1
        found, path = path, _numbered(outputs, group, number)
    return found


def _free_path(outputs: Path, group: str) -> Path:
    number = 1
    while _numbered(outputs, group, number).exists():
        number += 1
    return _numbered(outputs, group, number)


def _numbered(outputs: Path, group: str, number: int) -> Path:
    return outputs / f"{group}_sheet{f'_{number}' if number > 1 else ''}.png"
