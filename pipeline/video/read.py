"""Looks into video files: what they really hold, and their frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from pipeline.errors import InvalidInput
from pipeline.frames import Frame, FrameStream
from pipeline.video.convert import to_rgb


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds, counted and not taken from its header. `duration` is in seconds."""

    width: int
    height: int
    fps: Fraction
    num_frames: int
    codec: str
    pixel_format: str
    duration: float


def probe(path: Path) -> VideoInfo:
    """Read every packet of a video and say what the file holds; nothing is decoded, so this is quick.

    Raises InvalidInput when the file cannot be read as a video.
    """
    try:
        with av.open(str(path)) as file:
            return _count(file, path)
    except (av.error.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from error


def read_frames(path: Path) -> FrameStream:
    """Open a video as a stream of RGB frames, decoded while they are read.

    Raises InvalidInput when the file cannot be read as a video; the iterator does so at the first damaged frame.
    """
    info = probe(path)
    return FrameStream(_decode(path), info.width, info.height, info.fps, info.num_frames)


def _decode(path: Path) -> Iterator[Frame]:
    reformatter = VideoReformatter()
    try:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            stream.thread_type = "AUTO"
            for picture in file.decode(stream):
                yield to_rgb(picture, reformatter)
    except (av.error.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from error


def _count(file: InputContainer, path: Path) -> VideoInfo:
    if not file.streams.video:
        raise InvalidInput(f"{path.name} holds no video.")
    stream = file.streams.video[0]
    count, first, end = 0, None, 0
    for packet in file.demux(stream):
        if packet.size == 0 or packet.pts is None:
            continue
        count += 1
        first = packet.pts if first is None else min(first, packet.pts)
        end = max(end, packet.pts + (packet.duration or 0))
    if not count or first is None or stream.time_base is None:
        raise InvalidInput(f"{path.name} holds no frames.")
    seconds = (end - first) * stream.time_base
    return VideoInfo(
        width=stream.width,
        height=stream.height,
        fps=_frame_rate(count, seconds, stream),
        num_frames=count,
        codec=stream.codec_context.codec.canonical_name,
        pixel_format=stream.codec_context.pix_fmt or "",
        duration=float(seconds),
    )


def _frame_rate(count: int, seconds: Fraction, stream: VideoStream) -> Fraction:
    """The rate in the header where the time stamps bear it out to one tick of the file's clock, else frames/seconds."""
    named, tick = stream.average_rate, stream.time_base
    if named and tick and abs(count / named - seconds) <= tick:
        return named
    return Fraction(count) / seconds if seconds else Fraction(0)


def _unreadable(path: Path, error: Exception) -> InvalidInput:
    reason = str(getattr(error, "strerror", None) or error).lower().rstrip(".")
    return InvalidInput(f"{path.name} cannot be read as a video ({reason}).")
