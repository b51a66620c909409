"""What the program knows of itself, put together for the tab System and for a bug report."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.catalogue import Card, all_names, find_card
from pipeline.environment import environment, package_version
from pipeline.errors import InvalidInput, InvalidRecord, InvalidSetting
from pipeline.history import History, Query
from pipeline.log_lines import LogEntry, Wanted, newest_lines
from pipeline.records import Environment, RunRecord
from pipeline.settings import RuntimeSettings

if TYPE_CHECKING:
    from pipeline.doctor import Finding
    from pipeline.memory.live import Reading
    from pipeline.models.status import ModelStatus
    from pipeline.usage import Usage

LINES, RUNS = 40, 10
"""Warnings and errors, and last runs, that a state holds at most; runs that these lines are of come on top."""


@dataclass(frozen=True)
class State:
    """All that the tab System knows."""

    environment: Environment
    packages: Mapping[str, str]
    """Versions of the installed packages."""
    reading: "Reading"
    resident: str | None
    """Name of the model in memory."""
    models: "Sequence[tuple[Card, ModelStatus]]"
    usage: "Sequence[Usage]"
    findings: "Sequence[Finding]"
    runs: Sequence[RunRecord]
    """The last runs, the newest first."""
    lines: Sequence[LogEntry]
    """Warnings and errors of the log, the newest first."""


def collect(history: History, logs: Path, runtime: RuntimeSettings) -> State:
    """Look at everything now. Raises OutputFailed when the index of the history cannot be used."""
    from pipeline.doctor import examine
    from pipeline.memory.live import read_live
    from pipeline.models.resident import RESIDENT
    from pipeline.usage import measure

    lines = newest_lines(logs, Wanted(level="WARNING"), LINES)
    last = [entry.run_id for entry in history.find(Query(), limit=RUNS).entries]
    named = [entry.run_id for entry in lines if entry.run_id is not None]
    return State(
        environment=environment(),
        packages=versions(),
        reading=read_live(history.outputs),
        resident=RESIDENT.name,
        models=statuses(runtime),
        usage=measure(history.outputs),
        findings=examine(history.outputs, runtime),
        runs=_records(history, [*last, *named]),
        lines=lines,
    )


def statuses(runtime: RuntimeSettings) -> "list[tuple[Card, ModelStatus]]":
    """All models with what is here of them, in the order of the catalogue, but for those whose card is wrong."""
    from pipeline.models.status import model_status

    found = []
    for name in all_names():
        with contextlib.suppress(InvalidSetting):
            card = find_card(name)
            found.append((card, model_status(card, runtime)))
    return found


def versions() -> dict[str, str]:
    """The packages that the program needs, each with its installed version."""
    from pipeline.doctor import required_packages

    return {name: package_version(name) for name in required_packages()}


def _records(history: History, run_ids: Sequence[str]) -> list[RunRecord]:
    """The records that can be read, each once."""
    found = []
    for run_id in dict.fromkeys(run_ids):
        with contextlib.suppress(InvalidRecord, InvalidInput):
            found.append(history.record(run_id))
    return found
