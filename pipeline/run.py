"""One run from input to video and record: the only file that knows the order of the stages."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from pipeline.context import CandidateFrames, Context, Event, Fact, LogLine, Progress, Settled
from pipeline.engines import EMBEDDED
from pipeline.environment import diffusion_packages, environment
from pipeline.errors import (
    Cancelled,
    ImageToVideoError,
    InvalidImage,
    InvalidSetting,
    OutOfMemory,
    OutputFailed,
    is_disk_full,
)
from pipeline.frames import Frame, FrameStream, PreparedImage
from pipeline.images import probe
from pipeline.logs import FILE_NAME, run_logger
from pipeline.memory.encoding import descend_encoding
from pipeline.memory.monitor import MemoryMonitor
from pipeline.memory.recover import free, is_out_of_memory
from pipeline.models.resident import RESIDENT
from pipeline.quality import QualityMeter, advise
from pipeline.records import (
    DowngradeRecord,
    ErrorRecord,
    ForecastRecord,
    InputRecord,
    ModelRecord,
    Notice,
    OutputRecord,
    PhaseRecord,
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

ENCODING = "encode"
"""Name of the phase that the encoder's own rungs are taken in."""

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
        self.phases: list[PhaseRecord] = []
        self.candidates: list[CandidateFrames] = []

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
            except Exception as error:  # noqa: BLE001 - the one boundary: a defect ends the run, not the program
                self._fail_unexpected(error, self._told(error))
            finally:
                shutil.rmtree(self.work_dir, ignore_errors=True)
                with contextlib.suppress(OSError):
                    self.work_dir.parent.rmdir()
        self.record.finished_at = now()
        self.record.queue_position = None
        self.record.memory_timeline = self.monitor.timeline()
        self.record.gpu_timeline = self.monitor.gpu_timeline()
        self._save()
        return self.record

    def _work(self) -> None:
        self.record.status, self.record.started_at = RunStatus.RUNNING, now()
        self.record.environment = environment()
        self._save()
        settings = self._resolve()
        context = self._context(settings)
        prepared = self._prepare(settings, context)
        stream = self._animate(prepared, settings, context)
        encoded = self._encode(stream, prepared, context)
        self.record.output = self._publish(encoded, self.record.run_id)
        self._judge()
        for candidate in self.candidates:
            self._keep_candidate(candidate, context)

    def _context(self, settings: Settings) -> Context:
        self.work_dir.mkdir(parents=True, exist_ok=True)
        return Context(
            seed=settings.seed,
            threads=settings.runtime.threads or os.cpu_count() or 1,
            work_dir=self.work_dir,
            report=self.listen,
            is_cancelled=self.is_cancelled,
            notify=self._notify,
            show=self.listen,
            keep=self._keep_fact,
            outputs=self.outputs,
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

    def _animate(self, image: PreparedImage, settings: Settings, context: Context) -> FrameStream:
        """Start the engine. The embedded one renders while its frames are encoded; the others come with all of them."""
        start = self.monitor.seconds()
        self.listen(Progress("animate", 0, settings.animate.num_frames))
        try:
            return Animate()(image, settings, context)
        finally:
            self._stage("animate", start, self.monitor.seconds() - start)

    def _encode(self, stream: FrameStream, image: PreparedImage, context: Context) -> EncodedVideo:
        """Encode, and on a shortage of memory once more with less, from the frames on disk or rendered again."""
        start, waited = self.monitor.seconds(), 0.0
        while True:
            settings = self._used()
            meter = QualityMeter(image.image, stream.count)
            timed = _Timed(replace(stream, frames=meter.watch(stream.frames)))
            pace = _Pace(self.listen, self.monitor.seconds)
            try:
                encoded = Encode()(replace(stream, frames=timed.frames()), settings, replace(context, report=pace))
            except Exception as error:
                step = descend_encoding(settings, RESIDENT.name) if is_out_of_memory(error) else None
                if step is None:
                    raise
                free(error)
            else:
                break
            finally:
                waited += timed.seconds
            self._encode_with_less(*step)
            again = stream.again() if stream.again is not None else Animate()(image, settings, context).frames
            stream = replace(stream, frames=again)
        self.record.quality = meter.result()
        self._wait_of_animate(waited)
        self._stage("encode", start, self.monitor.seconds() - start - waited)
        return encoded

    def _encode_with_less(self, settings: Settings, taken: DowngradeRecord) -> None:
        """Take a rung of the encoder's ladder."""
        RESIDENT.release()
        self._keep_fact(taken)
        self._keep_fact(Settled(settings))

    def _wait_of_animate(self, seconds: float) -> None:
        """Add the time that the encoder waited for frames to the stage that makes them."""
        animate = next(stage for stage in self.record.stages if stage.name == "animate")
        animate.seconds = round(animate.seconds + seconds, 3)
        peak = self.monitor.peak_bytes(0.0, self.monitor.seconds())
        if self.record.model is None:  # its frames were made just now
            animate.peak_memory_bytes = peak

    def _judge(self) -> None:
        """Say what the measures of the video suggest to try next."""
        used = self._used()
        self.record.advice = advise(self.record.quality, used, used.animate.engine != EMBEDDED)
        self._save()

    def _keep_candidate(self, candidate: CandidateFrames, context: Context) -> None:
        """Encode a candidate that was not the best one, beside the best one's video."""
        folder = self.work_dir / f"candidate_{candidate.number}"
        folder.mkdir()
        quiet = replace(context, work_dir=folder, report=lambda _: None)
        encoded = Encode()(candidate.stream, self._used(), quiet)
        output = self._publish(encoded, f"{self.record.run_id}_candidate_{candidate.number}")
        self.record.candidates = [*self.record.candidates, output]

    def _publish(self, encoded: EncodedVideo, stem: str) -> OutputRecord:
        info = encoded.info
        final = self.outputs / f"{stem}.{encoded.path.suffix.lstrip('.')}"
        publish(encoded, final)
        self._say(f"Saved {final.name}: {encoded.bytes / 1e6:.1f} MB, {info.duration:.2f} s")
        return OutputRecord(
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

    def _used(self) -> Settings:
        """The settings as used up to now: the ladder may have changed them."""
        if self.record.used is None:
            raise ValueError("the settings are not resolved yet")
        return self.record.used

    def _stage(self, name: str, start: float, seconds: float) -> None:
        now = self.monitor.seconds()
        peak = self.monitor.peak_bytes(start, now)
        of_engine = name == "animate"
        self.record.stages.append(
            StageRecord(
                name=name,
                seconds=round(seconds, 3),
                peak_memory_bytes=peak,
                peak_gpu_bytes=self.monitor.peak_gpu_bytes(start, now),
                phases=self.phases if of_engine else [],
                downgrades=[taken.rung for taken in self.record.downgrades if (taken.phase == ENCODING) != of_engine]
                if name in ("animate", "encode")
                else [],
            )
        )
        self._say(f"Stage {name}: {seconds:.2f} s, at most {peak / 1e6:.0f} MB of memory in use")
        self._save()

    def _keep_fact(self, fact: Fact) -> None:
        """Write what the engine says into the record."""
        if isinstance(fact, PhaseRecord):
            self._keep_phase(fact)
        elif isinstance(fact, DowngradeRecord):
            self.record.downgrades = [*self.record.downgrades, fact]
            self._notify(Notice(stage="animate", level="warning", message=fact.message))
        elif isinstance(fact, Settled):
            self.record.used = fact.settings.model_copy(update={"prepare": self._used().prepare})
        elif isinstance(fact, ForecastRecord):
            self.record.forecast = fact
        elif isinstance(fact, ModelRecord):
            self.record.model = fact
            packages = {**self.record.environment.packages, **diffusion_packages()}
            self.record.environment = self.record.environment.model_copy(update={"packages": packages})
        else:
            self.candidates.append(fact)
        self._save()

    def _keep_phase(self, phase: PhaseRecord) -> None:
        now = self.monitor.seconds()
        phase.peak_memory_bytes = self.monitor.peak_bytes(now - phase.seconds, now)
        self.phases.append(phase)
        self._say(f"Phase {phase.name}: {phase.seconds:.2f} s, {phase.outcome}")

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

    def _told(self, error: Exception) -> ImageToVideoError:
        """What the user is told of an error that no stage has put into words."""
        if is_out_of_memory(error):
            return OutOfMemory("Memory ran out: choose a smaller size, or close other programs.")
        if isinstance(error, OSError):
            return _outputs_error(error, self.outputs)
        return ImageToVideoError(_unexpected(error))

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
