"""What every run does around its stages: it keeps the record, measures, cleans up, and puts failures into words."""

import contextlib
import hashlib
import os
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from PIL import Image

from pipeline.catalogue import get_card, model_names
from pipeline.context import CandidateFrames, Context, Event, Fact, LogLine, Progress, Settled, StageFact, Way
from pipeline.control import open_driving
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
from pipeline.frames import Frame, FrameStream
from pipeline.images import probe
from pipeline.interpolation import enlarge
from pipeline.logs import FILE_NAME, run_logger
from pipeline.memory.encoding import descend_encoding
from pipeline.memory.monitor import MemoryMonitor
from pipeline.memory.recover import free, is_out_of_memory
from pipeline.models.resident import RESIDENT
from pipeline.quality import QualityMeter
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
    write_record,
)
from pipeline.settings import Settings
from pipeline.stages.encode import Encode, EncodedVideo, publish
from pipeline.stages.enhance import Enhance
from pipeline.stages.smooth import Smooth
from pipeline.stages.style import Style
from pipeline.threads import limited_threads

Listener = Callable[[Event], None]

ENCODING = "encode"
"""Name of the phase that the encoder's own rungs are taken in."""


class Refinement(Protocol):
    """A stage that changes finished frames on their way to the encoder."""

    @property
    def name(self) -> str:
        """As records call it."""

    def way(self, settings: Settings) -> Way:
        """Which way it takes with these settings."""

    def __call__(self, value: FrameStream, settings: Settings, context: Context) -> FrameStream:
        """Return the changed film, or the film itself where nothing is to be done."""


REFINEMENTS: tuple[Refinement, ...] = (Smooth(), Enhance(), Style())
"""What all jobs do to their frames before they are encoded, in this order."""

WORK = ".work"
"""Folder below the outputs that holds what is not finished yet."""


def driving_videos(settings: Settings, images: int = 1) -> tuple[Path, ...]:
    """The driving video, where there is one and the engine takes it: it drives a single image."""
    engine, video = settings.animate.engine, settings.animate.control.video
    if video is None or images > 1 or engine not in model_names():
        return ()
    return (video,) if get_card(engine).can.control_video else ()


def outputs_error(error: OSError, outputs: Path) -> ImageToVideoError:
    """What the user is told where the outputs folder cannot be written."""
    if is_disk_full(error):
        return OutputFailed(f"The disk that holds {outputs} is full: free some space or choose another with --outputs.")
    reason = (error.strerror or str(error)).lower()
    return InvalidSetting(f"The outputs folder {outputs} cannot be used ({reason}): choose another with --outputs.")


class Runner(ABC):
    """One run under way. A job says in `work` which stages it has, and in which order."""

    maker = "animate"
    """The stage that makes the frames while they are encoded."""

    def __init__(
        self,
        record: RunRecord,
        images: Sequence[Path],
        outputs: Path,
        listen: Listener,
        is_cancelled: Callable[[], bool],
    ) -> None:
        self.record, self.images, self.outputs = record, tuple(images), outputs
        self.listen, self.is_cancelled = listen, is_cancelled
        self.log = run_logger(record.run_id)
        self.monitor = MemoryMonitor()
        self.work_dir = outputs / WORK / record.run_id
        self.phases: list[PhaseRecord] = []
        self.candidates: list[CandidateFrames] = []
        self._facts: dict[str, StageFact] = {}
        self._told_downgrades = 0
        self._at = ""

    def finish(self) -> RunRecord:
        """Run the stages, turn whatever happens into the record's status, and clean up."""
        with self.monitor, limited_threads(self.record.requested.runtime.threads):
            try:
                self.record.status, self.record.started_at = RunStatus.RUNNING, now()
                self.record.environment = environment()
                self.save()
                self.work()
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
        self.save()
        return self.record

    @abstractmethod
    def work(self) -> None:
        """Run the stages up to the finished video."""

    @property
    def used(self) -> Settings:
        """The settings as used up to now: the memory ladder may have changed them."""
        if self.record.used is None:
            raise ValueError("the settings are not resolved yet")
        return self.record.used

    # --- inputs and settings ------------------------------------------------------------------------------------------

    def keep_inputs(self, asked: Settings) -> Settings:
        """Check the inputs' headers and keep the inputs; return the settings with the masks that are kept.

        The record's inputs are the images and, after them, the masks and the driving video. That one is not copied: its
        digest tells whether it is still the same.
        """
        masks = asked.prepare.masks
        kept = []
        driving = [entry for entry in self.record.inputs if entry.role == "driving_video"]
        pictures = [entry for entry in self.record.inputs if entry.role != "driving_video"]
        for path, entry in zip((*self.images, *masks), pictures, strict=True):
            info = probe(path, asked.prepare.max_megapixels, asked.prepare.max_file_mb)
            if entry.role != "mask":
                entry.width, entry.height = info.width, info.height
                self.say(f"Image {entry.name}: {info.width} x {info.height} pixels, {info.format}")
            entry.path, entry.sha256 = self._keep_input(path)
            kept.append(Path(entry.path))
        prepare = asked.prepare.model_copy(update={"masks": tuple(kept[len(self.images) :])})
        settings = asked.model_copy(update={"prepare": prepare})
        for path, entry in zip(driving_videos(asked, len(self.images)), driving, strict=True):
            settings = self._with_driving_video(settings, path, entry)
        return settings

    def _with_driving_video(self, settings: Settings, path: Path, entry: InputRecord) -> Settings:
        """Write down which video it is; the settings then name its full path. Raises InvalidInput as `open_driving`."""
        found = open_driving(path, settings.prepare)
        entry.width, entry.height, entry.path = found.width, found.height, str(path.absolute())
        with path.open("rb") as file:
            entry.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self.say(f"Driving video {entry.name}: {found.width} x {found.height} pixels")
        control = settings.animate.control.model_copy(update={"video": path.absolute()})
        return settings.model_copy(update={"animate": settings.animate.model_copy(update={"control": control})})

    def _keep_input(self, path: Path) -> tuple[str, str]:
        try:
            return keep_input(path, self.outputs)
        except OSError as error:
            if is_disk_full(error):
                raise
            raise InvalidImage(f"{path.name} cannot be read: {error.strerror or error}.") from error

    def settle(self, settings: Settings, notices: Sequence[Notice] = ()) -> None:
        """Write the settings that are used from now on into the record, and say what was changed."""
        for notice in notices:
            self.notify(notice)
        self.record.used = settings
        self.save()

    def context(self, settings: Settings) -> Context:
        """What the stages of this run are given."""
        self.work_dir.mkdir(parents=True, exist_ok=True)
        return Context(
            seed=settings.seed,
            threads=settings.runtime.threads or os.cpu_count() or 1,
            work_dir=self.work_dir,
            report=self.listen,
            is_cancelled=self.is_cancelled,
            notify=self.notify,
            show=self.listen,
            keep=self.keep_fact,
            outputs=self.outputs,
        )

    # --- stages -------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[StageRecord]:
        """Measure a stage and write it into the record when it ends; the block fills in what it has to say.

        `total` is the number of steps that its progress starts with.
        """
        start, self._at = self.monitor.seconds(), name
        entry = StageRecord(name=name, seconds=0.0)
        self.listen(Progress(name, 0, total))
        try:
            yield entry
        finally:
            self._add_stage(entry, start, self.monitor.seconds() - start)

    def _add_stage(self, entry: StageRecord, start: float, seconds: float) -> None:
        """Write a stage that began at `start` and took `seconds` into the record."""
        end = self.monitor.seconds()
        peak = self.monitor.peak_bytes(start, end)
        entry.seconds, entry.peak_memory_bytes = round(seconds, 3), peak
        entry.peak_gpu_bytes = self.monitor.peak_gpu_bytes(start, end)
        entry.phases, self.phases = self.phases, []
        entry.downgrades = [taken.rung for taken in self.record.downgrades[self._told_downgrades :]]
        self._told_downgrades = len(self.record.downgrades)
        self.record.stages = [*self.record.stages, entry]
        self.say(f"Stage {entry.name}: {seconds:.2f} s, at most {peak / 1e6:.0f} MB of memory in use")
        self.save()

    def refine(self, stream: FrameStream, context: Context) -> tuple[FrameStream, list["_Wait"]]:
        """Hand frames through the stages that every job has between those that make them and the encoder.

        They work while the frames are encoded; one that has nothing to do stands in no record. Also returned is who
        makes frames, and how long the next one waits for them, up to the last but one.
        """
        maker, way, waits = self.maker, Way("", ""), []
        for stage in REFINEMENTS:
            timed = _Timed(stream)
            given = replace(stream, frames=timed.frames())
            refined = stage(given, self.used, context)
            if refined is not given:
                waits.append(_Wait(maker, way, timed))
                maker, way, stream = stage.name, stage.way(self.used), refined
        return stream, [*waits, _Wait(maker, way)]

    def encode(self, made: FrameStream, reference: Frame, context: Context) -> EncodedVideo:
        """Refine and encode, and on a shortage of memory encode once more with less, from frames read or made again.

        `made` can be read again. `reference` is the picture that the film should begin with.
        """
        start, waited, self._at = self.monitor.seconds(), 0.0, ENCODING
        stream, waits = self.refine(made, context)
        reference = enlarge(reference, stream.width, stream.height)
        while True:
            settings = self.used
            meter = QualityMeter(reference, stream.count)
            timed = _Timed(replace(stream, frames=meter.watch(stream.frames)))
            pace = _Pace(self.listen, self.monitor.seconds)
            try:
                encoded = Encode()(replace(stream, frames=timed.frames()), settings, replace(context, report=pace))
            except Exception as error:
                step = descend_encoding(settings, RESIDENT.name) if is_out_of_memory(error) else None
                if step is None or stream.again is None:
                    raise
                free(error)
            else:
                break
            finally:
                waited += timed.seconds
            self._encode_with_less(*step)
            stream = replace(stream, frames=stream.again())
        self.record.quality = meter.result()
        self._share(waits, waited)
        self._add_stage(StageRecord(name=ENCODING, seconds=0.0), start, self.monitor.seconds() - start - waited)
        return encoded

    def _encode_with_less(self, settings: Settings, taken: DowngradeRecord) -> None:
        """Take a rung of the encoder's ladder."""
        RESIDENT.release()
        self.keep_fact(taken)
        self.keep_fact(Settled(settings))

    def _share(self, waits: Sequence["_Wait"], waited: float) -> None:
        """Give the time that the encoder waited for frames to the stages that they come from."""
        before = 0.0
        for wait in waits:
            until = waited if wait.timed is None else wait.timed.seconds
            if wait is waits[0]:
                self._wait_of_maker(until)
            else:
                found = self._facts.get(wait.stage, StageFact(wait.stage, wait.way, {}))
                entry = StageRecord(name=wait.stage, seconds=0.0, method=found.way.method, reason=found.way.reason)
                entry.artifacts = found.artifacts
                self._add_stage(entry, 0.0, max(0.0, until - before))
            before = until

    def _wait_of_maker(self, seconds: float) -> None:
        """Add the time that the next stage waited for frames to the stage that makes them."""
        maker = next(stage for stage in self.record.stages if stage.name == self.maker)
        maker.seconds = round(maker.seconds + seconds, 3)
        if self.record.model is None:  # its frames were made just now
            maker.peak_memory_bytes = self.monitor.peak_bytes(0.0, self.monitor.seconds())

    def publish(self, encoded: EncodedVideo, stem: str) -> OutputRecord:
        """Give a finished file its name below the outputs, and say what it is."""
        info = encoded.info
        final = self.outputs / f"{stem}.{encoded.path.suffix.lstrip('.')}"
        publish(encoded, final)
        self.say(f"Saved {final.name}: {encoded.bytes / 1e6:.1f} MB, {info.duration:.2f} s")
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

    def keep_picture(self, picture: Frame, name: str) -> str:
        """Keep a picture beside the record; return its file name."""
        path = self.outputs / f"{self.record.run_id}_{name}.jpg"
        partial = self.work_dir / path.name
        Image.fromarray(picture).save(partial, quality=90)
        os.replace(partial, path)
        return path.name

    def publish_candidates(self, context: Context) -> None:
        """Encode the candidates that were not the best one, beside the best one's video."""
        for candidate in self.candidates:
            folder = self.work_dir / f"candidate_{candidate.number}"
            folder.mkdir()
            quiet = replace(context, work_dir=folder, report=lambda _: None)
            encoded = Encode()(self.refine(candidate.stream, quiet)[0], self.used, quiet)
            output = self.publish(encoded, f"{self.record.run_id}_candidate_{candidate.number}")
            self.record.candidates = [*self.record.candidates, output]

    # --- the record ---------------------------------------------------------------------------------------------------

    def keep_fact(self, fact: Fact) -> None:
        """Write what a stage says into the record."""
        if isinstance(fact, PhaseRecord):
            self._keep_phase(fact)
        elif isinstance(fact, DowngradeRecord):
            self.record.downgrades = [*self.record.downgrades, fact]
            self.notify(Notice(stage=self._at, level="warning", message=fact.message))
        elif isinstance(fact, Settled):
            self.record.used = fact.settings.model_copy(update={"prepare": self.used.prepare})
        elif isinstance(fact, ForecastRecord):
            self.record.forecast = fact
        elif isinstance(fact, ModelRecord):
            self.record.model = fact
            packages = {**self.record.environment.packages, **diffusion_packages()}
            self.record.environment = self.record.environment.model_copy(update={"packages": packages})
        elif isinstance(fact, StageFact):
            self._facts[fact.stage] = fact
        else:
            self.candidates.append(fact)
        self.save()

    def _keep_phase(self, phase: PhaseRecord) -> None:
        end = self.monitor.seconds()
        phase.peak_memory_bytes = self.monitor.peak_bytes(end - phase.seconds, end)
        self.phases.append(phase)
        self.say(f"Phase {phase.name}: {phase.seconds:.2f} s, {phase.outcome}")

    def notify(self, notice: Notice) -> None:
        """Say something on the page, on the command line and in the record."""
        self.record.notices = [*self.record.notices, notice]
        self.log.log(30 if notice.level == "warning" else 20, notice.message)
        self.listen(notice)

    def say(self, message: str) -> None:
        """Write a line into the log, and show it."""
        self.log.info(message)
        self.listen(LogLine("info", message))

    def save(self) -> None:
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
            return outputs_error(error, self.outputs)
        return ImageToVideoError(_unexpected(error))

    def _fail_unexpected(self, error: Exception, told: ImageToVideoError) -> None:
        self.log.error("The run ended unexpectedly", exc_info=error)
        self._fail(told, RunStatus.FAILED)


def _unexpected(error: Exception) -> str:
    return f"Something unexpected went wrong ({type(error).__name__}): the details are in logs/{FILE_NAME}."


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


@dataclass(frozen=True)
class _Wait:
    """Which stage makes frames, in which way, and how long its reader waited; None where that is the encoder."""

    stage: str
    way: Way
    timed: _Timed | None = None


class _Pace:
    """Adds the seconds left to the progress of the encoder, from the pace so far."""

    def __init__(self, listen: Listener, clock: Callable[[], float]) -> None:
        self._listen, self._clock, self._start = listen, clock, clock()

    def __call__(self, progress: Progress) -> None:
        elapsed = self._clock() - self._start
        left = elapsed / progress.done * (progress.total - progress.done) if progress.done else None
        self._listen(replace(progress, seconds_left=left))
