"""The contact sheets of a batch: one for each grid of jobs, made when the last of these has ended."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.batch.jobs import BatchJob
from pipeline.batch.ledger import Ledger
from pipeline.errors import InvalidRecord
from pipeline.records import PlaceRecord, RunRecord, read_record, record_path
from pipeline.sweeps.group import is_group, latest_sheet, make_sheet, reserve_group


class Sheets:
    """The groups and sheets of some jobs. One that goes on after a break keeps the group that it had."""

    def __init__(self, jobs: Iterable[BatchJob], outputs: Path, ledger: Ledger) -> None:
        self._outputs, self._ledger = outputs, ledger
        self._jobs: dict[str, list[BatchJob]] = {}
        for job in jobs:
            if job.grid:
                self._jobs.setdefault(job.grid, []).append(job)
        self._groups: dict[str, str] = {}
        self._made: dict[str, RunRecord] = {}

    def group(self, job: BatchJob) -> str:
        """The group of a job's run; empty for a job that is compared with none. Raises as `reserve_group` does."""
        if not job.grid:
            return ""
        if job.grid not in self._groups:
            self._groups[job.grid] = self._begun(job.grid) or reserve_group(self._outputs)
        return self._groups[job.grid]

    def add(self, job: BatchJob, record: RunRecord) -> None:
        """Take note of a run that has just ended."""
        if job.grid:
            self._made[job.key] = record

    def finish(self, job: BatchJob) -> Path | None:
        """The contact sheet of a job's grid, if this was its last job; drawn where one of them was made just now.

        Raises OutputFailed where it cannot be written.
        """
        jobs = self._jobs.get(job.grid, [])
        if not jobs or job is not jobs[-1]:
            return None
        group = self.group(job)
        is_new = any(each.key in self._made for each in jobs)
        there = None if is_new else latest_sheet(self._outputs, group)
        return there or make_sheet(self._outputs, group, [self._placed(each) for each in jobs])

    def _placed(self, job: BatchJob) -> tuple[PlaceRecord, RunRecord | None]:
        if job.place is None:
            raise ValueError(f"job {job.label} is compared with none")
        return job.place, self._record(job)

    def _begun(self, grid: str) -> str | None:
        """The group that an earlier command has begun for this grid."""
        records = ((job, self._record(job)) for job in self._jobs[grid])
        same = (each.group for job, each in records if each is not None and each.place == job.place)
        return next(filter(is_group, same), None)

    def _record(self, job: BatchJob) -> RunRecord | None:
        """What became of a job, now or before."""
        run_id = self._ledger.run(job.key)
        if job.key in self._made or run_id is None:
            return self._made.get(job.key)
        try:
            return read_record(record_path(self._outputs, run_id))
        except InvalidRecord:
            return None
