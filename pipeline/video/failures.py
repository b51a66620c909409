"""Turns what FFmpeg and the operating system report while a file is written into one sentence for the user."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from pipeline.errors import ImageToVideoError, OutOfMemory, OutputFailed, is_disk_full

# pthread_create reports EAGAIN when there is no room for another stack, and FFmpeg passes it on.
_NO_MEMORY = (errno.ENOMEM, errno.EAGAIN)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Raise OutputFailed or OutOfMemory for whatever goes wrong while the file at `path` is written."""
    try:
        yield
    except (av.error.FFmpegError, OSError, MemoryError) as error:
        raise _explain(error, path) from error


def _explain(error: Exception, path: Path) -> ImageToVideoError:
    number = getattr(error, "errno", None)
    # x264 and libvpx say no more than that they failed; with settings that were checked, that is for lack of memory.
    if isinstance(error, MemoryError | av.error.ExternalError) or number in _NO_MEMORY:
        return OutOfMemory("Memory ran out while the video was encoded: choose a smaller size or fewer encode.threads.")
    if is_disk_full(error):
        return _disk_full(path)
    reason = str(getattr(error, "strerror", None) or error).lower().rstrip(".")
    return OutputFailed(f"The video cannot be written to {path.parent} ({reason}): choose another outputs folder.")


def _disk_full(path: Path) -> OutputFailed:
    try:
        free = f"{shutil.disk_usage(path.parent).free / 1e6:.0f} MB free"
    except OSError:
        free = "or over its quota"
    return OutputFailed(f"The disk with the outputs is full ({free}): free some space or choose another folder.")
