"""The comment that a video file carries: text beside the frames, which players pass over and other programs show.

An mp4 keeps it in its `moov` box (the `©cmt` tag), a webm in a `COMMENT` tag, a gif in a comment extension; always
before the first frame, so that the beginning of a file is enough to read it.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import av

from pipeline.choices import VideoFormat
from pipeline.errors import InvalidInput
from pipeline.settings import EncodeSettings
from pipeline.video.failures import output_errors
from pipeline.video.read import probe
from pipeline.video.retime import copy_packets, retime
from pipeline.video.write import add_stream, flush_to_disk, open_output

LONGEST = 1_000_000
"""Characters that are read of a comment; ours take a few thousand."""

_GIF_HEAD = 13
"""Bytes of a gif's header and logical screen descriptor, which its colours follow."""

_GIF_COMMENT, _GIF_BLOCK = b"\x21\xfe", 255
"""What a comment extension begins with, and the most bytes of each of its blocks."""


def write_comment(source: Path, target: Path, settings: EncodeSettings, comment: str) -> None:
    """Copy a video in the format of `settings` to a new file with another comment: ASCII text, or none.

    The encoded frames and their times stay as they are, so the same video and comment give the same file. Raises
    InvalidInput when the source is no such video, OutputFailed when the target exists or cannot be written; then
    nothing is left behind.
    """
    if settings.format is VideoFormat.MP4:
        retime(source, target, probe(source).fps, comment)
        return
    with output_errors(target):
        if settings.format is VideoFormat.WEBM:
            _write_webm(source, target, settings, comment)
        else:
            _write_gif(source, target, comment)


def _write_webm(source: Path, target: Path, settings: EncodeSettings, comment: str) -> None:
    output = open_output(target, VideoFormat.WEBM, comment)
    with _removed_on_failure(target):
        with output, av.open(str(source), format="webm") as file:
            picture = file.streams.video[0]
            # One made from a template would lack the rate, and with it the length of the last frame.
            stream = add_stream(output, picture.width, picture.height, settings, settings.fps)
            copy_packets(file, output, stream, settings.fps, settings.fps)
        flush_to_disk(target)


def _write_gif(source: Path, target: Path, comment: str) -> None:
    with target.open("xb") as copy, _removed_on_failure(target), source.open("rb") as gif:
        _copy_gif(gif, copy, comment.encode("ascii"))
        copy.flush()
        os.fsync(copy.fileno())


@contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _copy_gif(gif: BinaryIO, copy: BinaryIO, comment: bytes) -> None:
    """Copy with a comment before the first frame; some readers take one behind the last frame for a frame."""
    copy.write(_gif_head(gif))
    if comment:
        blocks = (comment[start : start + _GIF_BLOCK] for start in range(0, len(comment), _GIF_BLOCK))
        copy.write(_GIF_COMMENT + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0")
    start = gif.tell()
    if gif.read(2) == _GIF_COMMENT:
        while (length := gif.read(1)) not in (b"", b"\0"):
            gif.seek(length[0], 1)
    else:
        gif.seek(start)
    shutil.copyfileobj(gif, copy)


def _gif_head(gif: BinaryIO) -> bytes:
    """The header with the colours that all frames share."""
    head = gif.read(_GIF_HEAD)
    if len(head) < _GIF_HEAD or not head.startswith(b"GIF8"):
        raise InvalidInput("This is no gif.")
    packed = head[10]
    return head + (gif.read(3 * 2 ** ((packed & 7) + 1)) if packed & 0x80 else b"")


def read_comment(path: Path) -> str:
    """The comment of an mp4, webm or gif, or of what is cut off behind its beginning; "" where there is none.

    Raises InvalidInput when the file is none of these or damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
            if head.startswith(b"GIF8"):
                file.seek(0)
                return _gif_comment(file)
        # Named, for FFmpeg's guess might be a playlist, which leads it to other files.
        demuxer = "mp4" if head[4:8] == b"ftyp" else "webm" if head.startswith(b"\x1a\x45\xdf\xa3") else None
        if demuxer is None:
            raise InvalidInput(f"{path.name} is no mp4, webm or gif.")
        with av.open(str(path), format=demuxer, metadata_errors="replace") as video:
            found = {name.lower(): text for name, text in video.metadata.items()}
            return found.get("comment", "")[:LONGEST]
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InvalidInput(f"{path.name} cannot be read as a video.") from error


def _gif_comment(gif: BinaryIO) -> str:
    _gif_head(gif)
    found = b""
    if gif.read(2) == _GIF_COMMENT:
        while (length := gif.read(1)) not in (b"", b"\0") and len(found) < LONGEST:
            found += gif.read(length[0])
    return found.decode("ascii", "replace")
