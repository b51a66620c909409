"""Run records: one JSON file for each run, beside its video. The queue, the history and the log in one.

A record exists from the moment a run is asked for. It appears, and is rewritten, as a whole, through a temporary file,
so that a reader never sees half of one.
"""

import hashlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import ImageToVideoError, InvalidRecord
from pipeline.linking import link
from pipeline.paths import partial_of, written_whole
from pipeline.settings import FrameRate, Settings

SCHEMA_VERSION = 1
INPUTS = "inputs"
"""Folder below the outputs folder that keeps the inputs by content."""

WORK = ".work"
"""Folder below the outputs folder that holds, for each run under way, what is not finished yet."""

MAX_PLACES = 100
"""Runs that are compared with each other at most."""


class RecordModel(BaseModel):
    """Base of the parts of a record; the docstring of a field is its description in docs/record.schema.json."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, validate_assignment=True)


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class Notice(RecordModel):
    """Something the user should know: a value that was changed, a word not understood, advice."""

    stage: str
    """The stage that says it."""
    level: Literal["info", "warning"] = "info"
    """A warning says that the result is not quite what was asked for."""
    message: str
    """One sentence for the user."""
    setting: str | None = None
    """Full name of the setting concerned, such as prepare.width."""
    before: Any = None
    """The value that was asked for."""
    after: Any = None
    """The value that was used instead."""


InputRole = Literal["image", "middle_image", "last_image", "mask", "depth", "style", "driving_video", "lora"]

PICTURES: tuple[InputRole, ...] = ("image", "middle_image", "last_image")
"""What a video is made of; the other inputs say how."""


class InputRecord(RecordModel):
    """One input file, kept under outputs/inputs, but for driving videos and LoRAs, which stay where they are."""

    role: InputRole = "image"
    """What it was used as."""
    name: str
    """The file's own name, as the user gave it."""
    path: str | None = None
    """Where the kept copy lies, relative to the outputs folder; the full path of a file that stays where it is. Empty
    when the file could not be read."""
    sha256: str | None = None
    """Digest of the file's content."""
    width: int | None = None
    """Width in pixels as displayed, after EXIF orientation."""
    height: int | None = None
    """Height in pixels as displayed, after EXIF orientation."""


class DowngradeRecord(RecordModel):
    """One rung of the memory ladder that was taken."""

    rung: str
    """Name of the rung."""
    phase: str
    """The phase that had too little memory."""
    reason: Literal["forecast", "shortage"]
    """Whether it was foreseen before the run, or memory ran out during it."""
    message: str
    """One sentence for the user: what was changed, why, and what it costs."""
    changes_picture: bool
    """Whether the video differs from what was asked for."""
    before: dict[str, Any] = {}
    """Values of the settings it changed, by full name, as they were."""
    after: dict[str, Any] = {}
    """The same as they are now."""


class PhaseRecord(RecordModel):
    """What one phase of an engine did, in one attempt."""

    name: str
    """load, place, condition, sample or decode."""
    seconds: float
    """Wall time."""
    steps: int = 0
    """Denoising steps or frames done."""
    peak_memory_bytes: int | None = None
    """Largest resident memory of the program during it."""
    peak_gpu_bytes: int | None = None
    """Largest memory that the model took on the GPU during it."""
    outcome: Literal["done", "out of memory"] = "done"
    """Attempts that ran out of memory are kept as well."""


class ForecastRecord(RecordModel):
    """What was foreseen before the run."""

    device: str
    gpu_bytes: int
    """Peak on the GPU; 0 without one."""
    ram_bytes: int
    """Peak of the program's own memory."""
    disk_bytes: int
    """Room for what is kept during the run and for the video."""
    seconds: float | None = None
    """Time, from earlier runs on this machine; empty when there was none like it."""


class Advice(RecordModel):
    """Something to try next, as a button."""

    key: str
    """What it is about: image, prompt, motion, steps, candidates."""
    message: str
    """What was seen, and what may help."""
    runs: list[dict[str, Any]] = []
    """Changes to the settings, nested by section, one for each run to make; empty when it is for the user to do."""


class StageRecord(RecordModel):
    """What one stage did."""

    name: str
    """Name of the stage."""
    seconds: float
    """Wall time spent in it. Frames are made while they are encoded: `animate` is the time encode waited for them."""
    method: str = ""
    """Which way it took, where there are several, such as the model that it worked with."""
    reason: str = ""
    """Why it took that way, in one sentence."""
    cache_hit: bool = False
    """Whether the result was taken from an earlier run."""
    peak_memory_bytes: int | None = None
    """Largest resident memory of the program while the stage ran."""
    peak_gpu_bytes: int | None = None
    """Largest memory in use on the GPU, by all programs, while the stage ran; empty without a GPU."""
    phases: list[PhaseRecord] = []
    """What a diffusion engine did in it, failed attempts included."""
    downgrades: list[str] = []
    """Rungs of the memory ladder that were taken."""
    artifacts: dict[str, Any] = {}
    """Other results worth keeping, by name."""


class OutputRecord(RecordModel):
    """The finished file, as its own probe found it."""

    path: str
    """Relative to the outputs folder."""
    sha256: str
    width: int
    height: int
    fps: FrameRate
    num_frames: int
    codec: str
    duration: float
    """Seconds."""
    bytes: int
    """Size of the file."""


class ErrorRecord(RecordModel):
    """Why a run did not succeed."""

    type: str
    """Name of the error."""
    message: str
    """One sentence for the user."""
    exit_code: int
    """Exit code of the command line for it."""

    @classmethod
    def of(cls, error: ImageToVideoError) -> "ErrorRecord":
        """What a record says of an error."""
        return cls(type=type(error).__name__, message=str(error), exit_code=error.exit_code)


class Environment(RecordModel):
    """What the run ran on."""

    packages: dict[str, str] = {}
    """Versions of the libraries that decide pixels."""
    python: str = ""
    platform: str = ""
    cpu_count: int = 0
    gpu: str | None = None
    driver: str | None = None
    git_commit: str | None = None


class ModelRecord(RecordModel):
    """The weights that made the frames."""

    name: str
    """Name in the catalogue."""
    repository: str
    revision: str | None = None
    variant: str | None = None
    licence: str | None = None
    device: str | None = None
    """What it ran on: cuda or cpu."""
    precision: str | None = None
    """Number format of weights and activations."""


class AxisRecord(RecordModel):
    """One direction in which the runs of a group differ. Nothing differs where there are no settings."""

    settings: list[str] = []
    """Full names of the settings that change along it; "image" where each step has an image of its own."""
    values: list[list[str]] = [[]]
    """The steps, each with a value for every setting, as people read them."""


class PlaceRecord(RecordModel):
    """Where a run stands in the grid of its group. The grid is the same in all records of the group."""

    rows: AxisRecord
    columns: AxisRecord
    row: int = Field(ge=0)
    """Counted from 0, as is the column."""
    column: int = Field(ge=0)

    @model_validator(mode="after")
    def _lies_inside(self) -> "PlaceRecord":
        rows, columns = len(self.rows.values), len(self.columns.values)
        if self.row >= rows or self.column >= columns or rows * columns > MAX_PLACES:
            raise ValueError("the place lies outside its grid, or the grid is too large")
        return self


class RunRecord(RecordModel):
    """Everything about one run: what was asked, what was done, what came out."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    """The stem of the record's and the video's file names."""
    job: Literal["animate", "transition", "plan"] = "animate"
    """Which of the program's jobs it was; `plan` writes the prompts of a transition and makes no video."""
    status: RunStatus
    created_at: AwareDatetime
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    pid: int
    """Process that owns the run while it is queued or running."""
    process_started_at: float
    """When that process began, in seconds since the machine was started, off Linux since 1970: a number that was given
    to another process is noticed."""
    queue_position: int | None = None
    """Order among the runs that wait in the page's queue, the smallest first; empty for all others."""
    group: str = ""
    """Runs that were asked for together have the same one; empty for a run by itself."""
    place: PlaceRecord | None = None
    """Where it stands among the runs of its group, where these are compared."""
    interruptions: list[AwareDatetime] = []
    """When earlier attempts were broken off; after each the run was resumed."""
    seed: int
    """The seed that was used; never -1."""
    requested: Settings
    """The settings as asked for."""
    used: Settings | None = None
    """The settings as used, with sizes, frames and the motion plan filled in. `rerun` repeats these."""
    inputs: list[InputRecord] = []
    stages: list[StageRecord] = []
    notices: list[Notice] = []
    """Everything that the page said about this run: snaps, advice, words not understood."""
    memory_timeline: list[tuple[float, int]] = []
    """Pairs of seconds since the start and resident bytes, thinned."""
    gpu_timeline: list[tuple[float, int]] = []
    """Pairs of seconds since the start and bytes in use on the GPU by all programs, thinned; empty without a GPU."""
    forecast: ForecastRecord | None = None
    """What a diffusion engine was expected to need with the settings as used."""
    downgrades: list[DowngradeRecord] = []
    """Rungs of the memory ladder that were taken, in order; `used` holds what they changed."""
    output: OutputRecord | None = None
    candidates: list[OutputRecord] = []
    """The other candidates, where they were kept."""
    quality: dict[str, float] = {}
    """Measures of the result, by name."""
    advice: list[Advice] = []
    """What to try next, from the measures."""
    error: ErrorRecord | None = None
    environment: Environment = Environment()
    model: ModelRecord | None = None
    """Empty for the embedded engine, which has no weights."""


def now() -> datetime:
    """The present time in UTC, which is how records keep times."""
    return datetime.now(UTC)


def record_path(outputs: Path, run_id: str) -> Path:
    """Where the record of a run lies."""
    return outputs / f"{run_id}.json"


def write_new_record(make: Callable[[str], RunRecord], outputs: Path, at: datetime | None = None) -> RunRecord:
    """Make the record of a run with a name of its own, video_YYYYMMDD_HHMMSS (local time), write it and return it.

    A second run in the same second gets _2 and so on, also when the first belongs to another process; a name is not
    taken either where only a video of that stem exists. The record appears whole, so that whoever is killed meanwhile
    leaves none that cannot be read. Raises OSError when the folder cannot be written.
    """
    names = _names(at or datetime.now())
    while True:
        run_id = next(names)
        path = record_path(outputs, run_id)
        if any(path.with_suffix(ending).exists() for ending in (".json", ".mp4", ".webm", ".gif")):
            continue
        record = make(run_id)
        partial = partial_of(outputs / run_id)
        try:
            _write_whole(record, partial)
            _give_name(partial, path)
        except FileExistsError:
            continue
        finally:
            partial.unlink(missing_ok=True)
        return record


def _names(at: datetime) -> Iterator[str]:
    stamp = at.strftime("video_%Y%m%d_%H%M%S")
    yield stamp
    yield from (f"{stamp}_{number}" for number in itertools.count(2))


def _give_name(partial: Path, path: Path) -> None:
    """Give a written file its name. Raises FileExistsError where somebody else has that name."""
    if not link(partial, path):
        path.open("x").close()  # the name is claimed by an empty file
        os.replace(partial, path)


def write_record(record: RunRecord, outputs: Path) -> Path:
    """Write a record as a whole: readers see the old one or the new one, never a part. Raises OSError."""
    path = record_path(outputs, record.run_id)
    with written_whole(path) as partial:
        _write_whole(record, partial)
    return path


def _write_whole(record: RunRecord, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(record.model_dump_json(indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_record(path: Path) -> RunRecord:
    """Read a record. Raises InvalidRecord when the file is missing, damaged or from a newer version."""
    try:
        record = RunRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidRecord(f"The record {path} cannot be read: {error.strerror or error}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidRecord(f"{path} is not a run record: {place + ': ' if place else ''}{first['msg']}.") from error
    if record.schema_version > SCHEMA_VERSION:
        raise InvalidRecord(f"{path} was written by a newer version of this program (schema {record.schema_version}).")
    return record


def keep_input(source: Path, outputs: Path) -> tuple[str, str]:
    """Copy a file to outputs/inputs/SHA256.ext unless it is there; return its path below outputs and its digest.

    Raises OSError when the source cannot be read or the copy cannot be written.
    """
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    relative = f"{INPUTS}/{digest}{source.suffix.lower()}"
    target = outputs / relative
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(target) as partial:
            shutil.copyfile(source, partial)
    return relative, digest


def own() -> tuple[int, float]:
    """This process as records name their owner: its number, and when it began, as `_began` says."""
    process = psutil.Process()
    return process.pid, _began(process)


def owner_is_alive(record: RunRecord) -> bool:
    """Whether the process that owns the record still runs (and is not another one with the same number)."""
    try:
        return abs(_began(psutil.Process(record.pid)) - record.process_started_at) < 1.0
    except psutil.Error:
        return False


def _began(process: psutil.Process) -> float:
    """When a process began, in seconds since the machine was started; raises psutil.Error when it is gone.

    In seconds since 1970, as psutil has it, it would be another time as soon as somebody sets the clock.
    """
    return process.create_time() - psutil.boot_time() if psutil.LINUX else process.create_time()


def fps_text(fps: Fraction) -> str:
    """A frame rate for people: 30, 29.97."""
    return f"{float(fps):.3f}".rstrip("0").rstrip(".")
