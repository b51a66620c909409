"""One run from input to video and record: the only package that knows the order of the stages."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.records import PlaceRecord, RunRecord, RunStatus, now, own, write_new_record
from pipeline.resolve import draw_seed
from pipeline.run.animation import Animation
from pipeline.run.inputs import input_records
from pipeline.run.journal import Listener
from pipeline.run.long_animation import LongAnimation
from pipeline.run.runner import Runner, outputs_error
from pipeline.run.transition import Outline, Transition
from pipeline.run.waiting import keep, restore, revise
from pipeline.settings import Settings

__all__ = ["execute", "keep", "restore", "revise", "submit"]


def submit(
    images: Sequence[Path],
    settings: Settings,
    outputs: Path,
    plan_only: bool = False,
    group: str = "",
    place: PlaceRecord | None = None,
) -> RunRecord:
    """Write the record of a run that is asked for, status queued, and return it.

    One image is animated, more become a transition, or with `plan_only` its captions and prompts alone. Runs that are
    asked for together have the same `group`, and a `place` in it where they are compared. The seed is
    drawn here, so that it is known before anything else happens. Raises InvalidSetting when the outputs folder cannot
    be used, OutputFailed when the disk is full, and ValueError where there is no image.
    """
    if not images:
        raise ValueError("a run takes at least one image")
    pid, process_started_at = own()
    inputs = input_records(images, settings)

    def record(run_id: str) -> RunRecord:
        return RunRecord(
            run_id=run_id,
            job="animate" if len(images) == 1 else "plan" if plan_only else "transition",
            status=RunStatus.QUEUED,
            created_at=now(),
            pid=pid,
            process_started_at=process_started_at,
            group=group,
            place=place,
            seed=draw_seed(settings).seed,
            requested=settings,
            inputs=inputs,
        )

    try:
        outputs.mkdir(parents=True, exist_ok=True)
        return write_new_record(record, outputs)
    except OSError as error:
        raise outputs_error(error, outputs) from error


def execute(
    record: RunRecord,
    images: Sequence[Path],
    outputs: Path,
    listen: Listener = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    is_closing: Callable[[], bool] = lambda: False,
) -> RunRecord:
    """Run all stages for a submitted record and return it finished: succeeded, failed, cancelled or interrupted.

    Never raises for what a user, a file or a disk does: the reason is in `record.error`. `listen` is called from this
    thread with everything worth showing as it happens. `is_cancelled` says that the user wants it to stop, `is_closing`
    that the program is about to end: then the run is interrupted and can be resumed.
    """
    jobs: dict[str, type[Runner]] = {"animate": Animation, "transition": Transition, "plan": Outline}
    job = jobs[record.job]
    if job is Animation and record.requested.animate.segments:
        job = LongAnimation
    return job(record, images, outputs, listen, is_cancelled, is_closing).finish()
