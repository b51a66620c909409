"""Runs as pages show them: those that the queue remembers, all others from their records on disk."""

import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from app.history_panels import snapshot
from app.jobs import Jobs, Snapshot
from pipeline.errors import ImageToVideoError
from pipeline.history import History
from pipeline.records import RunRecord, read_record, record_path

Places = dict[tuple[int, int], Snapshot]
"""The runs of a group by row and column."""

LOOK_SECONDS = 2.0
"""How often the records are looked through for runs of a group that the queue does not know: another program's."""


class Runs:
    """The runs of the queue and of the records of one outputs folder."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs, self.history = jobs, History(jobs.outputs)
        self._members: dict[str, dict[str, None]] = {}
        self._looked: dict[str, float] = {}

    def get(self, run_id: str | None) -> Snapshot | None:
        """A run by its id, wherever it is known from."""
        return None if not run_id else self.jobs.get(run_id) or self._recorded(run_id)

    def group(self, record: RunRecord) -> Places:
        """The runs that are compared with this one, itself among them; nothing where there are none."""
        if record.place is None or not record.group:
            return {}
        live = {job.record.run_id: job for job in self.jobs.group(record.group)}
        members = self._members.setdefault(record.group, {})
        members.update(dict.fromkeys((*live, record.run_id)))
        if len(members) < len(record.place.rows.values) * len(record.place.columns.values):
            self._look(record.group)
        found: Places = {}
        for run_id in self._members[record.group]:
            job = live.get(run_id) or self._recorded(run_id)
            if job is not None and (place := job.record.place) is not None:
                found[place.row, place.column] = job
        return found

    def _look(self, group: str) -> None:
        """Look through the records for runs of a group, but not too often."""
        now = time.monotonic()
        if now - self._looked.get(group, -LOOK_SECONDS) < LOOK_SECONDS:
            return
        self._looked[group] = now
        try:
            recorded = dict.fromkeys(self.history.member_ids(group))
        except ImageToVideoError:  # the index cannot be written: what the queue knows is shown
            return
        self._members[group] = {**recorded, **self._members[group]}

    def _recorded(self, run_id: str) -> Snapshot | None:
        path = record_path(self.jobs.outputs, run_id)
        try:
            return _from_record(path, path.stat().st_mtime_ns)
        except (ImageToVideoError, OSError):  # thrown away, or damaged
            return None


@lru_cache(maxsize=512)
def _from_record(path: Path, modified: int) -> Snapshot:
    """The run of a record that was last written at this time."""
    return replace(snapshot(read_record(path), path.parent), version=modified)
