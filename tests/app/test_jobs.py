"""The queue: order, progress, cancelling, restarts, and what is left behind. Runs are pretended; records are real."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.jobs import MAX_FINISHED, Jobs, Snapshot
from pipeline.context import Progress
from pipeline.errors import ImageToVideoError, InvalidInput, InvalidRecord, InvalidSetting
from pipeline.records import RunStatus, read_record, record_path
from pipeline.settings import Settings, make_settings
from tests.app.pretend import SECONDS, PretendRunner, in_order, orphan


@pytest.fixture
def runner() -> PretendRunner:
    return PretendRunner()


@pytest.fixture
def jobs(outputs: Path, runner: PretendRunner) -> Iterator[Jobs]:
    queue = Jobs(outputs, lambda: runner)
    yield queue
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
    put(jobs, "a.png")
    pair = [jobs.submit((Path(name),), Settings(), group="two").record.run_id for name in ("b.png", "c.png")]
    assert [job.record.run_id for job in jobs.group("two")] == pair
    assert jobs.group("") == jobs.group("unknown") == []
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
    assert [job.record.run_id for job in jobs.queue().active] == [first, second, third]


def test_the_records_on_disk_say_the_order_of_the_queue(jobs: Jobs, runner: PretendRunner, outputs: Path) -> None:
    put(jobs, "a.png")
    assert runner.began.acquire(timeout=SECONDS)
    runs = [put(jobs, name) for name in ("b.png", "c.png", "d.png")]
    assert in_order(outputs) == runs
    jobs.move(runs[2], 1)
    jobs.cancel(runs[0])
    assert in_order(outputs) == [runs[2], runs[1]]
    jobs.move(runs[2], 99)
    assert in_order(outputs) == [runs[1], runs[2]]
    assert [job.record.run_id for job in jobs.queue().active[1:]] == in_order(outputs)


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


def test_masks_are_kept_with_the_inputs_and_their_folder_goes_at_once(
    jobs: Jobs, runner: PretendRunner, tmp_path: Path, outputs: Path
) -> None:
    folder, photo = tmp_path / "masks", tmp_path / "a.png"
    folder.mkdir()
    for path in (photo, folder / "area_1.png"):
        path.write_bytes(path.name.encode())
    settings = make_settings({"prepare": {"masks": [folder / "area_1.png"]}})
    record = jobs.submit((photo,), settings, folder).record
    assert not folder.exists()
    (mask,) = record.requested.prepare.masks
    assert mask.is_relative_to(outputs / "inputs")
    assert [(entry.role, entry.name) for entry in record.inputs] == [("image", "a.png"), ("mask", "area_1.png")]
    assert [(outputs / str(entry.path)).read_bytes() for entry in record.inputs] == [b"a.png", b"area_1.png"]
    runner.step.release()
    ended(jobs, record.run_id)


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


def test_closing_interrupts_what_runs_and_leaves_what_waits(outputs: Path, runner: PretendRunner) -> None:
    jobs = Jobs(outputs, lambda: runner)
    runs = [put(jobs, name) for name in ("a.png", "b.png", "c.png")]
    assert runner.began.acquire(timeout=SECONDS)
    jobs.move(runs[2], 1)
    jobs.close(SECONDS)
    assert jobs.wait(runs[1], SECONDS) == jobs.get(runs[1])  # nobody waits for what nobody makes
    assert read_record(record_path(outputs, runs[0])).status is RunStatus.INTERRUPTED
    assert in_order(outputs) == [runs[2], runs[1]]
    assert runner.order == ["a.png"]


def test_a_run_stopped_by_its_user_before_the_program_is_closed_is_cancelled(
    outputs: Path, runner: PretendRunner
) -> None:
    jobs = Jobs(outputs, lambda: runner)
    run_id = put(jobs, "a.png")
    assert runner.began.acquire(timeout=SECONDS)
    jobs.cancel(run_id)
    runner.step.release()
    jobs.close(SECONDS)
    assert read_record(record_path(outputs, run_id)).status is RunStatus.CANCELLED


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.png" for name in "abcd"]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


def test_a_restart_goes_on_in_order_from_the_kept_inputs_and_offers_what_was_interrupted(
    outputs: Path, runner: PretendRunner, photos: list[Path]
) -> None:
    before = Jobs(outputs, lambda: runner)
    runs = [put(before, str(path)) for path in photos]
    assert runner.began.acquire(timeout=SECONDS)
    before.move(runs[3], 1)
    before.close(SECONDS)
    orphan(outputs)
    for path in photos:
        path.unlink()
    after = Jobs(outputs, lambda: runner)
    assert after.take_up() == 3
    assert runner.began.acquire(timeout=SECONDS)
    queue = after.queue()
    assert [job.record.run_id for job in queue.active] == [runs[3], runs[1], runs[2]]
    assert (queue.left_over, [record.run_id for record in queue.interrupted]) == (3, [runs[0]])
    assert [job.images[0].read_bytes() for job in queue.active] == [b"d.png", b"b.png", b"c.png"]
    resumed = after.resume(runs[0])
    assert (resumed.position, resumed.record.run_id) == (1, runs[0])
    for _ in runs:
        runner.step.release()
    assert [ended(after, run_id).record.status for run_id in runs] == [RunStatus.SUCCEEDED] * 4
    assert runner.order == ["a.png", "d.png", "a.png", "b.png", "c.png"]
    assert len(read_record(record_path(outputs, runs[0])).interruptions) == 1
    assert after.queue().interrupted == ()
    after.close(SECONDS)


def test_a_page_that_opens_at_once_waits_for_what_was_left(
    outputs: Path, runner: PretendRunner, photos: list[Path]
) -> None:
    before = Jobs(outputs, lambda: runner)
    before.pause()
    run_id = put(before, str(photos[0]))
    before.close(SECONDS)
    orphan(outputs)
    after = Jobs(outputs, lambda: runner)
    after.await_taken_up(0.01)
    assert after.latest(1) is None

    def opened() -> Snapshot | None:
        after.await_taken_up(SECONDS)
        return after.latest(1)

    with ThreadPoolExecutor() as pool:
        opening = pool.submit(opened)
        assert after.take_up() == 1
        shown = opening.result(SECONDS)
    assert shown is not None
    assert shown.record.run_id == run_id
    after.close(SECONDS)


def test_a_paused_queue_is_paused_after_a_restart_until_it_goes_on(
    outputs: Path, runner: PretendRunner, photos: list[Path]
) -> None:
    before = Jobs(outputs, lambda: runner)
    before.pause()
    runs = [put(before, str(path)) for path in photos[:2]]
    assert [job.position for job in before.queue().active] == [1, 2]
    before.close(SECONDS)
    orphan(outputs)
    after = Jobs(outputs, lambda: runner)
    assert after.take_up() == 2
    assert after.queue().is_paused
    assert runner.order == []
    after.go_on()
    runner.step.release()
    runner.step.release()
    assert [ended(after, run_id).record.status for run_id in runs] == [RunStatus.SUCCEEDED] * 2
    after.close(SECONDS)
    assert not Jobs(outputs, lambda: runner).queue().is_paused


def test_a_run_whose_kept_input_is_gone_fails_at_a_restart_and_cannot_be_resumed(
    outputs: Path, runner: PretendRunner, photos: list[Path]
) -> None:
    before = Jobs(outputs, lambda: runner)
    runs = [put(before, str(path)) for path in photos[:3]]
    assert runner.began.acquire(timeout=SECONDS)
    before.close(SECONDS)
    orphan(outputs)
    for run_id in runs[:2]:
        (outputs / str(read_record(record_path(outputs, run_id)).inputs[0].path)).unlink()
    after = Jobs(outputs, lambda: runner)
    assert after.take_up() == 1
    record = read_record(record_path(outputs, runs[1]))
    assert record.status is RunStatus.FAILED
    assert record.error is not None
    assert "b.png is gone" in record.error.message
    with pytest.raises(InvalidRecord, match="its input a"):
        after.resume(runs[0])
    with pytest.raises(InvalidInput, match="is not the name of a run"):
        after.resume("../../etc/passwd")
    runner.step.release()
    ended(after, runs[2])
    after.close(SECONDS)


def test_a_waiting_run_is_changed_in_its_place_under_its_name(
    jobs: Jobs, runner: PretendRunner, photos: list[Path], outputs: Path
) -> None:
    runs = [put(jobs, str(path)) for path in photos[:3]]
    assert runner.began.acquire(timeout=SECONDS)
    copy = outputs / str(read_record(record_path(outputs, runs[1])).inputs[0].path)
    changed = jobs.replace(runs[1], (copy,), make_settings({"prompt": "other", "seed": 5}))
    record = read_record(record_path(outputs, runs[1]))
    assert changed.position == 1
    assert (record.requested.prompt, record.seed, record.status) == ("other", 5, RunStatus.QUEUED)
    assert record.inputs[0].name == "b.png"  # as its owner called it, not as the copy is called
    assert in_order(outputs) == runs[1:]
    with pytest.raises(InvalidInput, match="begun"):
        jobs.replace(runs[0], (photos[0],), Settings())
    for _ in runs:
        runner.step.release()
    assert [ended(jobs, run_id).record.requested.prompt for run_id in runs] == ["", "other", ""]
    assert runner.order == ["a.png", "b.png", "c.png"]


def test_clearing_takes_out_what_waits_and_lets_go_on_what_runs(jobs: Jobs, runner: PretendRunner) -> None:
    runs = [put(jobs, name) for name in ("a.png", "b.png", "c.png")]
    assert runner.began.acquire(timeout=SECONDS)
    jobs.clear()
    runner.step.release()
    statuses = [ended(jobs, run_id).record.status for run_id in runs]
    assert statuses == [RunStatus.SUCCEEDED, RunStatus.CANCELLED, RunStatus.CANCELLED]
    assert runner.order == ["a.png"]


def test_an_interrupted_run_given_up_is_offered_no_more(
    outputs: Path, runner: PretendRunner, photos: list[Path]
) -> None:
    before = Jobs(outputs, lambda: runner)
    run_id = put(before, str(photos[0]))
    assert runner.began.acquire(timeout=SECONDS)
    before.close(SECONDS)
    after = Jobs(outputs, lambda: runner)
    after.take_up()
    assert [record.run_id for record in after.queue().interrupted] == [run_id]
    after.give_up(run_id)
    assert after.queue().interrupted == ()
    assert read_record(record_path(outputs, run_id)).status is RunStatus.CANCELLED
    with pytest.raises(ImageToVideoError, match="not interrupted any more"):
        after.resume(run_id)
    after.close(SECONDS)
