"""A streaming, append-only encoder: memory does not grow with the duration."""

import os
from collections.abc import Collection, Generator, Iterable, Iterator
from contextlib import closing, nullcontext, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc
from av.video.stream import VideoStream

from pipeline.choices import VideoFormat
from pipeline.frames import Frame, FrameStream
from pipeline.settings import EncodeSettings
from pipeline.video.codecs import codec_options
from pipeline.video.containers import container_rules
from pipeline.video.convert import BT709, PaletteConverter, YuvConverter
from pipeline.video.failures import output_errors

CLOCK = Fraction(25)
"""Frames per second that x264 is told, whatever the rate: the same frames then give the same packets at every rate,
and `retime` what would be written at the new one. Told the rate, it spends more on frames that are shown longer than at
this one, the BASE_FRAME_DURATION of its ratecontrol.c."""

THREAD_STACK = 8_400_000
"""Address space of a thread's stack in bytes, with its guard, as Linux has it by default."""


class VideoWriter:
    """Writes frames to a new file, one after the other, at a constant frame rate.

    `settings.fps` is the rate; `keyframes` are the indices of frames that must be decodable without any other (the
    first always is). The same frames and settings give the same bytes. As a context manager it closes the file at the
    end of the block, and removes it when the block raises. Raises OutputFailed when the file cannot be written,
    OutOfMemory when the encoder gets no memory, and ValueError for sizes that the container cannot hold: nothing is
    resized here.
    """

    def __init__(
        self, path: Path, width: int, height: int, settings: EncodeSettings, keyframes: Collection[int] = ()
    ) -> None:
        rules = container_rules(settings.format)
        if width % rules.size_multiple or height % rules.size_multiple:
            raise ValueError(f"{settings.format} needs sides that are multiples of {rules.size_multiple}")
        self._path, self._shape = path, (height, width, 3)
        self._time_base = 1 / settings.fps
        self._clock = CLOCK if settings.format is VideoFormat.MP4 else settings.fps
        self._keyframes = keyframes
        self._count = 0
        self._converter = _converter(width, height, settings)
        with output_errors(path):
            if settings.format is VideoFormat.MP4:
                _check_room(width * height, settings.threads)
            self._file = open_output(path, settings.format)
            self._stream = add_stream(self._file, width, height, settings, self._clock)

    def append(self, frame: Frame) -> None:
        """Encode one more frame: uint8, height x width x 3, RGB. It is read before this returns and not kept."""
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise ValueError(
                f"frame {self._count} is {frame.dtype} {frame.shape}, but the video takes uint8 {self._shape}"
            )
        picture = VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame), format="rgb24")
        picture.pts, picture.time_base, picture.duration = self._count, 1 / self._clock, 1
        with output_errors(self._path):
            self._encode(self._converter.convert(picture))
        self._count += 1

    def close(self) -> None:
        """Write what is still held back and finish the file. Raises as the class says, and then removes the file."""
        try:
            with output_errors(self._path):
                self._encode(self._converter.finish())
                self._mux(self._stream.encode(None))
                self._file.close()
                flush_to_disk(self._path)
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Remove the unfinished file."""
        self._path.unlink(missing_ok=True)  # first, so that the end of a file without a name is not worked out
        with suppress(av.error.FFmpegError, OSError):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _encode(self, pictures: Iterator[VideoFrame]) -> None:
        for picture in pictures:
            if picture.pts in self._keyframes:
                picture.pict_type = PictureType.I
            self._mux(self._stream.encode(picture))

    def _mux(self, packets: "Iterable[Packet[VideoStream]]") -> None:
        for packet in packets:
            if self._clock != 1 / self._time_base:
                packet.time_base, packet.duration = self._time_base, 1
            self._file.mux(packet)


def write_video(stream: FrameStream, path: Path, settings: EncodeSettings, keyframes: Collection[int] = ()) -> None:
    """Write a whole stream to a new file, at the stream's own rate, and close the stream whatever happens.

    Raises as VideoWriter does, and ValueError when the stream does not hold the frames it promised.
    """
    settings = settings.model_copy(update={"fps": stream.fps})
    for _ in encode_frames(stream, path, settings, keyframes):
        pass


def encode_frames(
    stream: FrameStream, path: Path, settings: EncodeSettings, keyframes: Collection[int] = ()
) -> Generator[int]:
    """Write a stream to a new file, yielding the number of frames written after each one.

    The file is complete when the generator is exhausted, and removed when it is closed before that or raises. Raises as
    write_video does.
    """
    frames = stream.frames
    closable = closing(frames) if isinstance(frames, Generator) else nullcontext()
    with closable, VideoWriter(path, stream.width, stream.height, settings, keyframes) as writer:
        done = 0
        for done, frame in enumerate(frames, start=1):
            if done > stream.count:
                raise ValueError(f"the stream holds more than the {stream.count} frames it promised")
            writer.append(frame)
            yield done
        if done < stream.count:
            raise ValueError(f"the stream ended after {done} of the {stream.count} frames it promised")


def open_output(path: Path, kind: VideoFormat, comment: str = "") -> OutputContainer:
    """Create a new video file, mp4 or webm with a comment. Raises FileExistsError: nothing is overwritten."""
    # Without bitexact, Matroska writes random identifiers. The box of bit rates would hold that of the encoder's clock.
    mp4 = {"movflags": "+faststart", "write_btrt": "0"}
    options = {"fflags": "+bitexact"} | (mp4 if kind is VideoFormat.MP4 else {})
    path.touch(exist_ok=False)
    file = av.open(str(path), "w", format=container_rules(kind).muxer, container_options=options)
    if comment:
        file.metadata["comment"] = comment
    return file


def add_stream(
    file: OutputContainer, width: int, height: int, settings: EncodeSettings, clock: Fraction
) -> VideoStream:
    """The stream of a file that is written: frames are encoded as `settings` say, `clock` of them a second."""
    rules = container_rules(settings.format)
    options = codec_options(settings, width, height)
    stream = cast(VideoStream, file.add_stream(rules.encoder, rate=settings.fps, options=options))
    stream.width, stream.height, stream.pix_fmt = width, height, rules.pixel_format
    context = stream.codec_context
    context.framerate, context.time_base, stream.time_base = clock, 1 / clock, 1 / settings.fps
    context.thread_count = settings.threads
    context.thread_type = "FRAME"  # slices, PyAV's default, cost quality and are slower
    if rules.pixel_format == "yuv420p":
        context.colorspace, context.color_range = BT709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return stream


def _check_room(pixels: int, threads: int) -> None:
    """Raise MemoryError where there is no room to open x264: it never gives back what it had when opening failed.

    Measured at 512x512 and 1280x704 with 1 to 32 threads: 50 bytes a pixel, and for each further thread 20 bytes a
    pixel beside its stack.
    """
    np.empty(50 * pixels + (threads - 1) * (20 * pixels + THREAD_STACK), np.uint8)


def _converter(width: int, height: int, settings: EncodeSettings) -> YuvConverter | PaletteConverter:
    if settings.format is not VideoFormat.GIF:
        return YuvConverter()
    return PaletteConverter(width, height, 1 / Fraction(settings.fps))


def flush_to_disk(path: Path) -> None:
    """Wait until the file is on the disk: some file systems notice only now that there is no room."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
