"""What a stage or an engine is given beside its value and its settings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.cache import Cache
from pipeline.errors import Cancelled
from pipeline.frames import Frame, FrameStream
from pipeline.records import DowngradeRecord, ForecastRecord, ModelRecord, Notice, PhaseRecord, RunRecord
from pipeline.settings import Settings


@dataclass(frozen=True)
class Progress:
    """How far a run is: `done` of `total` steps of a stage, and the seconds left when they can be known.

    `phase` says in words what a stage is doing, where it does several things.
    """

    stage: str
    done: int
    total: int
    seconds_left: float | None = None
    phase: str = ""


@dataclass(frozen=True)
class Glimpse:
    """A small picture of what is in the making: one frame, RGB, at most 256 pixels a side. Never recorded."""

    frame: Frame
    caption: str


@dataclass(frozen=True)
class Painted:
    """A key frame that is done: `number` of `count`, from 1, and its file, relative to the outputs folder."""

    number: int
    count: int
    file: str
    prompt: str


@dataclass(frozen=True)
class LogLine:
    """One line of a run's log, as it comes."""

    level: Literal["info", "warning", "error"]
    message: str


@dataclass(frozen=True)
class Settled:
    """The settings as they are used from now on, after the memory ladder has changed them."""

    settings: Settings


@dataclass(frozen=True)
class FromCache:
    """A stage has taken its result from the cache."""

    stage: str


@dataclass(frozen=True)
class CandidateFrames:
    """A candidate that was not the best one and is kept all the same. `number` counts from 1."""

    number: int
    seed: int
    stream: FrameStream


MIXED = "mixed"
"""The method of a stage whose parts took different ways."""


@dataclass(frozen=True)
class Way:
    """Which way a stage took, and why: `method` in a word or two, `reason` in one sentence."""

    method: str
    reason: str


@dataclass(frozen=True)
class StageFact:
    """What a stage that works while frames are encoded has found out: its way, which replaces the one it told before,
    and what the record of the stage is to hold beside it.
    """

    stage: str
    way: Way
    artifacts: dict[str, Any]


Fact = DowngradeRecord | PhaseRecord | ForecastRecord | ModelRecord | Settled | CandidateFrames | StageFact | FromCache
"""What an engine has to say for the record, beside its notices."""

Event = Progress | Glimpse | Painted | Notice | LogLine | RunRecord
"""What is worth showing of a run as it happens."""


def _ignore(_: object) -> None:
    return None


@dataclass(frozen=True)
class Context:
    """One run as its stages see it.

    `seed` is never -1. `threads` is the number of threads to render with, at least 1. `work_dir` lies on the same file
    system as the outputs folder and is removed when the run ends.
    """

    seed: int
    threads: int
    work_dir: Path
    report: Callable[[Progress], None] = _ignore
    is_cancelled: Callable[[], bool] = lambda: False
    notify: Callable[[Notice], None] = _ignore
    show: Callable[[Glimpse | Painted], None] = _ignore
    """Shows a picture of what is in the making, or a key frame that is done."""
    keep: Callable[[Fact], None] = _ignore
    """Puts a fact into the run's record."""
    outputs: Path | None = None
    """Folder with the records of earlier runs, from which the time left is learned."""
    cache: Cache | None = None
    """Results of earlier runs, where they are kept."""

    def check_cancelled(self) -> None:
        """Raise Cancelled when the user pressed Stop. Stages call this at least once a frame or step."""
        if self.is_cancelled():
            raise Cancelled("The run was stopped.")

    def note(
        self, stage: str, message: str, level: Literal["info", "warning"] = "info", setting: str | None = None
    ) -> None:
        """Tell the user something, on the page, on the command line and in the record."""
        self.notify(Notice(stage=stage, message=message, level=level, setting=setting))
