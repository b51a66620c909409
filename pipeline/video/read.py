"""Looks into video files: what they really hold, and their frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from pipeline.errors import InvalidInput
from pipeline.frames import Frame, FrameStream
from pipeline.settings import parse_fps
from pipeline.video.convert import to_rgb

COARSE, GIF_TICK = Fraction(1, 1000), Fraction(1, 100)
"""Units in seconds of the time stamps of Matroska and gif; others are fine enough to be exact."""


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


def timed_frames(path: Path) -> Iterator[tuple[Fraction, Frame]]:
    """The frames of a video, turned upright as it asks to be shown, each with its own time in seconds from the first.

    A frame without a time of its own gets the time of the one before. Raises InvalidInput as read_frames does.
    """
    reformatter, first, last = VideoReformatter(), None, Fraction(0)
    for picture in _pictures(path):
        if picture.pts is not None and picture.time_base is not None:
            last = picture.pts * picture.time_base
            first = last if first is None else first
        turns = round(picture.rotation / 90) % 4  # counter-clockwise, as numpy turns
        yield last - (first or 0), np.ascontiguousarray(np.rot90(to_rgb(picture, reformatter), turns))


def middle_frame(path: Path) -> Frame:
    """The frame in the middle of a video: of eight, the fifth. Decodes from the key frame before it alone.

    Raises InvalidInput when the file cannot be read as a video.
    """
    info = probe(path)
    fps = info.fps or Fraction(1)  # a file without times has one frame
    try:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            tick = stream.time_base or Fraction(1)
            wanted = (stream.start_time or 0) + round(info.num_frames // 2 / fps / tick)
            file.seek(wanted, stream=stream)
            early = int(1 / fps / tick / 2)  # a coarse clock may round a frame's time down
            found = next(each for each in file.decode(stream) if each.pts is None or each.pts >= wanted - early)
            return to_rgb(found, VideoReformatter())
    except (av.error.FFmpegError, OSError, StopIteration) as error:
        raise _unreadable(path, error) from error


def _decode(path: Path) -> Iterator[Frame]:
    reformatter = VideoReformatter()
    for picture in _pictures(path):
        yield to_rgb(picture, reformatter)


def _pictures(path: Path) -> Iterator[VideoFrame]:
    try:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            stream.thread_type = "AUTO"
            yield from file.decode(stream)
    except (av.error.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from error


def _count(file: InputContainer, path: Path) -> VideoInfo:
    if not file.streams.video:
        raise InvalidInput(f"{path.name} holds no video.")
    stream = file.streams.video[0]
    count, first, last, length = 0, 0, 0, 0
    for packet in file.demux(stream):
        if packet.size and packet.pts is not None:
            first = min(first, packet.pts) if count else packet.pts
            if not count or packet.pts > last:
                last, length = packet.pts, packet.duration or 0
            count += 1
    if not count or stream.time_base is None:
        raise InvalidInput(f"{path.name} holds no frames.")
    seconds = (last + length - first) * stream.time_base
    return VideoInfo(
        width=stream.width,
        height=stream.height,
        fps=_frame_rate(count, seconds, (last - first) * stream.time_base, stream),
        num_frames=count,
        codec=stream.codec_context.codec.canonical_name,
        pixel_format=stream.codec_context.pix_fmt or "",
        duration=float(seconds),
    )


def _frame_rate(count: int, seconds: Fraction, span: Fraction, stream: VideoStream) -> Fraction:
    """The rate that the time stamps follow; `span` is the time from the first frame to the last, in seconds.

    A coarse clock rounds each time stamp, so frames by seconds is not quite the rate that was meant. A webm's header
    holds that one as a number of nanoseconds, a gif has no header; it is taken if the time stamps bear it out.
    """
    measured = count / seconds if seconds else Fraction(0)
    tick = stream.time_base or Fraction(0)
    if tick < COARSE:
        return measured
    near = stream.average_rate if tick < GIF_TICK else round(measured)
    meant = parse_fps(f"{float(near or measured):.3f}")
    return meant if meant and abs((count - 1) / meant - span) <= tick else measured


def _unreadable(path: Path, error: Exception) -> InvalidInput:
    reason = str(getattr(error, "strerror", None) or error).lower().rstrip(".")
    return InvalidInput(f"{path.name} cannot be read as a video ({reason}).")
