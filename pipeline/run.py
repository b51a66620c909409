"""One run from input to video and record: the only file that knows the order of the stages."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import psutil

from pipeline.engines import EMBEDDED
from pipeline.quality import advise
from pipeline.records import (
    InputRecord,
    RunRecord,
    RunStatus,
    now,
    record_path,
    reserve_run_id,
    write_record,
)
from pipeline.resolve import draw_seed, resolve
from pipeline.runner import Listener, Runner, outputs_error
from pipeline.settings import Settings
from pipeline.stages.animate import Animate
from pipeline.stages.prepare import Prepare

ROLES: tuple[Literal["image", "last_image"], ...] = ("image", "last_image")
"""What the images of a run are, in their order."""


def submit(images: Sequence[Path], settings: Settings, outputs: Path) -> RunRecord:
    """Write the record of a run that is asked for, status queued, and return it.

    One image is animated, two become a transition. The seed is drawn here, so that it is known before anything else
    happens. Raises InvalidSetting when the outputs folder cannot be used, OutputFailed when the disk is full, and
    ValueError for another number of images.
    """
    if len(images) not in (1, 2):
        raise ValueError(f"a run takes one image or two, not {len(images)}")
    process = psutil.Process()
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        run_id = reserve_run_id(outputs)
    except OSError as error:
        raise outputs_error(error, outputs) from error
    record = RunRecord(
        run_id=run_id,
        job="animate" if len(images) == 1 else "transition",
        status=RunStatus.QUEUED,
        created_at=now(),
        pid=process.pid,
        process_started_at=process.create_time(),
        seed=draw_seed(settings).seed,
        requested=settings,
        inputs=[InputRecord(role=role, name=image.name) for role, image in zip(ROLES, images, strict=False)]
        + [InputRecord(role="mask", name=mask.name) for mask in settings.prepare.masks],
    )
    try:
        write_record(record, outputs)
    except OSError as error:
        record_path(outputs, run_id).unlink(missing_ok=True)
        raise outputs_error(error, outputs) from error
    return record


def execute(
    record: RunRecord,
    images: Sequence[Path],
    outputs: Path,
    listen: Listener = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> RunRecord:
    """Run all stages for a submitted record and return it finished: succeeded, failed or cancelled.

    Never raises for what a user, a file or a disk does: the reason is in `record.error`. `listen` is called from this
    thread with everything worth showing as it happens.
    """
    return Animation(record, images, outputs, listen, is_cancelled).finish()


class Animation(Runner):
    """prepare -> animate -> encode."""

    def work(self) -> None:
        """Bring one image to life."""
        settings = self._resolve()
        context = self.context(settings)
        with self.stage("prepare"):
            image = Prepare()(self.images[0], settings, context)
        with self.stage(self.maker, settings.animate.num_frames):
            # The embedded engine renders while its frames are encoded; the others come with all of them.
            stream = Animate()(image, settings, context)
        again = stream.again or (lambda: Animate()(image, self.used, context).frames)
        encoded = self.encode(stream, image.image, again, context)
        self.record.output = self.publish(encoded, self.record.run_id)
        self.record.advice = advise(self.record.quality, self.used, self.used.animate.engine != EMBEDDED)
        self.save()
        self.publish_candidates(context)

    def _resolve(self) -> Settings:
        """Settle every setting for this image."""
        asked = self.record.requested.model_copy(update={"seed": self.record.seed})
        kept = self.keep_inputs(asked)
        image = self.record.inputs[0]
        used, notices = resolve(kept, image.width or 0, image.height or 0)
        self.settle(used, notices)
        self.say(
            f"Video {used.prepare.width} x {used.prepare.height}, {used.animate.num_frames} frames at "
            f"{float(used.encode.fps):g} per second, engine {used.animate.engine}, seed {used.seed}"
        )
        # The record names the masks that are kept below the outputs; this run reads the given ones.
        prepare = used.prepare.model_copy(update={"masks": asked.prepare.masks})
        return used.model_copy(update={"prepare": prepare})
