"""The queue: order, progress, cancelling, and what is left behind. Runs are pretended; records are real."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.jobs import MAX_FINISHED, Jobs, Snapshot
from pipeline.context import Event, LogLine, Progress
from pipeline.errors import InvalidInput, InvalidSetting
from pipeline.records import (
    ErrorRecord,
    InputRecord,
    RunRecord,
    RunStatus,
    now,
    read_record,
    record_path,
    reserve_run_id,
    write_record,
)
from pipeline.settings import Settings

SECONDS = 20.0
"""How long anything may take here on a busy machine."""

Listener = Callable[[Event], None]


class PretendRunner:
    """Runs that wait until the test lets them go on; `step` lets one frame pass."""

    def __init__(self) -> None:
        self.step = threading.Semaphore(0)
        self.began = threading.Semaphore(0)
        self.order: list[str] = []
        self.fails = False

    def submit(self, images: tuple[Path, ...], settings: Settings, outputs: Path, plan_only: bool = False) -> RunRecord:
        if not outputs.is_dir():
            raise InvalidSetting("The outputs folder cannot be used: choose another with --outputs.")
        process = psutil.Process()
        record = RunRecord(
            run_id=reserve_run_id(outputs),
            job="plan" if plan_only else "animate",
            status=RunStatus.QUEUED,
            created_at=now(),
            pid=process.pid,
            process_started_at=process.create_time(),
            seed=1,
            requested=settings,
            inputs=[InputRecord(name=image.name) for image in images],
        )
        write_record(record, outputs)
        return record

    def execute(
        self,
        record: RunRecord,
        images: tuple[Path, ...],
        outputs: Path,
        listen: Listener,
        is_cancelled: Callable[[], bool],
    ) -> RunRecord:
        self.order.append(images[0].name)
        record.status, record.started_at = RunStatus.RUNNING, now()
        listen(record)
        listen(LogLine("info", "begun"))
        listen(Progress("encode", 1, 2, 3.0))
        self.began.release()
        self.step.acquire(timeout=SECONDS)
        if self.fails:
            raise RuntimeError("a defect")
        record.status = RunStatus.CANCELLED if is_cancelled() else RunStatus.SUCCEEDED
        record.finished_at = now()
        if record.status is RunStatus.CANCELLED:
            record.error = ErrorRecord(type="Cancelled", message="The run was stopped.", exit_code=130)
        write_record(record, outputs)
        return record


@pytest.fixture
def runner() -> PretendRunner:
    return PretendRunner()


@pytest.fixture
def jobs(outputs: Path, runner: PretendRunner) -> Iterator[Jobs]:
    queue = Jobs(outputs, lambda: runner)
    yield queue
    for _ in range(MAX_FINISHED + 10):
        runner.step.release()
    queue.close(SECONDS)


def put(jobs: Jobs, name: str) -> str:
    return jobs.submit((Path(name),), Settings()).record.run_id


def ended(jobs: Jobs, run_id: str) -> Snapshot:
    job = jobs.wait(run_id, SECONDS)
    assert job is not None
    assert job.is_finished
    return job


def test_jobs_run_one_at_a_time_in_the_order_they_came(jobs: Jobs, runner: PretendRunner) -> None:
    runs = [put(jobs, name) for name in ("a.png", "b.png", "c.png")]
    assert runner.began.acquire(timeout=SECONDS)
    assert runner.order == ["a.png"]
    for _ in runs:
        runner.step.release()
    assert [ended(jobs, run).record.status for run in runs] == [RunStatus.SUCCEEDED] * 3
    assert runner.order == ["a.png", "b.png", "c.png"]


def test_runs_that_were_asked_for_together_know_each_other(jobs: Jobs, runner: PretendRunner) -> None:
    alone = put(jobs, "a.png")
    pair = [jobs.submit((Path(name),), Settings(), group="two").record.run_id for name in ("b.png", "c.png")]
    assert [job.record.run_id for job in jobs.siblings(pair[1])] == pair
    assert jobs.siblings(alone) == jobs.siblings("unknown") == jobs.siblings(None) == []
    for _ in range(3):
        runner.step.release()
    ended(jobs, pair[1])


def test_a_snapshot_shows_progress_lines_and_places(jobs: Jobs, runner: PretendRunner) -> None:
    first, second, third = (put(jobs, name) for name in ("a.png", "b.png", "c.png"))
    assert runner.began.acquire(timeout=SECONDS)
    running, waiting, last = jobs.get(first), jobs.get(second), jobs.get(third)
    assert running is not None
    assert waiting is not None
    assert last is not None
    assert running.progress == Progress("encode", 1, 2, 3.0)
    assert [line.message for line in running.lines] == ["begun"]
    assert [running.position, waiting.position, last.position] == [0, 1, 2]
    assert [job.record.run_id for job in jobs.active()] == [first, second, third]


def test_the_record_on_disk_says_the_place_in_the_queue(jobs: Jobs, runner: PretendRunner, outputs: Path) -> None:
    put(jobs, "a.png")
    assert runner.began.acquire(timeout=SECONDS)
    second, third = put(jobs, "b.png"), put(jobs, "c.png")
    assert read_record(record_path(outputs, third)).queue_position == 2
    jobs.cancel(second)
    assert read_record(record_path(outputs, third)).queue_position == 1


def test_a_running_job_is_stopped(jobs: Jobs, runner: PretendRunner) -> None:
    run = put(jobs, "a.png")
    assert runner.began.acquire(timeout=SECONDS)
    jobs.cancel(run)
    job = jobs.get(run)
    assert job is not None
    assert job.stopping
    assert not job.is_finished
    runner.step.release()
    assert ended(jobs, run).record.status is RunStatus.CANCELLED


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(jobs: Jobs, runner: PretendRunner, outputs: Path) -> None:
    first = put(jobs, "a.png")
    assert runner.began.acquire(timeout=SECONDS)
    second = put(jobs, "b.png")
    jobs.cancel(second)
    record = read_record(record_path(outputs, second))
    assert record.status is RunStatus.CANCELLED
    assert record.error is not None
    assert record.error.exit_code == 130
    assert record.queue_position is None
    runner.step.release()
    ended(jobs, first)
    assert runner.order == ["a.png"]


def test_cancelling_what_is_done_or_unknown_changes_nothing(jobs: Jobs, runner: PretendRunner) -> None:
    run = put(jobs, "a.png")
    runner.step.release()
    before = ended(jobs, run)
    jobs.cancel(run)
    jobs.cancel("video_unknown")
    assert jobs.get(run) == before


def test_a_page_that_opens_sees_the_running_job_first_then_the_last_one(jobs: Jobs, runner: PretendRunner) -> None:
    assert jobs.latest(1) is None
    first, second = put(jobs, "a.png"), put(jobs, "b.png")
    assert runner.began.acquire(timeout=SECONDS)
    latest = jobs.latest(1)
    assert latest is not None
    assert latest.record.run_id == first
    runner.step.release()
    runner.step.release()
    ended(jobs, second)
    latest = jobs.latest(1)
    assert latest is not None
    assert latest.record.run_id == second


@pytest.mark.allow_errors
def test_a_defect_fails_its_run_and_the_next_one_goes_on(jobs: Jobs, runner: PretendRunner, outputs: Path) -> None:
    runner.fails = True
    first = put(jobs, "a.png")
    runner.step.release()
    assert ended(jobs, first).record.status is RunStatus.FAILED
    record = read_record(record_path(outputs, first))
    assert record.error is not None
    assert "log" in record.error.message
    runner.fails = False
    second = put(jobs, "b.png")
    runner.step.release()
    assert ended(jobs, second).record.status is RunStatus.SUCCEEDED


def test_an_outputs_folder_that_cannot_be_used_is_told_when_the_job_is_put(
    tmp_path: Path, runner: PretendRunner
) -> None:
    jobs = Jobs(tmp_path / "missing", lambda: runner)
    with pytest.raises(InvalidSetting, match="outputs folder"):
        put(jobs, "a.png")
    assert jobs.latest(1) is None


def test_the_masks_of_a_job_go_with_it(jobs: Jobs, runner: PretendRunner, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    runs = [jobs.submit((Path("a.png"),), Settings(), folder).record.run_id for folder in folders]
    assert runner.began.acquire(timeout=SECONDS)
    jobs.cancel(runs[1])
    assert [folder.exists() for folder in folders] == [True, False]
    runner.step.release()
    ended(jobs, runs[0])
    assert not folders[0].exists()


def test_only_the_last_finished_jobs_are_remembered(jobs: Jobs, runner: PretendRunner) -> None:
    for _ in range(MAX_FINISHED + 3):
        runner.step.release()
    runs = [put(jobs, f"{number}.png") for number in range(MAX_FINISHED + 3)]
    ended(jobs, runs[-1])
    assert [jobs.get(run) is None for run in runs] == [True] * 3 + [False] * MAX_FINISHED


def test_every_change_is_seen(jobs: Jobs, runner: PretendRunner) -> None:
    seen = [jobs.version]
    run = put(jobs, "a.png")
    assert runner.began.acquire(timeout=SECONDS)  # it may have begun before `put` came back
    seen.append(jobs.version)
    runner.step.release()
    ended(jobs, run)
    seen.append(jobs.version)
    assert seen == sorted(set(seen))


def test_what_no_run_may_need_is_done_between_runs(jobs: Jobs, runner: PretendRunner) -> None:
    assert jobs.when_idle(lambda: "done") == "done"
    first = put(jobs, "a.png")
    assert runner.began.acquire(timeout=SECONDS)
    with pytest.raises(InvalidInput, match="under way"):
        jobs.when_idle(lambda: "done")
    runner.step.release()
    ended(jobs, first)
    assert jobs.when_idle(lambda: "done") == "done"


def test_closing_stops_everything(outputs: Path, runner: PretendRunner) -> None:
    jobs = Jobs(outputs, lambda: runner)
    runs = [put(jobs, "a.png"), put(jobs, "b.png")]
    assert runner.began.acquire(timeout=SECONDS)
    runner.step.release()
    jobs.close(SECONDS)
    statuses = [read_record(record_path(outputs, run)).status for run in runs]
    assert statuses[1] is RunStatus.CANCELLED
    assert statuses[0] in (RunStatus.CANCELLED, RunStatus.SUCCEEDED)
