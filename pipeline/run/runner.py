"""What every run does around its stages: it keeps the record, measures, cleans up, and puts failures into words."""

import contextlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PIL import Image

from pipeline.context import Context, LogLine, Settled, StageFact, Way
from pipeline.environment import environment
from pipeline.errors import Cancelled, ImageToVideoError, InvalidSetting, OutOfMemory, OutputFailed, is_disk_full
from pipeline.frames import Frame, FrameStream
from pipeline.interpolation import enlarge
from pipeline.logs import FILE_NAME
from pipeline.memory.encoding import descend_encoding
from pipeline.memory.recover import free, is_out_of_memory
from pipeline.models.resident import RESIDENT
from pipeline.quality import QualityMeter
from pipeline.records import DowngradeRecord, ErrorRecord, OutputRecord, RunRecord, RunStatus, StageRecord, now
from pipeline.run.inputs import keep_inputs
from pipeline.run.journal import Journal, Listener
from pipeline.run.pace import Pace, Timed, Wait
from pipeline.settings import Settings
from pipeline.stages.encode import Encode, EncodedVideo, publish
from pipeline.stages.enhance import Enhance
from pipeline.stages.smooth import Smooth
from pipeline.stages.style import Style
from pipeline.threads import limited_threads

ENCODING = "encode"
"""Name of the phase that the encoder's own rungs are taken in."""


class Refinement(Protocol):
    """A stage that changes finished frames on their way to the encoder."""

    @property
    def name(self) -> str:
        """As records call it."""

    def way(self, settings: Settings) -> Way:
        """Which way it takes with these settings."""

    def check(self, settings: Settings) -> None:
        """Raise before anything is computed what would end the run at this stage: wrong names, missing weights."""

    def __call__(self, value: FrameStream, settings: Settings, context: Context) -> FrameStream:
        """Return the changed film, or the film itself where nothing is to be done."""


REFINEMENTS: tuple[Refinement, ...] = (Smooth(), Enhance(), Style())
"""What all jobs do to their frames before they are encoded, in this order."""

WORK = ".work"
"""Folder below the outputs that holds what is not finished yet."""


def outputs_error(error: OSError, outputs: Path) -> ImageToVideoError:
    """What the user is told where the outputs folder cannot be written."""
    if is_disk_full(error):
        return OutputFailed(f"The disk that holds {outputs} is full: free some space or choose another with --outputs.")
    reason = (error.strerror or str(error)).lower()
    return InvalidSetting(f"The outputs folder {outputs} cannot be used ({reason}): choose another with --outputs.")


class Runner(Journal, ABC):
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
        super().__init__(record, outputs, listen)
        self.images, self.is_cancelled = tuple(images), is_cancelled
        self.work_dir = outputs / WORK / record.run_id

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

    def keep_inputs(self, asked: Settings) -> Settings:
        """Keep the inputs and check what can be checked before anything is computed; see `inputs.keep_inputs`.

        Raises InvalidSetting and ModelMissing for what one of the later stages could not work with.
        """
        settings = keep_inputs(self.images, asked, self.record.inputs, self.outputs, self.say)
        for stage in REFINEMENTS:
            stage.check(settings)
        return settings

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

    def refine(self, stream: FrameStream, context: Context) -> tuple[FrameStream, list[Wait]]:
        """Hand frames through the stages that every job has between those that make them and the encoder.

        They work while the frames are encoded; one that has nothing to do stands in no record. Also returned is who
        makes frames, and how long the next one waits for them, up to the last but one.
        """
        maker, way, waits = self.maker, Way("", ""), []
        for stage in REFINEMENTS:
            timed = Timed(stream)
            given = replace(stream, frames=timed.frames())
            refined = stage(given, self.used, context)
            if refined is not given:
                waits.append(Wait(maker, way, timed))
                maker, way, stream = stage.name, stage.way(self.used), refined
        return stream, [*waits, Wait(maker, way)]

    def encode(self, made: FrameStream, reference: Frame, context: Context) -> EncodedVideo:
        """Refine and encode, and on a shortage of memory encode once more with less, from frames read or made again.

        `made` can be read again. `reference` is the picture that the film should begin with.
        """
        start, waited, self.at = self.monitor.seconds(), 0.0, ENCODING
        stream, waits = self.refine(made, context)
        reference = enlarge(reference, stream.width, stream.height)
        while True:
            settings = self.used
            meter = QualityMeter(reference, stream.count)
            timed = Timed(replace(stream, frames=meter.watch(stream.frames)))
            pace = Pace(self.listen, self.monitor.seconds)
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
        self.add_stage(StageRecord(name=ENCODING, seconds=0.0), start, self.monitor.seconds() - start - waited)
        return encoded

    def _encode_with_less(self, settings: Settings, taken: DowngradeRecord) -> None:
        """Take a rung of the encoder's ladder."""
        RESIDENT.release()
        self.keep_fact(taken)
        self.keep_fact(Settled(settings))

    def _share(self, waits: Sequence[Wait], waited: float) -> None:
        """Give the time that the encoder waited for frames to the stages that they come from."""
        before = 0.0
        for wait in waits:
            until = waited if wait.timed is None else wait.timed.seconds
            if wait is waits[0]:
                self._wait_of_maker(until)
            else:
                found = self.facts.get(wait.stage, StageFact(wait.stage, wait.way, {}))
                entry = StageRecord(name=wait.stage, seconds=0.0, method=found.way.method, reason=found.way.reason)
                entry.artifacts = found.artifacts
                self.add_stage(entry, 0.0, max(0.0, until - before))
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
