"""Finished parts on disk, by all that decides them: a long run that breaks goes on where it was."""

import os
from collections.abc import Generator, Iterable
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.errors import InvalidInput
from pipeline.frames import Frame
from pipeline.video import probe, read_frames
from pipeline.video.failures import output_errors

FOLDER = "segments"
"""Folder below the outputs."""


class KeptFilms:
    """The finished parts of all runs, below one outputs folder, without loss."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs

    def file(self, key: str) -> str:
        """Where the film of a key lies or would lie, relative to the outputs folder."""
        return f"{FOLDER}/{key}.mkv"

    def has(self, key: str, count: int) -> bool:
        """Whether the film of a key is there with all its frames."""
        path = self._outputs / self.file(key)
        try:
            return path.is_file() and probe(path).num_frames == count
        except InvalidInput:
            return False

    def frames(self, key: str) -> Generator[Frame]:
        """Read the frames of a film that is there."""
        yield from read_frames(self._outputs / self.file(key)).frames

    def keep(self, key: str, frames: Iterable[Frame], fps: Fraction) -> None:
        """Write a film: readers find all of it or none.

        x264 in RGB without quantization: many times smaller than raw, and quick. Raises OutputFailed.
        """
        path = self._outputs / self.file(key)
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with closing(av.open(str(partial), "w", format="matroska")) as file:
                    _write(file, frames, fps)
                os.replace(partial, path)
            finally:
                partial.unlink(missing_ok=True)


def _write(file: av.container.OutputContainer, frames: Iterable[Frame], fps: Fraction) -> None:
    stream: VideoStream | None = None
    for frame in frames:
        if stream is None:
            stream = file.add_stream("libx264rgb", rate=fps, options={"qp": "0", "preset": "veryfast"})
            stream.height, stream.width = frame.shape[:2]
            stream.pix_fmt = "rgb24"
        file.mux(stream.encode(VideoFrame.from_ndarray(frame, format="rgb24")))
    if stream is not None:
        file.mux(stream.encode(None))
