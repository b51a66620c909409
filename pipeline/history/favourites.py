"""Favourites: an empty file for each, so that two programs never overwrite each other's, and an index may be lost."""

from pathlib import Path

from pipeline.errors import OutputFailed
from pipeline.history.files import checked

FOLDER = ".favourites"
"""Folder below the outputs."""


class Favourites:
    """The runs that are marked in one outputs folder."""

    def __init__(self, outputs: Path) -> None:
        self._folder = outputs / FOLDER

    def all(self) -> list[str]:
        """Ids of the runs that are marked, in order. A run in the trash keeps its mark."""
        return sorted(path.name for path in self._folder.iterdir()) if self._folder.is_dir() else []

    def mark(self, run_id: str, is_favourite: bool) -> None:
        """Mark a run, or take the mark away. Raises InvalidInput for what is no name of a run, else OutputFailed."""
        path = self._folder / checked(run_id)
        try:
            if is_favourite:
                self._folder.mkdir(parents=True, exist_ok=True)
                path.touch()
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputFailed(f"The favourite cannot be kept: {error.strerror or error}.") from error
