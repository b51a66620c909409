"""The queue under any order of what can be done to it: nothing is lost, nothing runs twice, the order holds on disk."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from app.jobs import Jobs
from pipeline.records import RunStatus, read_record, record_path
from pipeline.settings import make_settings
from tests.app.pretend import SECONDS, PretendRunner, in_order, orphan


class QueueMachine(RuleBasedStateMachine):
    """A queue beside what it should be: lists of runs, changed by hand."""

    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.outputs = Path(self.folder.name) / "outputs"
        self.outputs.mkdir()
        self.runner = PretendRunner()
        self.jobs = Jobs(self.outputs, lambda: self.runner)
        self.waiting: list[str] = []
        self.running: str | None = None
        self.is_paused = False
        self.ended: dict[str, RunStatus] = {}
        self.prompts: dict[str, str] = {}
        self.attempts: list[str] = []

    def teardown(self) -> None:
        self.jobs.close(SECONDS)
        self.folder.cleanup()

    @rule(target=runs)
    def submit(self) -> str:
        photo = self.outputs.parent / f"{len(self.prompts)}.png"
        photo.write_bytes(photo.name.encode())
        run_id = self.jobs.submit((photo,), make_settings({"prompt": photo.name})).record.run_id
        photo.unlink()  # the queue has a copy of its own
        self.prompts[run_id] = photo.name
        self.waiting.append(run_id)
        self.begin()
        return run_id

    @rule(run_id=runs)
    def cancel(self, run_id: str) -> None:
        self.jobs.cancel(run_id)
        if run_id in self.waiting:
            self.waiting.remove(run_id)
            self.ended[run_id] = RunStatus.CANCELLED
        elif run_id == self.running:
            self.end(RunStatus.CANCELLED)

    @rule(run_id=runs, place=st.integers(-1, 8))
    def move(self, run_id: str, place: int) -> None:
        self.jobs.move(run_id, place)
        if run_id in self.waiting:
            self.waiting.remove(run_id)
            self.waiting.insert(max(0, place - 1), run_id)

    @precondition(lambda self: self.waiting)
    @rule(number=st.integers(0, 99), prompt=st.sampled_from(["sea", "sky"]))
    def edit(self, number: int, prompt: str) -> None:
        run_id = self.waiting[number % len(self.waiting)]
        images = read_record(record_path(self.outputs, run_id)).inputs
        kept = tuple(self.outputs / str(each.path) for each in images)
        self.jobs.replace(run_id, kept, make_settings({"prompt": prompt}))
        self.prompts[run_id] = prompt

    @rule()
    def pause(self) -> None:
        self.jobs.pause()
        self.is_paused = True

    @rule()
    def go_on(self) -> None:
        self.jobs.go_on()
        self.is_paused = False
        self.begin()

    @rule()
    def clear(self) -> None:
        self.jobs.clear()
        self.ended |= dict.fromkeys(self.waiting, RunStatus.CANCELLED)
        self.waiting = []

    @precondition(lambda self: self.running is not None)
    @rule()
    def finish(self) -> None:
        self.end(RunStatus.SUCCEEDED)

    @rule()
    def restart(self) -> None:
        self.jobs.close(SECONDS)
        orphan(self.outputs)
        self.jobs = Jobs(self.outputs, lambda: self.runner)
        assert self.jobs.take_up() == len(self.waiting)
        if self.running is not None:
            self.ended[self.running], self.running = RunStatus.INTERRUPTED, None
        self.is_paused = self.is_paused and bool(self.waiting)
        self.begin()

    @precondition(lambda self: RunStatus.INTERRUPTED in self.ended.values())
    @rule(is_resumed=st.booleans())
    def resume_or_give_up(self, is_resumed: bool) -> None:
        run_id = next(each for each, status in self.ended.items() if status is RunStatus.INTERRUPTED)
        if is_resumed:
            self.jobs.resume(run_id)
            del self.ended[run_id]
            self.waiting.insert(0, run_id)
            self.begin()
        else:
            self.jobs.give_up(run_id)
            self.ended[run_id] = RunStatus.CANCELLED

    def begin(self) -> None:
        """What the worker does by itself: the next run begins."""
        if self.running is None and self.waiting and not self.is_paused:
            assert self.runner.began.acquire(timeout=SECONDS)
            self.running = self.waiting.pop(0)
            self.attempts.append(self.running)

    def end(self, status: RunStatus) -> None:
        """Let the run end that is under way."""
        assert self.running is not None
        self.runner.step.release()
        job = self.jobs.wait(self.running, SECONDS)
        assert job is not None
        assert job.record.status is status
        self.ended[self.running], self.running = status, None
        self.begin()

    @invariant()
    def the_queue_is_as_it_should_be(self) -> None:
        queue = self.jobs.queue()
        active = [self.running, *self.waiting] if self.running else self.waiting
        assert [job.record.run_id for job in queue.active] == active
        first = 0 if self.running or not self.is_paused else 1
        assert [job.position for job in queue.active] == list(range(first, first + len(active)))
        assert queue.is_paused == self.is_paused
        offered = {run_id for run_id, status in self.ended.items() if status is RunStatus.INTERRUPTED}
        assert {record.run_id for record in queue.interrupted} == offered

    @invariant()
    def the_records_say_the_same(self) -> None:
        assert in_order(self.outputs) == self.waiting
        for run_id, prompt in self.prompts.items():
            record = read_record(record_path(self.outputs, run_id))
            assert record.requested.prompt == prompt
            assert record.status is self.ended.get(
                run_id, RunStatus.RUNNING if run_id == self.running else RunStatus.QUEUED
            )
            assert (record.queue_position is None) == (record.status is not RunStatus.QUEUED)

    @invariant()
    def nothing_ran_that_should_not_have(self) -> None:
        assert self.runner.runs == self.attempts


QueueMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
TestQueue = QueueMachine.TestCase
