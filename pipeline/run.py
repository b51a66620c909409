"""One run from input to video and record: the only file that knows the order of the stages."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from pipeline.context import Context, Event, LogLine, Progress
from pipeline.environment import environment
from pipeline.errors import Cancelled, ImageToVideoError, InvalidImage, InvalidSetting, OutputFailed, is_disk_full
from pipeline.frames import Frame, FrameStream, PreparedImage
from pipeline.images import probe
from pipeline.logs import FILE_NAME, run_logger
from pipeline.memory import MemoryMonitor
from pipeline.records import (
    ErrorRecord,
    InputRecord,
    Notice,
    OutputRecord,
    RunRecord,
    RunStatus,
    StageRecord,
    keep_input,
    now,
    record_path,
    reserve_run_id,
    write_record,
)
from pipeline.resolve import draw_seed, resolve
from pipeline.settings import Settings
from pipeline.stages.animate import Animate
from pipeline.stages.encode import Encode, EncodedVideo, publish
from pipeline.stages.prepare import Prepare

Listener = Callable[[Event], None]

WORK = ".work"
"""Folder below the outputs that holds what is not finished yet."""


def submit(image: Path, settings: Settings, outputs: Path) -> RunRecord:
    """Write the record of a run that is asked for, status queued, and return it.

    The seed is drawn here, so that it is known before anything else happens. Raises InvalidSetting when the outputs
    folder cannot be used, and OutputFailed when the disk is full.
    """
    process = psutil.Process()
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        run_id = reserve_run_id(outputs)
    except OSError as error:
        raise _outputs_error(error, outputs) from error
    record = RunRecord(
        run_id=run_id,
        status=RunStatus.QUEUED,
        created_at=now(),
        pid=process.pid,
        process_started_at=process.create_time(),
        seed=draw_seed(settings).seed,
        requested=settings,
        inputs=[InputRecord(name=image.name)]
        + [InputRecord(role="mask", name=mask.name) for mask in settings.prepare.masks],
    )
    try:
        write_record(record, outputs)
    except OSError as error:
        record_path(outputs, run_id).unlink(missing_ok=True)
        raise _outputs_error(error, outputs) from error
    return record


def execute(
    record: RunRecord,
    image: Path,
    outputs: Path,
    listen: Listener = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> RunRecord:
    """Run all stages for a submitted record and return it finished: succeeded, failed or cancelled.

    Never raises for what a user, a file or a disk does: the reason is in `record.error`. `listen` is called from this
    thread with everything worth showing as it happens.
    """
    return _Run(record, image, outputs, listen, is_cancelled).finish()


def _outputs_error(error: OSError, outputs: Path) -> ImageToVideoError:
    if is_disk_full(error):
        return OutputFailed(f"The disk that holds {outputs} is full: free some space or choose another with --outputs.")
    reason = (error.strerror or str(error)).lower()
    return InvalidSetting(f"The outputs folder {outputs} cannot be used ({reason}): choose another with --outputs.")


@dataclass
class _Timed:
    """Measures how long the reader of a stream waits for its frames."""

    stream: FrameStream
    seconds: float = 0.0

    def frames(self) -> Iterator[Frame]:
        """Yield the stream's frames, adding up the waiting time; closes the stream when closed."""
        source = self.stream.frames
        try:
            while True:
                before = time.monotonic()
                frame = next(source, None)
                self.seconds += time.monotonic() - before
                if frame is None:
                    return
                yield frame
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()


class _Run:
    """One run under way."""

    def __init__(
        self, record: RunRecord, image: Path, outputs: Path, listen: Listener, is_cancelled: Callable[[], bool]
    ) -> None:
        self.record, self.image, self.outputs = record, image, outputs
        self.listen, self.is_cancelled = listen, is_cancelled
        self.log = run_logger(record.run_id)
        self.monitor = MemoryMonitor()
        self.work_dir = outputs / WORK / record.run_id

    def finish(self) -> RunRecord:
        """Run the stages, turn whatever happens into the record's status, and clean up."""
        with self.monitor:
            try:
                self._work()
                self.record.status = RunStatus.SUCCEEDED
            except Cancelled as error:
                self._fail(error, RunStatus.CANCELLED)
            except ImageToVideoError as error:
                self._fail(error, RunStatus.FAILED)
            except OSError as error:
                self._fail_unexpected(error, _outputs_error(error, self.outputs))
            except Exception as error:  # noqa: BLE001 - the one boundary: a defect ends the run, not the program
                self._fail_unexpected(error, ImageToVideoError(_unexpected(error)))
            finally:
                shutil.rmtree(self.work_dir, ignore_errors=True)
                with contextlib.suppress(OSError):
                    self.work_dir.parent.rmdir()
        self.record.finished_at = now()
        self.record.queue_position = None
        self.record.memory_timeline = self.monitor.timeline()
        self._save()
        return self.record

    def _work(self) -> None:
        self.record.status, self.record.started_at = RunStatus.RUNNING, now()
        self.record.environment = environment()
        self._save()
        settings = self._resolve()
        context = self._context(settings)
        prepared = self._prepare(settings, context)
        encoded = self._animate_and_encode(prepared, settings, context)
        self._publish(encoded)

    def _context(self, settings: Settings) -> Context:
        self.work_dir.mkdir(parents=True, exist_ok=True)
        return Context(
            seed=settings.seed,
            threads=settings.runtime.threads or os.cpu_count() or 1,
            work_dir=self.work_dir,
            report=self.listen,
            is_cancelled=self.is_cancelled,
            notify=self._notify,
        )

    def _resolve(self) -> Settings:
        """Check the input's header, keep the inputs, and settle every setting."""
        asked = self.record.requested.model_copy(update={"seed": self.record.seed})
        limits = (asked.prepare.max_megapixels, asked.prepare.max_file_mb)
        info = probe(self.image, *limits)
        for mask in asked.prepare.masks:
            probe(mask, *limits)
        self._say(f"Image {self.image.name}: {info.width} x {info.height} pixels, {info.format}")
        kept = [self._keep(number, path) for number, path in enumerate((self.image, *asked.prepare.masks))]
        image_record = self.record.inputs[0]
        image_record.width, image_record.height = info.width, info.height
        used, notices = resolve(asked, info.width, info.height)
        for notice in notices:
            self._notify(notice)
        prepare = used.prepare.model_copy(update={"masks": tuple(Path(path) for path in kept[1:])})
        self.record.used = used.model_copy(update={"prepare": prepare})
        self._save()
        self._say(
            f"Video {used.prepare.width} x {used.prepare.height}, {used.animate.num_frames} frames at "
            f"{float(used.encode.fps):g} per second, engine {used.animate.engine}, seed {used.seed}"
        )
        return used

    def _keep(self, number: int, path: Path) -> str:
        try:
            relative, digest = keep_input(path, self.outputs)
        except OSError as error:
            if is_disk_full(error):
                raise
            raise InvalidImage(f"{path.name} cannot be read: {error.strerror or error}.") from error
        self.record.inputs[number].path, self.record.inputs[number].sha256 = relative, digest
        return relative

    def _prepare(self, settings: Settings, context: Context) -> PreparedImage:
        start = self.monitor.seconds()
        self.listen(Progress("prepare", 0, 1))
        prepared = Prepare()(self.image, settings, context)
        self._stage("prepare", start, self.monitor.seconds() - start)
        return prepared

    def _animate_and_encode(self, image: PreparedImage, settings: Settings, context: Context) -> EncodedVideo:
        """Render and encode at the same time: the encoder pulls the frames that the engine makes."""
        start = self.monitor.seconds()
        self.listen(Progress("animate", 0, settings.animate.num_frames))
        timed = _Timed(Animate()(image, settings, context))
        setup = self.monitor.seconds() - start
        pace = _Pace(self.listen, self.monitor.seconds)
        stream = replace(timed.stream, frames=timed.frames())
        encoded = Encode()(stream, settings, replace(context, report=pace))
        total = self.monitor.seconds() - start
        self._stage("animate", start, setup + timed.seconds)
        self._stage("encode", start, total - setup - timed.seconds)
        return encoded

    def _publish(self, encoded: EncodedVideo) -> None:
        info = encoded.info
        final = self.outputs / f"{self.record.run_id}.{encoded.path.suffix.lstrip('.')}"
        publish(encoded, final)
        self.record.output = OutputRecord(
            path=final.name,
            sha256=encoded.sha256,
            width=info.width,
            height=info.height,
            fps=info.fps,
            num_frames=info.num_frames,
            codec=info.codec,
            duration=info.duration,
            bytes=encoded.bytes,
        )
        self._say(f"Saved {final.name}: {encoded.bytes / 1e6:.1f} MB, {info.duration:.2f} s")

    def _stage(self, name: str, start: float, seconds: float) -> None:
        peak = self.monitor.peak_bytes(start, self.monitor.seconds())
        self.record.stages.append(StageRecord(name=name, seconds=round(seconds, 3), peak_memory_bytes=peak))
        self._say(f"Stage {name}: {seconds:.2f} s, at most {peak / 1e6:.0f} MB of memory in use")
        self._save()

    def _notify(self, notice: Notice) -> None:
        self.record.notices = [*self.record.notices, notice]
        self.log.log(30 if notice.level == "warning" else 20, notice.message)
        self.listen(notice)

    def _say(self, message: str) -> None:
        self.log.info(message)
        self.listen(LogLine("info", message))

    def _save(self) -> None:
        """Rewrite the record. A disk that is full must not hide why the run ended, so the last one stays."""
        try:
            write_record(self.record, self.outputs)
        except OSError as error:
            self.log.warning("The record could not be written: %s", error.strerror or error)
        self.listen(self.record)

    def _fail(self, error: ImageToVideoError, status: RunStatus) -> None:
        self.record.status = status
        self.record.error = ErrorRecord(type=type(error).__name__, message=str(error), exit_code=error.exit_code)
        self.log.log(20 if status is RunStatus.CANCELLED else 30, str(error))
        self.listen(LogLine("error", str(error)))

    def _fail_unexpected(self, error: Exception, told: ImageToVideoError) -> None:
        self.log.error("The run ended unexpectedly", exc_info=error)
        self._fail(told, RunStatus.FAILED)


def _unexpected(error: Exception) -> str:
    return f"Something unexpected went wrong ({type(error).__name__}): the details are in logs/{FILE_NAME}."


class _Pace:
    """Adds the seconds left to the progress of the encoder, from the pace so far."""

    def __init__(self, listen: Listener, clock: Callable[[], float]) -> None:
        self._listen, self._clock, self._start = listen, clock, clock()

    def __call__(self, progress: Progress) -> None:
        elapsed = self._clock() - self._start
        left = elapsed / progress.done * (progress.total - progress.done) if progress.done else None
        self._listen(replace(progress, seconds_left=left))
