"""`batch`: check every job of a file, then make them one after another and say what became of each.

Results go to standard output, one line a job; words for people go to standard error.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.batch.check import Checked, Checker
from pipeline.batch.jobs import BatchJob, Problem, expand
from pipeline.batch.ledger import Ledger
from pipeline.batch.read import read_jobs_file
from pipeline.batch.sheets import Sheets
from pipeline.errors import Cancelled, ImageToVideoError, InvalidInput
from pipeline.records import RunRecord
from pipeline.run import execute, submit
from pipeline.terminal import Terminal

Planned = tuple[BatchJob, Checked]


@dataclass(frozen=True)
class BatchRequest:
    """What `batch` is asked for. `again` makes jobs anew that are made already."""

    jobs_file: Path
    outputs: Path
    dry_run: bool = False
    again: bool = False
    as_json: bool = False


def run_batch(request: BatchRequest, is_cancelled: Callable[[], bool]) -> int:
    """Do what `batch` asks for and return the exit code.

    0 where all jobs are made, or with `dry_run` could be; 2, before any is made, where one is wrong. Failures do not
    keep the others from being made: the code is then that of the failures, or 1 where they differ. Raises InvalidInput
    for a file that cannot be read, and Cancelled when it was stopped, after which the same command goes on.
    """
    planned, problems = _plan(request.jobs_file, is_cancelled)
    for problem in problems:
        _say(f"error: job {problem.label}: {problem.message}")
    if problems:
        _say(f"{len(problems)} of the entries are wrong, so nothing was begun.")
        return InvalidInput.exit_code
    if request.dry_run:
        _show(request, planned)
        return 0
    with Ledger(request.jobs_file, request.outputs) as ledger:
        if request.again:
            ledger.forget()
        return _Batch(request, ledger, planned, is_cancelled).make()


def _plan(jobs_file: Path, is_cancelled: Callable[[], bool]) -> tuple[list[Planned], list[Problem]]:
    """Every job that can be made, and every one that cannot. Raises Cancelled."""
    defaults, entries = read_jobs_file(jobs_file)
    jobs, problems = expand(defaults, entries, jobs_file.resolve().parent)
    checker, planned = Checker(), []
    for job in jobs:
        if is_cancelled():
            raise Cancelled("Stopped before anything was begun.")
        try:
            planned.append((job, checker(job.images, job.settings)))
        except ImageToVideoError as error:
            problems.append(Problem(job.label, str(error)))
    return planned, sorted(problems, key=lambda problem: tuple(map(int, problem.label.split("."))))


def _show(request: BatchRequest, planned: Sequence[Planned]) -> None:
    """Print what would be made, and what is missing for it."""
    ledger, lacking = Ledger(request.jobs_file, request.outputs), 0
    for job, checked in planned:
        made = None if request.again else ledger.video(job.key)
        lacking += bool(checked.missing and not made)
        if request.as_json:
            facts: dict[str, Any] = {"job": job.label, "kind": job.kind, "images": [str(image) for image in job.images]}
            facts |= {"varied": dict(job.varied), "makes": checked.summary(job.kind)}
            print(json.dumps(facts | {"made_before": str(made) if made else None, "missing": checked.missing or None}))
            continue
        print(f"{_title(job)}: {checked.summary(job.kind)}{f' (made before: {made})' if made else ''}")
        if checked.missing and not made:
            _say(f"warning: job {job.label}: {checked.missing}")
    still = f", but the model of {lacking} is not on this machine" if lacking else ""
    _say(f"{_count(len(planned))} checked: nothing is wrong{still}.")


class _Batch:
    """The making of planned jobs."""

    def __init__(
        self, request: BatchRequest, ledger: Ledger, planned: Sequence[Planned], is_cancelled: Callable[[], bool]
    ) -> None:
        self.request, self.ledger, self.planned, self.is_cancelled = request, ledger, planned, is_cancelled
        self.sheets = Sheets([job for job, _ in planned], request.outputs, ledger)
        self.codes: list[int] = []
        self.kept = 0

    def make(self) -> int:
        """Make all jobs that are not made already; return the exit code. Raises Cancelled."""
        for job, checked in self.planned:
            if checked.missing:
                _say(f"warning: job {job.label}: {checked.missing}")
        for number, (job, _) in enumerate(self.planned, start=1):
            self._stop_where_asked(len(self.planned))
            made = self.ledger.video(job.key)
            if made is not None:
                self.kept += 1
                self._end(job, {"run_id": made.stem, "status": "succeeded", "made_before": True}, made)
                continue
            _say(f"[{number}/{len(self.planned)}] {_title(job)}")
            self._make(job)
        self._stop_where_asked(len(self.planned))
        failed = [code for code in self.codes if code]
        was = f", {self.kept} made before" if self.kept else ""
        _say(f"{_count(len(self.planned))}: {len(self.codes) - len(failed)} made{was}, {len(failed)} failed.")
        return 0 if not failed else failed[0] if len(set(failed)) == 1 else 1

    def _make(self, job: BatchJob) -> None:
        """Make one job. Raises ImageToVideoError only where no other could be made either: the outputs fail."""
        group = self.sheets.group(job)
        record = submit(job.images, job.settings, self.request.outputs, group=group, place=job.place)
        self.ledger.begin(job.key, record.run_id)
        with Terminal() as terminal:
            record = execute(record, job.images, self.request.outputs, terminal, self.is_cancelled)
        code = record.error.exit_code if record.error else 0
        if code == Cancelled.exit_code and self.is_cancelled():
            return
        self.codes.append(code)
        if record.output is not None and record.error is None:
            self.ledger.succeed(job.key, record.output.path)
        if record.error is not None:
            _say(f"error: job {job.label}: {record.error.message}")
        video = self.request.outputs / record.output.path if record.output else None
        self.sheets.add(job, record)
        self._end(job, _facts(record), video)

    def _end(self, job: BatchJob, facts: dict[str, Any], video: Path | None) -> None:
        """Say what became of a job, and where the contact sheet lies that it was the last one of."""
        sheet = self.sheets.finish(job)
        if job.grid:
            facts["contact_sheet"] = str(sheet) if sheet else None
        self._tell(job, facts, video)
        if sheet is not None:
            _say(f"contact sheet: {sheet}")

    def _tell(self, job: BatchJob, facts: dict[str, Any], video: Path | None) -> None:
        """Print what became of a job: the video's path, or a JSON object."""
        if self.request.as_json:
            line: dict[str, Any] = {"job": job.label, "kind": job.kind, "images": [str(image) for image in job.images]}
            line |= {"varied": dict(job.varied), "video": str(video) if video else None}
            print(json.dumps(line | facts), flush=True)
        elif video is not None:
            print(video, flush=True)

    def _stop_where_asked(self, count: int) -> None:
        left = count - self.kept - len(self.codes)
        if left and self.is_cancelled():
            raise Cancelled(f"Stopped with {_count(left)} left: the same command goes on from there.")


def _facts(record: RunRecord) -> dict[str, Any]:
    error = record.error
    return {
        "run_id": record.run_id,
        "status": record.status.value,
        "made_before": False,
        "seed": record.seed,
        "error": error.message if error else None,
        "exit_code": error.exit_code if error else 0,
    }


def _title(job: BatchJob) -> str:
    """A job in a line: "2.1 animate photo.jpg (animate.guidance_scale 7)"."""
    names = [image.name for image in job.images]
    shown = " ".join(names) if len(names) <= 3 else f"{names[0]} ... {names[-1]} ({len(names)} images)"
    varied = ", ".join(f"{name} {value}" for name, value in job.varied.items())
    return f"{job.label} {job.kind} {shown}{f' ({varied})' if varied else ''}"


def _count(number: int) -> str:
    return f"{number} job" if number == 1 else f"{number} jobs"


def _say(line: str) -> None:
    print(line, file=sys.stderr)
