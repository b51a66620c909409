"""The queue of runs: one worker, in the order they came. A job belongs to the program, not to the tab that asked.

The worker thread is the only one that changes a job while it runs; pages read snapshots of it.
"""

import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from pipeline.context import Event, Glimpse, LogLine, Painted, Progress
from pipeline.errors import Cancelled, InvalidInput
from pipeline.records import ErrorRecord, Notice, RunRecord, RunStatus, now, write_record
from pipeline.settings import Settings

LOG = logging.getLogger("app.jobs")

Outcome = TypeVar("Outcome")

MAX_LINES = 200
"""Log lines kept for a job; the log file has them all."""

MAX_FINISHED = 20
"""Finished jobs that are remembered; the records on disk have them all."""

FINISHED = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED)


class Runner(Protocol):
    """What carries a run out: the functions of pipeline.run, which are imported on first use."""

    def submit(self, images: tuple[Path, ...], settings: Settings, outputs: Path, plan_only: bool = False) -> RunRecord:
        """Write the record of a run that is asked for."""

    def execute(
        self,
        record: RunRecord,
        images: tuple[Path, ...],
        outputs: Path,
        listen: Callable[[Event], None],
        is_cancelled: Callable[[], bool],
    ) -> RunRecord:
        """Run it and return its finished record."""


@dataclass
class Job:
    """One run in the queue. `masks` is a folder that is removed with it; `version` grows with its changes.

    Runs that were asked for together have the same `group`.
    """

    record: RunRecord
    images: tuple[Path, ...]
    masks: Path | None = None
    group: str = ""
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


class Jobs:
    """The queue and its worker, which starts with the first job and does not keep the program from ending."""

    def __init__(self, outputs: Path, load_runner: Callable[[], Runner]) -> None:
        self.outputs = outputs
        self._load_runner = load_runner
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._worker: threading.Thread | None = None
        self._closed = False
        self._version = 0

    def submit(
        self,
        images: tuple[Path, ...],
        settings: Settings,
        masks: Path | None = None,
        group: str = "",
        plan_only: bool = False,
    ) -> Snapshot:
        """Put a run at the end of the queue. Raises ImageToVideoError when the outputs folder cannot be used.

        `plan_only`: two images are described and the way between them is planned, and no video is made.
        """
        job = Job(self._load_runner().submit(images, settings, self.outputs, plan_only), images, masks, group)
        with self._changed:
            self._jobs[job.record.run_id] = job
            self._touch(job)
            self._waiting.append(job)
            self._number_queue()
            self._start_worker()
            self._changed.notify_all()
            return self._snapshot(job)

    def cancel(self, run_id: str) -> None:
        """Stop a run, or take it out of the queue. Nothing happens when it is finished or unknown."""
        with self._changed:
            job = self._jobs.get(run_id)
            if job is None or job.record.status in FINISHED:
                return
            job.cancelled.set()
            self._touch(job)
            if job in self._waiting:
                self._waiting.remove(job)
                self._end_unstarted(job)
                self._number_queue()
            self._changed.notify_all()

    def get(self, run_id: str | None) -> Snapshot | None:
        """The job of a run, if it is still remembered."""
        with self._changed:
            job = self._jobs.get(run_id) if run_id else None
            return self._snapshot(job) if job else None

    def siblings(self, run_id: str | None) -> list[Snapshot]:
        """The jobs that were asked for together with a run, itself among them, in order; none where it is alone."""
        with self._changed:
            job = self._jobs.get(run_id) if run_id else None
            group = job.group if job else ""
            return [self._snapshot(each) for each in self._jobs.values() if each.group == group] if group else []

    def latest(self, images: int) -> Snapshot | None:
        """What a tab that has just opened shows: the job that runs, else the next one, else the last one done.

        Of the jobs with so many images: one for the tab Animate, two for Transition.
        """
        with self._changed:
            jobs = [job for job in self._jobs.values() if len(job.images) == images]
            active = [job for job in jobs if job.record.status not in FINISHED]
            job = active[0] if active else jobs[-1] if jobs else None
            return self._snapshot(job) if job else None

    @property
    def version(self) -> int:
        """Grows with every change of any job."""
        with self._changed:
            return self._version

    def active(self) -> list[Snapshot]:
        """Every job that runs or waits, in order."""
        with self._changed:
            return [self._snapshot(job) for job in self._jobs.values() if job.record.status not in FINISHED]

    def when_idle(self, action: Callable[[], Outcome]) -> Outcome:
        """Do what no run may be under way for; none begins meanwhile. Raises InvalidInput while one is."""
        with self._changed:
            if self._running is not None:
                raise InvalidInput("A run is under way and may need it: wait until it is finished, or stop it first.")
            return action()

    def close(self, timeout: float = 10.0) -> None:
        """Cancel everything and wait up to `timeout` seconds for the worker, so that records say what happened."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for job in self.active():
            self.cancel(job.record.run_id)
        if self._worker is not None:
            self._worker.join(timeout)

    def wait(self, run_id: str, timeout: float) -> Snapshot | None:
        """The job of a run as soon as it is finished, or as it stands after `timeout` seconds."""
        end = time.monotonic() + timeout
        with self._changed:
            job = self._jobs.get(run_id)
            while job and job.record.status not in FINISHED and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            return self._snapshot(job) if job else None

    def _start_worker(self) -> None:
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                record = self._execute(job)
            except Exception:
                LOG.exception("The run %s ended unexpectedly", job.record.run_id)
                record = _failed(job.record)
                self._write(record)
            with self._changed:
                job.record, job.progress, job.glimpse, self._running = record, None, None, None
                self._touch(job)
                self._discard(job)
                self._changed.notify_all()

    def _execute(self, job: Job) -> RunRecord:
        record = job.record.model_copy(deep=True)  # the worker's own: pages read the copy in the job meanwhile
        return self._load_runner().execute(
            record, job.images, self.outputs, lambda event: self._hear(job, event), job.cancelled.is_set
        )

    def _next(self) -> Job | None:
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return None
                self._changed.wait()
            job = self._running = self._waiting.popleft()
            job.record.queue_position = None
            self._number_queue()
            return job

    def _hear(self, job: Job, event: Event) -> None:
        with self._changed:
            if isinstance(event, Progress):
                job.progress = event
            elif isinstance(event, Glimpse):
                job.glimpse = event
            elif isinstance(event, Painted):
                job.painted = (*job.painted, event)
            elif isinstance(event, Notice):
                job.lines.append(LogLine(event.level, event.message))
            elif isinstance(event, LogLine):
                job.lines.append(event)
            else:
                job.record = event.model_copy(deep=True)
            self._touch(job)

    def _touch(self, job: Job) -> None:
        self._version += 1
        job.version = self._version

    def _number_queue(self) -> None:
        """Give the jobs that wait their places, 1 for the next one, also in their records."""
        for position, job in enumerate(self._waiting, start=1):
            if job.record.queue_position != position:
                job.record.queue_position = position
                self._touch(job)
                self._write(job.record)

    def _end_unstarted(self, job: Job) -> None:
        error = Cancelled("The run was taken out of the queue before it began.")
        job.record.status, job.record.finished_at, job.record.queue_position = RunStatus.CANCELLED, now(), None
        job.record.error = ErrorRecord(type="Cancelled", message=str(error), exit_code=error.exit_code)
        self._write(job.record)
        self._discard(job)

    def _discard(self, job: Job) -> None:
        """Remove what a finished job no longer needs, and forget the oldest ones."""
        if job.masks is not None:
            shutil.rmtree(job.masks, ignore_errors=True)
        finished = [run_id for run_id, other in self._jobs.items() if other.record.status in FINISHED]
        for run_id in finished[:-MAX_FINISHED]:
            del self._jobs[run_id]

    def _write(self, record: RunRecord) -> None:
        try:
            write_record(record, self.outputs)
        except OSError as error:
            LOG.warning("The record of %s could not be written: %s", record.run_id, error.strerror or error)

    def _images(self, job: Job) -> tuple[Path, ...]:
        """The images of a job: the uploads, or the copies that its record keeps where the uploads are gone."""
        kept = [self.outputs / entry.path if entry.path else None for entry in job.record.inputs]
        pairs = zip(job.images, kept, strict=False)  # the record's inputs end with the masks
        return tuple(copy if copy and not upload.is_file() else upload for upload, copy in pairs)

    def _snapshot(self, job: Job) -> Snapshot:
        ahead = 0 if self._running is None else 1  # with nothing ahead, the first one is as good as begun
        position = self._waiting.index(job) + ahead if job in self._waiting else 0
        return Snapshot(
            record=job.record,
            images=self._images(job),
            progress=job.progress,
            glimpse=job.glimpse,
            lines=tuple(job.lines),
            position=position,
            stopping=job.cancelled.is_set(),
            version=job.version,
            painted=job.painted,
        )


def _failed(record: RunRecord) -> RunRecord:
    message = "Something unexpected went wrong: the details are in the log."
    error = ErrorRecord(type="ImageToVideoError", message=message, exit_code=1)
    return record.model_copy(update={"status": RunStatus.FAILED, "finished_at": now(), "error": error})
