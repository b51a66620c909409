"""One run in the queue, and how pages see it and the queue."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pipeline.context import Event, Glimpse, LogLine, Painted, Progress
from pipeline.records import RunRecord, RunStatus
from pipeline.settings import Settings

MAX_LINES = 200
"""Log lines kept for a job; the log file has them all."""

FINISHED = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED)


class Runner(Protocol):
    """What carries a run out: the functions of pipeline.run, which are imported on first use."""

    def submit(self, images: tuple[Path, ...], settings: Settings, outputs: Path, plan_only: bool = False) -> RunRecord:
        """Write the record of a run that is asked for."""

    def keep(self, record: RunRecord, images: tuple[Path, ...], outputs: Path) -> None:
        """Keep the inputs of a run that has to wait."""

    def revise(self, record: RunRecord, images: tuple[Path, ...], settings: Settings, outputs: Path) -> RunRecord:
        """The record of a waiting run with other images or settings."""

    def restore(self, record: RunRecord, outputs: Path) -> tuple[Path, ...]:
        """The kept images of a run whose program is gone."""

    def execute(
        self,
        record: RunRecord,
        images: tuple[Path, ...],
        outputs: Path,
        listen: Callable[[Event], None],
        is_cancelled: Callable[[], bool],
        is_closing: Callable[[], bool],
    ) -> RunRecord:
        """Run it and return its finished record."""


@dataclass(eq=False)
class Job:
    """One run in the queue; `version` grows with its changes. `is_left_over`: an earlier program was asked for it."""

    record: RunRecord
    images: tuple[Path, ...]
    is_left_over: bool = False
    progress: Progress | None = None
    glimpse: Glimpse | None = None
    painted: tuple[Painted, ...] = ()
    lines: deque[LogLine] = field(default_factory=lambda: deque(maxlen=MAX_LINES))
    cancelled: threading.Event = field(default_factory=threading.Event)
    version: int = 0


@dataclass(frozen=True)
class Snapshot:
    """A job as a page shows it. `position` is its place in the queue: 0 runs or is done, 1 is next."""

    record: RunRecord
    images: tuple[Path, ...]
    progress: Progress | None
    glimpse: Glimpse | None
    lines: tuple[LogLine, ...]
    position: int
    stopping: bool
    version: int
    painted: tuple[Painted, ...] = ()
    """Key frames of a transition that are done."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.record.status in FINISHED


@dataclass(frozen=True)
class Queue:
    """The whole queue as a page shows it."""

    active: tuple[Snapshot, ...] = ()
    """The job that runs, if there is one, then those that wait, in order."""
    is_paused: bool = False
    """Whether what waits goes on waiting."""
    left_over: int = 0
    """How many of the active jobs an earlier program was asked for, which ended before they were done."""
    interrupted: tuple[RunRecord, ...] = ()
    """Runs that were broken off and can be resumed, newest first."""
