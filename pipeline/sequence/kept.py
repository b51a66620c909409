"""Finished parts on disk, by all that decides them: a long run that breaks goes on where it was."""

from collections.abc import Generator, Iterable
from fractions import Fraction
from pathlib import Path

from pipeline.errors import InvalidInput
from pipeline.frames import Frame
from pipeline.video import probe, read_frames, write_lossless

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
        """Write a film: readers find all of it or none. Raises OutputFailed."""
        write_lossless(self._outputs / self.file(key), frames, fps)
