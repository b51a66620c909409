"""What is asked of the history, and what it answers."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from pipeline.history.entry import LARGEST, Entry, searchable
from pipeline.records import RunStatus


class Order(StrEnum):
    """How runs are sorted; those that are equal in it, the newest first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LONGEST = "longest"
    """By the length of the video."""
    LARGEST = "largest"
    """By the size of the file."""
    SLOWEST = "slowest"
    """By the time that the run took."""
    PROMPT = "prompt"


@dataclass(frozen=True)
class Query:
    """Which runs are looked for. What is left as it is allows all of them."""

    text: str = ""
    """Words or parts of words, all of which stand in prompt, file names, engine, model, seed or name of the run."""
    status: RunStatus | None = None
    job: str | None = None
    engine: str | None = None
    """Name of an engine or of the model that made the frames."""
    seed: int | None = None
    since: date | None = None
    """First day, in local time."""
    until: date | None = None
    """Last day, in local time, itself included."""
    favourites_only: bool = False
    order: Order = Order.NEWEST

    def parameters(self) -> dict[str, Any]:
        """The query as the index takes it."""
        return {
            "words": searchable(self.text).split(),
            "status": self.status,
            "job": self.job,
            "engine": self.engine,
            "seed": None if self.seed is None else max(-2, min(self.seed, LARGEST)),
            "since": _midnight(self.since) if self.since else None,
            "until": _midnight(self.until + timedelta(days=1)) if self.until and self.until < date.max else None,
            "favourites_only": self.favourites_only,
            "order": self.order,
        }


@dataclass(frozen=True)
class Found:
    """One page of what was found; `total` counts all of it, and is 0 behind the last page."""

    entries: tuple[Entry, ...]
    total: int


def _midnight(day: date) -> float:
    """The beginning of a day in local time, in seconds since 1970."""
    try:
        return datetime(day.year, day.month, day.day).timestamp()
    except (OverflowError, ValueError, OSError):  # before or after all that this machine can name
        return float("-inf") if day.year < 1970 else float("inf")
