"""What a stage or an engine is given beside its value and its settings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import Cancelled
from pipeline.records import Notice


@dataclass(frozen=True)
class Progress:
    """How far a run is: `done` of `total` steps of a stage, and the seconds left when they can be known."""

    stage: str
    done: int
    total: int
    seconds_left: float | None = None


@dataclass(frozen=True)
class LogLine:
    """One line of a run's log, as it comes."""

    level: Literal["info", "warning", "error"]
    message: str


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

    def check_cancelled(self) -> None:
        """Raise Cancelled when the user pressed Stop. Stages call this at least once a frame or step."""
        if self.is_cancelled():
            raise Cancelled("The run was stopped.")

    def note(
        self, stage: str, message: str, level: Literal["info", "warning"] = "info", setting: str | None = None
    ) -> None:
        """Tell the user something, on the page, on the command line and in the record."""
        self.notify(Notice(stage=stage, message=message, level=level, setting=setting))
