"""What a run writes down: its record, which is saved at every step, and what it says on the way."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline.context import CandidateFrames, Event, Fact, FromCache, LogLine, Progress, Settled, StageFact
from pipeline.environment import diffusion_packages
from pipeline.logs import run_logger
from pipeline.memory.monitor import MemoryMonitor
from pipeline.records import (
    DowngradeRecord,
    ForecastRecord,
    ModelRecord,
    Notice,
    PhaseRecord,
    RunRecord,
    StageRecord,
    write_record,
)
from pipeline.settings import Settings

Listener = Callable[[Event], None]


class Journal:
    """The record of one run under way, its log and what measures it. Whoever listens is told everything."""

    def __init__(self, record: RunRecord, outputs: Path, listen: Listener) -> None:
        self.record, self.outputs, self.listen = record, outputs, listen
        self.log = run_logger(record.run_id)
        self.monitor = MemoryMonitor()
        self.phases: list[PhaseRecord] = []
        self.candidates: list[CandidateFrames] = []
        self.facts: dict[str, StageFact] = {}
        self.cached: set[str] = set()
        self.at = ""
        self._told_downgrades = 0

    @property
    def used(self) -> Settings:
        """The settings as used up to now: the memory ladder may have changed them."""
        if self.record.used is None:
            raise ValueError("the settings are not resolved yet")
        return self.record.used

    def settle(self, settings: Settings, notices: Sequence[Notice] = ()) -> None:
        """Write the settings that are used from now on into the record, and say what was changed."""
        for notice in notices:
            self.notify(notice)
        self.record.used = settings
        self.save()

    @contextlib.contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[StageRecord]:
        """Measure a stage and write it into the record when it ends; the block fills in what it has to say.

        `total` is the number of steps that its progress starts with.
        """
        start, self.at = self.monitor.seconds(), name
        entry = StageRecord(name=name, seconds=0.0)
        self.listen(Progress(name, 0, total))
        try:
            yield entry
        finally:
            self.add_stage(entry, start, self.monitor.seconds() - start)

    def add_stage(self, entry: StageRecord, start: float, seconds: float) -> None:
        """Write a stage that began at `start` and took `seconds` into the record."""
        end = self.monitor.seconds()
        peak = self.monitor.peak_bytes(start, end)
        entry.seconds, entry.peak_memory_bytes = round(seconds, 3), peak
        entry.cache_hit = entry.cache_hit or entry.name in self.cached
        self.cached.discard(entry.name)  # the next stage of this name speaks for itself
        entry.peak_gpu_bytes = self.monitor.peak_gpu_bytes(start, end)
        entry.phases, self.phases = self.phases, []
        entry.downgrades = [taken.rung for taken in self.record.downgrades[self._told_downgrades :]]
        self._told_downgrades = len(self.record.downgrades)
        self.record.stages = [*self.record.stages, entry]
        self.say(f"Stage {entry.name}: {seconds:.2f} s, at most {peak / 1e6:.0f} MB of memory in use")
        self.save()

    def keep_fact(self, fact: Fact) -> None:
        """Write what a stage says into the record."""
        if isinstance(fact, PhaseRecord):
            self._keep_phase(fact)
        elif isinstance(fact, DowngradeRecord):
            self.record.downgrades = [*self.record.downgrades, fact]
            self.notify(Notice(stage=self.at, level="warning", message=fact.message))
        elif isinstance(fact, Settled):
            self.record.used = fact.settings.model_copy(update={"prepare": self.used.prepare})
        elif isinstance(fact, ForecastRecord):
            self.record.forecast = fact
        elif isinstance(fact, ModelRecord):
            self.record.model = fact
            self._note_packages()
        elif isinstance(fact, FromCache):
            self.cached.add(fact.stage)
        elif isinstance(fact, StageFact):
            self.facts[fact.stage] = fact
            self._note_packages()
        else:
            self.candidates.append(fact)
        self.save()

    def _note_packages(self) -> None:
        """Write down the libraries that models work with, as soon as one has worked."""
        packages = {**self.record.environment.packages, **diffusion_packages()}
        self.record.environment = self.record.environment.model_copy(update={"packages": packages})

    def _keep_phase(self, phase: PhaseRecord) -> None:
        end = self.monitor.seconds()
        phase.peak_memory_bytes = self.monitor.peak_bytes(end - phase.seconds, end)
        self.phases.append(phase)
        self.say(f"Phase {phase.name}: {phase.seconds:.2f} s, {phase.outcome}")

    def notify(self, notice: Notice) -> None:
        """Say something on the page, on the command line and in the record."""
        self.record.notices = [*self.record.notices, notice]
        self.log.log(30 if notice.level == "warning" else 20, notice.message)
        self.listen(notice)

    def say(self, message: str) -> None:
        """Write a line into the log, and show it."""
        self.log.info(message)
        self.listen(LogLine("info", message))

    def save(self) -> None:
        """Rewrite the record. A disk that is full must not hide why the run ended, so the last one stays."""
        try:
            write_record(self.record, self.outputs)
        except OSError as error:
            self.log.warning("The record could not be written: %s", error.strerror or error)
        self.listen(self.record)
