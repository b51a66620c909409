"""What is taken out of the history for use elsewhere: a frame of a video, and a run's files in one archive."""

import zipfile
from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from pipeline.errors import InvalidInput, OutputFailed
from pipeline.frames import Frame


class Edge(StrEnum):
    """An end of a video."""

    FIRST = "first"
    LAST = "last"


def write_frame(video: Path, edge: Edge, target: Path) -> Path:
    """Write the first or last frame of a video as a picture; return `target`. Raises InvalidInput or OutputFailed."""
    from PIL import Image

    frame = _frame(video, edge)
    try:
        Image.fromarray(frame).save(target)
    except OSError as error:
        raise OutputFailed(f"The {edge} frame cannot be kept: {error.strerror or error}.") from error
    return target


def _frame(video: Path, edge: Edge) -> Frame:
    from pipeline.video import timed_frames

    frames = timed_frames(video)
    wanted = frames if edge is Edge.FIRST else iter(deque(frames, maxlen=1))  # which holds one frame at a time
    if (found := next(wanted, None)) is None:
        raise InvalidInput(f"{video.name} holds no frames.")
    return found[1]


def write_archive(files: Sequence[Path], target: Path) -> Path:
    """Write files into a zip archive, as they are; return `target`. Raises OutputFailed."""
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # videos and pictures are compressed already
            for file in files:
                archive.write(file, file.name)
    except OSError as error:
        raise OutputFailed(f"{target.name} cannot be written: {error.strerror or error}.") from error
    return target
