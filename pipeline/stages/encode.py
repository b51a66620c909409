"""The stage that turns frames into a file, and the moment that file gets its final name."""

import errno
import hashlib
import os
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pipeline.context import Context, Progress
from pipeline.errors import OutputFailed
from pipeline.frames import FrameStream
from pipeline.linking import link
from pipeline.settings import EncodeSettings, Settings
from pipeline.video import VideoInfo, container_rules, encode_frames, keeps_fps_exactly, probe, write_comment
from pipeline.video.failures import output_errors


@dataclass(frozen=True)
class EncodedVideo:
    """A finished file that has no final name yet, as its own probe found it. `bytes` is its size."""

    path: Path
    info: VideoInfo
    sha256: str
    bytes: int


class Encode:
    """Writes the stream in the format of settings.encode, while it is rendered, to a file in the work folder."""

    name = "encode"
    version = "1"

    def __call__(self, value: FrameStream, settings: Settings, context: Context) -> EncodedVideo:
        """Encode, and check that the file holds what was asked for.

        Raises OutputFailed when the file cannot be written or holds something else, OutOfMemory, Cancelled, and
        ValueError when the stream does not hold the frames it promised. Then nothing is left behind.
        """
        encode = settings.encode.model_copy(update={"fps": value.fps})
        path = context.work_dir / f"video.{encode.format}"
        _note_timing(encode, context)
        context.report(Progress(self.name, 0, value.count))
        with closing(encode_frames(value, path, encode, value.keyframes)) as progress:
            for done in progress:
                context.report(Progress(self.name, done, value.count))
                context.check_cancelled()
        try:
            return described(path, value, settings.encode)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def with_comment(encoded: EncodedVideo, film: FrameStream, settings: EncodeSettings, comment: str) -> EncodedVideo:
    """Put a comment into the finished file of a film, in place of the one that it had, if any.

    Raises OutputFailed, as for lack of room; the file is then as it was.
    """
    commented = encoded.path.with_stem("commented")
    write_comment(encoded.path, commented, settings.model_copy(update={"fps": film.fps}), comment)
    os.replace(commented, encoded.path)
    return described(encoded.path, film, settings)


def described(path: Path, film: FrameStream, settings: EncodeSettings) -> EncodedVideo:
    """Look at a finished file of a film. Raises InvalidInput and OutputFailed when it is not what was asked for."""
    info = probe(path)
    verify(info, film, settings)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return EncodedVideo(path, info, digest, path.stat().st_size)


def _note_timing(settings: EncodeSettings, context: Context) -> None:
    tick = container_rules(settings.format).tick
    if tick >= Fraction(1, 100) and not keeps_fps_exactly(settings.format, settings.fps):
        context.note(
            "encode",
            f"A gif shows each frame for a whole number of 1/100 s, so at {float(settings.fps):g} frames per second "
            "single frames stay up to 1/100 s longer or shorter; the length of the video is right.",
            setting="encode.fps",
        )


def verify(info: VideoInfo, asked: FrameStream, settings: EncodeSettings) -> None:
    """Raise OutputFailed when a finished file does not hold what was asked for."""
    rules = container_rules(settings.format)
    # A clock with ticks rounds the last frame's time stamp and its length.
    late = abs(Fraction(info.duration) - asked.count / asked.fps) > 2 * rules.tick
    rate_differs = late if rules.tick else info.fps != asked.fps
    differences = {
        f"its size is {info.width} x {info.height}": (info.width, info.height) != (asked.width, asked.height),
        f"it holds {info.num_frames} frames": info.num_frames != asked.count,
        f"it plays at {float(info.fps):g} frames per second": rate_differs,
        f"its codec is {info.codec}": info.codec != rules.codec,
    }
    wrong = [text for text, differs in differences.items() if differs]
    if wrong:
        raise OutputFailed(f"The finished file is not what was asked for: {' and '.join(wrong)}.")


def publish(encoded: EncodedVideo, final: Path) -> None:
    """Give the finished file its final name: complete or not at all, and never over another file.

    Both must be on the same file system. Raises OutputFailed when the name is taken or cannot be written.
    """
    with output_errors(final):
        try:
            _move_exclusively(encoded.path, final)
        except FileExistsError:
            raise OutputFailed(f"{final.name} exists already: nothing is overwritten.") from None


def _move_exclusively(source: Path, target: Path) -> None:
    """Rename, but raise FileExistsError where the target exists. A hard link is the portable way to do both at once."""
    if link(source, target):
        source.unlink()
        return
    # The name was claimed by the run's record, so nobody else creates the file between these two steps.
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)
