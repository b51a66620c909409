"""From a film to a file: the stages that every job has between those that make frames and the video."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PIL import Image

from pipeline.context import Context, Settled, StageFact, Way
from pipeline.errors import OutputFailed
from pipeline.frames import Frame, FrameStream
from pipeline.heap import large_arrays_returned
from pipeline.interpolation import enlarge
from pipeline.memory.encoding import descend_encoding
from pipeline.memory.recover import free, is_out_of_memory
from pipeline.models.resident import RESIDENT
from pipeline.portable import portable_text
from pipeline.quality import QualityMeter
from pipeline.records import DowngradeRecord, Notice, OutputRecord, StageRecord
from pipeline.run.journal import Journal
from pipeline.run.kept_videos import KeptVideo, KeptVideos
from pipeline.run.pace import Pace, Timed, Wait
from pipeline.settings import Settings
from pipeline.stages.encode import Encode, EncodedVideo, publish, with_comment
from pipeline.stages.enhance import Enhance
from pipeline.stages.smooth import Smooth
from pipeline.stages.style import Style

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

    def outline(self, value: FrameStream, settings: Settings) -> FrameStream:
        """The changed film's size, rate, length and key, before any work; the film itself where nothing is asked."""

    def __call__(self, value: FrameStream, settings: Settings, context: Context) -> FrameStream:
        """Return the changed film, or the film itself where nothing is to be done."""


REFINEMENTS: tuple[Refinement, ...] = (Smooth(), Enhance(), Style())
"""What all jobs do to their frames before they are encoded, in this order."""


class Finishing(Journal):
    """The part of a run that refines, encodes and publishes films, and writes down what that took."""

    maker = "animate"
    """The stage that makes the frames while they are encoded."""

    work_dir: Path

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

    @large_arrays_returned()
    def encode(self, film: FrameStream, reference: Frame, context: Context) -> EncodedVideo:
        """Refine and encode, and on a shortage of memory encode once more with less, from frames read or made again.

        `film` can be read again. `reference` is the picture that the film should begin with.
        """
        start, waited, self.at = self.monitor.seconds(), 0.0, ENCODING
        told = len(self.record.notices)
        stream, waits = self.refine(film, context)
        videos = KeptVideos(context.cache)
        kept = videos.find(stream, self.used.encode, context.work_dir, self._comment())
        if kept is not None:
            return self._take(kept, waits, start)
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
        made = KeptVideo(encoded, self.record.quality, self.record.notices[told:], is_retimed=False)
        encoded, comment = self._with_comment(encoded, stream, self._comment())
        with self._kept_if_there_is_room():
            videos.keep(stream, self.used.encode, replace(made, encoded=encoded), comment)
        self._share(waits, waited)
        self.add_stage(StageRecord(name=ENCODING, seconds=0.0), start, self.monitor.seconds() - start - waited)
        return encoded

    def _take(self, kept: KeptVideo, waits: Sequence[Wait], start: float) -> EncodedVideo:
        """Take a video from the cache, and with it all that was found out while it was made."""
        self.record.quality = dict(kept.quality)
        for notice in kept.notices:
            self.notify(notice)
        for stage in self.record.stages:
            stage.cache_hit = stage.cache_hit or stage.name == self.maker
        for wait in waits[1:]:
            way = wait.way
            entry = StageRecord(name=wait.stage, seconds=0.0, method=way.method, reason=way.reason, cache_hit=True)
            self.add_stage(entry, start, 0.0)
        what = "The frames were given other times" if kept.is_retimed else "This video was made in an earlier run"
        self.notify(Notice(stage=ENCODING, level="info", message=f"{what}: nothing was rendered or encoded."))
        entry = StageRecord(name=ENCODING, seconds=0.0, method="re-timed" if kept.is_retimed else "", cache_hit=True)
        self.add_stage(entry, start, self.monitor.seconds() - start)
        return kept.encoded

    def _comment(self, seed: int | None = None) -> str:
        """What a video says of how it was made; `seed` is that of a candidate."""
        return portable_text(self.record, seed) if self.used.encode.embed_settings else ""

    def _with_comment(self, encoded: EncodedVideo, film: FrameStream, comment: str) -> tuple[EncodedVideo, str]:
        """The video with a comment, and the comment; without one where there is no room for it, which is said."""
        if comment:
            try:
                return with_comment(encoded, film, self.used.encode, comment), comment
            except OutputFailed as error:
                message = f"The video does not carry its settings. {error}"
                self.notify(Notice(stage=ENCODING, level="warning", message=message))
        return encoded, ""

    @contextlib.contextmanager
    def _kept_if_there_is_room(self) -> Iterator[None]:
        """Go on where there is no room to keep something for later runs, and say so."""
        try:
            yield
        except OSError as error:
            message = f"The video is not kept for later runs: {error.strerror or error}."
            self.notify(Notice(stage=ENCODING, level="warning", message=message))

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
        self.say(f"Stage {maker.name}: {maker.seconds:.2f} s with the time that encoding waited for its frames")

    def publish(self, encoded: EncodedVideo) -> None:
        """Give the finished video its final name below the outputs.

        Its record says first what it will be, so that whoever finds both knows that the run had come to its end.
        """
        record = self.record
        record.output = _output(encoded, record.run_id)
        self.save()
        try:
            self._publish(encoded, record.output)
        except BaseException:
            record.output = None
            raise

    def _publish(self, encoded: EncodedVideo, output: OutputRecord) -> None:
        publish(encoded, self.outputs / output.path)
        self.say(f"Saved {output.path}: {output.bytes / 1e6:.1f} MB, {output.duration:.2f} s")

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
            film = self.refine(candidate.stream, quiet)[0]
            encoded, _ = self._with_comment(Encode()(film, self.used, quiet), film, self._comment(candidate.seed))
            output = _output(encoded, f"{self.record.run_id}_candidate_{candidate.number}")
            self._publish(encoded, output)
            self.record.candidates = [*self.record.candidates, output]


def _output(encoded: EncodedVideo, stem: str) -> OutputRecord:
    """What a record says of a finished file that gets this name."""
    info = encoded.info
    return OutputRecord(
        path=f"{stem}{encoded.path.suffix}",
        sha256=encoded.sha256,
        width=info.width,
        height=info.height,
        fps=info.fps,
        num_frames=info.num_frames,
        codec=info.codec,
        duration=info.duration,
        bytes=encoded.bytes,
    )
