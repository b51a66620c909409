"""The page's queue of runs: asked for, changed, and taken up again after a restart.

A job belongs to the program, not to the tab that asked. The records are the queue: what waits when the program ends
goes on waiting, and a later start takes it up.
"""

import shutil
from pathlib import Path

from app.job import FINISHED, Job, Queue, Runner, Snapshot
from app.job_queue import BEGUN, LOG, MAX_FINISHED, PAUSED, JobQueue, end_unbegun
from pipeline import leftovers
from pipeline.errors import ImageToVideoError, InvalidInput, OutputFailed
from pipeline.history.files import checked
from pipeline.records import PlaceRecord, RunRecord, RunStatus, read_record, record_path
from pipeline.settings import Settings

__all__ = ["BEGUN", "FINISHED", "MAX_FINISHED", "Job", "Jobs", "Queue", "Runner", "Snapshot"]


class Jobs(JobQueue):
    """The queue, and the ways into it."""

    def submit(
        self,
        images: tuple[Path, ...],
        settings: Settings,
        masks: Path | None = None,
        group: str = "",
        plan_only: bool = False,
        place: PlaceRecord | None = None,
    ) -> Snapshot:
        """Put a run at the end of the queue, with copies of its inputs, so that the given files may go.

        `masks` is a folder that is removed. `plan_only`: two images are described and the way between them is planned,
        and no video is made. Raises ImageToVideoError when the outputs folder cannot be used.
        """
        runner = self._load_runner()
        try:
            record = runner.submit(images, settings, self.outputs, plan_only)
            try:
                runner.keep(record, images, self.outputs)
            except ImageToVideoError:
                record_path(self.outputs, record.run_id).unlink(missing_ok=True)
                raise
        finally:
            _remove(masks)
        record.group, record.place = group, place
        return self._add(Job(record, images))

    def replace(self, run_id: str, images: tuple[Path, ...], settings: Settings, masks: Path | None = None) -> Snapshot:
        """Let a run that waits be made from other images or with other settings, in its place.

        Raises InvalidInput when it has begun or is gone, and other ImageToVideoErrors as `submit` does.
        """
        with self._changed:
            job = self._waiting_job(run_id)
            before = job.record
        try:
            record = self._load_runner().revise(before, images, settings, self.outputs)
        finally:
            _remove(masks)
        with self._changed:
            if self._waiting_job(run_id).record is not before:
                raise InvalidInput(BEGUN)
            record.queue_position = before.queue_position
            job.record, job.images = record, images
            self._write(record)
            self._touch(job)
            return self._snapshot(job)

    def resume(self, run_id: str) -> Snapshot:
        """Make an interrupted run next, under its name and with its seed; what was finished of it is in the cache.

        Raises ImageToVideoError when it is not interrupted any more, or its inputs are gone.
        """
        self._offer_no_more(checked(run_id))
        self._load_runner().restore(read_record(record_path(self.outputs, run_id)), self.outputs)
        try:
            record = leftovers.ask_again(run_id, self.outputs)
        except OSError as error:
            raise OutputFailed(f"The run cannot be resumed: {error.strerror or error}.") from error
        return self._add(Job(record, self._load_runner().restore(record, self.outputs)), is_next=True)

    def give_up(self, run_id: str) -> None:
        """Leave an interrupted run as it is: it is offered no more. Raises ImageToVideoError as `resume` does."""
        self._offer_no_more(checked(run_id))
        try:
            leftovers.give_up(run_id, self.outputs)
        except OSError as error:
            raise OutputFailed(f"The record cannot be written: {error.strerror or error}.") from error

    def take_up(self) -> int:
        """Take up what programs that are gone have left in the outputs, and go on with it; return how many runs wait.

        What they were making is offered to be resumed.
        """
        try:
            return self._take_up()
        finally:
            with self._changed:
                self._is_taken_up = True
                self._changed.notify_all()

    def await_taken_up(self, timeout: float) -> None:
        """Wait until `take_up` has ended, at most `timeout` seconds: a page can open before that."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_taken_up or self._is_closed, timeout)

    def _take_up(self) -> int:
        try:
            found = leftovers.take_over(self.outputs)
        except OSError as error:
            LOG.warning("Runs of earlier programs cannot be taken up: %s", error.strerror or error)
            return 0
        jobs = [job for record in found.waiting if (job := self._restored(record)) is not None]
        self._set_paused(is_paused=bool(jobs) and (self.outputs / PAUSED).exists())
        with self._changed:
            self._interrupted = {record.run_id: record for record in found.interrupted}
            for job in jobs:
                self._put(job, len(self._waiting))
            self._touch()
        return len(jobs)

    def _offer_no_more(self, run_id: str) -> None:
        with self._changed:
            self._interrupted.pop(run_id, None)
            self._touch()

    def _restored(self, record: RunRecord) -> Job | None:
        """The job of a run that an earlier program was asked for; None, and a failed run, where its inputs are gone."""
        try:
            return Job(record, self._load_runner().restore(record, self.outputs), is_left_over=True)
        except ImageToVideoError as error:
            end_unbegun(record, RunStatus.FAILED, error)
            self._write(record)
            LOG.warning("%s: %s", record.run_id, error)
            return None

    def _add(self, job: Job, is_next: bool = False) -> Snapshot:
        with self._changed:
            self._put(job, 0 if is_next else len(self._waiting))
            return self._snapshot(job)


def _remove(folder: Path | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
