"""The queue and its worker: what waits, in its order, and what is under way, one run at a time.

The worker thread is the only one that changes a job while it runs; pages read snapshots of it.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from app.job import FINISHED, Job, Queue, Runner, Snapshot
from pipeline.context import Event, Glimpse, LogLine, Painted, Progress
from pipeline.errors import Cancelled, ImageToVideoError, InvalidInput
from pipeline.records import ErrorRecord, Notice, RunRecord, RunStatus, now, write_record

Outcome = TypeVar("Outcome")

LOG = logging.getLogger("app.jobs")

MAX_FINISHED = 20
"""Finished jobs that are remembered; the records on disk have them all."""

PAUSED = ".paused"
"""An empty file below the outputs while the queue is paused, so that it is still paused after a restart."""

BEGUN = "This run has begun or is gone from the queue in the meantime: it stays as it was."
TAKEN_OUT = "The run was taken out of the queue before it began."


class JobQueue:
    """The queue and its worker, which starts with the first job and does not keep the program from ending."""

    def __init__(self, outputs: Path, load_runner: Callable[[], Runner]) -> None:
        self.outputs = outputs
        self._load_runner = load_runner
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._interrupted: dict[str, RunRecord] = {}
        self._worker: threading.Thread | None = None
        self._is_paused = False
        self._is_closed = False
        self._is_taken_up = False
        self._version = 0
        self.ended: Callable[[RunRecord], None] = lambda _: None
        """Called with the record of every run that has ended, whatever its end; it has to return at once."""

    # --- the order of the queue -------------------------------------------------------------------------------------

    def move(self, run_id: str, place: int) -> None:
        """Give a run that waits another place, 1 for the next one; beyond the last one is the end.

        Nothing happens when it does not wait any more.
        """
        with self._changed:
            job = self._jobs.get(run_id)
            if job is not None and job in self._waiting:
                self._waiting.remove(job)
                self._waiting.insert(max(0, place - 1), job)
                self._number_queue()
                self._touch()

    def pause(self) -> None:
        """Begin no other run. The one that runs goes on."""
        self._set_paused(is_paused=True)

    def go_on(self) -> None:
        """Begin what waits again."""
        self._set_paused(is_paused=False)

    def cancel(self, run_id: str) -> None:
        """Stop a run, or take it out of the queue. Nothing happens when it is finished or unknown."""
        with self._changed:
            job = self._jobs.get(run_id)
            if job is None or job.record.status in FINISHED:
                return
            job.cancelled.set()
            self._touch(job)
            if job in self._waiting:
                self._end_unstarted(job)
            self._changed.notify_all()

    def clear(self) -> None:
        """Take everything out of the queue that waits. The run that runs goes on."""
        with self._changed:
            for job in list(self._waiting):
                job.cancelled.set()
                self._end_unstarted(job)
            self._changed.notify_all()

    def when_idle(self, action: Callable[[], Outcome]) -> Outcome:
        """Do what no run may be under way for; none begins meanwhile. Raises InvalidInput while one is."""
        with self._changed:
            if self._running is not None:
                raise InvalidInput("A run is under way and may need it: wait until it is finished, or stop it first.")
            return action()

    def close(self, timeout: float = 10.0) -> None:
        """Break off what runs, and leave what waits to the next start of the program.

        Waits up to `timeout` seconds for the worker, so that the record says what happened.
        """
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._worker is not None:
            self._worker.join(timeout)

    # --- looking ----------------------------------------------------------------------------------------------------

    def get(self, run_id: str | None) -> Snapshot | None:
        """The job of a run, if it is still remembered."""
        with self._changed:
            job = self._jobs.get(run_id) if run_id else None
            return self._snapshot(job) if job else None

    def group(self, name: str) -> list[Snapshot]:
        """The jobs that were asked for together under this name, in order, as far as they are still remembered."""
        with self._changed:
            return [self._snapshot(each) for each in self._jobs.values() if name and each.record.group == name]

    def latest(self, images: int) -> Snapshot | None:
        """What a tab that has just opened shows: the job that runs, else the next one, else the last one done.

        Of the jobs with so many images: one for the tab Animate, two for Transition.
        """
        with self._changed:
            active = [job for job in self._active() if len(job.images) == images]
            done = [job for job in self._jobs.values() if len(job.images) == images and job not in active]
            job = active[0] if active else done[-1] if done else None
            return self._snapshot(job) if job else None

    @property
    def version(self) -> int:
        """Grows with every change of any job."""
        with self._changed:
            return self._version

    @property
    def is_closed(self) -> bool:
        """Whether the program is about to end: nothing is begun any more."""
        return self._is_closed

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        with self._changed:
            return bool(self._active())

    def queue(self) -> Queue:
        """The whole queue."""
        with self._changed:
            active = self._active()
            return Queue(
                active=tuple(self._snapshot(job) for job in active),
                is_paused=self._is_paused,
                left_over=sum(job.is_left_over for job in active),
                interrupted=tuple(self._interrupted.values()),
            )

    def wait(self, run_id: str, timeout: float) -> Snapshot | None:
        """The job of a run as soon as it is finished, or as it stands after `timeout` seconds or when all is closed."""
        end = time.monotonic() + timeout
        with self._changed:
            job = self._jobs.get(run_id)
            while job and job.record.status not in FINISHED and (left := end - time.monotonic()) > 0:
                if self._is_closed and job is not self._running:
                    break
                self._changed.wait(left)
            return self._snapshot(job) if job else None

    # --- the worker -------------------------------------------------------------------------------------------------

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
                self._forget()
                self.ended(record)
                self._changed.notify_all()

    def _next(self) -> Job | None:
        with self._changed:
            while not self._is_closed and (self._is_paused or not self._waiting):
                self._changed.wait()
            if self._is_closed:
                return None
            job = self._running = self._waiting.pop(0)
            job.record.queue_position = None
            self._touch(job)
            return job

    def _execute(self, job: Job) -> RunRecord:
        record = job.record.model_copy(deep=True)  # the worker's own: pages read the copy in the job meanwhile
        return self._load_runner().execute(
            record,
            self._images(job),
            self.outputs,
            lambda event: self._hear(job, event),
            job.cancelled.is_set,
            lambda: self._is_closed and not job.cancelled.is_set(),
        )

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

    # --- with the lock held -----------------------------------------------------------------------------------------

    def _put(self, job: Job, place: int) -> None:
        self._jobs[job.record.run_id] = job
        self._waiting.insert(place, job)
        job.record.queue_position = None
        self._number_queue()
        self._touch(job)
        if self._worker is None and not self._is_closed:
            self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
            self._worker.start()
        self._changed.notify_all()

    def _active(self) -> list[Job]:
        return [*([self._running] if self._running is not None else []), *self._waiting]

    def _waiting_job(self, run_id: str) -> Job:
        job = self._jobs.get(run_id)
        if job is None or job not in self._waiting:
            raise InvalidInput(BEGUN)
        return job

    def _set_paused(self, is_paused: bool) -> None:
        with self._changed:
            self._is_paused = is_paused
            try:
                (self.outputs / PAUSED).touch() if is_paused else (self.outputs / PAUSED).unlink(missing_ok=True)
            except OSError as error:
                LOG.warning("A restart will not know whether the queue is paused: %s", error.strerror or error)
            self._touch()
            self._changed.notify_all()

    def _touch(self, job: Job | None = None) -> None:
        self._version += 1
        if job is not None:
            job.version = self._version

    def _number_queue(self) -> None:
        """Let the numbers in the records rise along the queue. Only those out of order are written anew."""
        last = 0
        for job in self._waiting:
            if job.record.queue_position is None or job.record.queue_position <= last:
                job.record.queue_position = last + 1
                self._write(job.record)
            last = job.record.queue_position

    def _end_unstarted(self, job: Job) -> None:
        self._waiting.remove(job)
        end_unbegun(job.record, RunStatus.CANCELLED, Cancelled(TAKEN_OUT))
        self._write(job.record)
        self.ended(job.record)
        self._touch(job)
        self._forget()

    def _forget(self) -> None:
        """Forget the oldest finished jobs."""
        finished = [run_id for run_id, job in self._jobs.items() if job.record.status in FINISHED]
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
        ahead = 1 if self._running is not None or self._is_paused else 0  # else the first one is as good as begun
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


def end_unbegun(record: RunRecord, status: RunStatus, error: ImageToVideoError) -> None:
    """Write into a record that its run ended before it began."""
    record.status, record.finished_at, record.queue_position = status, now(), None
    record.error = ErrorRecord.of(error)


def _failed(record: RunRecord) -> RunRecord:
    error = ImageToVideoError("Something unexpected went wrong: the details are in the log.")
    return record.model_copy(update={"status": RunStatus.FAILED, "finished_at": now(), "error": ErrorRecord.of(error)})
