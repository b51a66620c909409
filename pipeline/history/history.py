"""The history of one outputs folder, behind one door."""

import contextlib
from pathlib import Path

from pipeline.errors import InvalidInput, InvalidRecord
from pipeline.history.entry import Entry
from pipeline.history.extracts import Edge, write_archive, write_frame
from pipeline.history.favourites import Favourites
from pipeline.history.files import below, checked, files_of
from pipeline.history.index import Index
from pipeline.history.posters import Posters
from pipeline.history.query import Found, Query
from pipeline.history.trash import Discarded, Trash
from pipeline.records import RunRecord, read_record, record_path

PAGE = 24
"""Entries of a page, unless more are asked for: whole rows of two, three and four."""


class History:
    """All runs of an outputs folder. It may be used from several threads, and by several programs at once."""

    def __init__(self, outputs: Path) -> None:
        self.outputs = outputs
        self.index = Index(outputs)
        self._favourites, self._posters, self._trash = Favourites(outputs), Posters(outputs), Trash(outputs)

    def find(self, query: Query, limit: int = PAGE, offset: int = 0) -> Found:
        """The runs that a query allows, as they are now. Raises OutputFailed when the index cannot be written."""
        self.index.update()
        return self.index.find(query, self._favourites.all(), limit, offset)

    def engines(self) -> list[str]:
        """Names of the engines that runs had, as the last search saw them. Raises OutputFailed as `find` does."""
        return self.index.engines()

    def record(self, run_id: str) -> RunRecord:
        """The record of a run. Raises InvalidRecord, and InvalidInput for what is no name of a run."""
        return read_record(record_path(self.outputs, checked(run_id)))

    def member_ids(self, group: str) -> list[str]:
        """Ids of the runs that were asked for together under this name, the oldest first. Raises OutputFailed."""
        self.index.update()
        return self.index.members(group)

    def members(self, group: str) -> list[RunRecord]:
        """The records of the runs that were asked for together under this name, the oldest first.

        One that cannot be read is left out. Raises OutputFailed as `find` does.
        """
        found = []
        for run_id in self.member_ids(group):
            with contextlib.suppress(InvalidRecord):
                found.append(self.record(run_id))
        return found

    def mark(self, run_id: str, is_favourite: bool) -> None:
        """Make a run a favourite, or no longer. Raises InvalidInput or OutputFailed."""
        self._favourites.mark(run_id, is_favourite)

    def is_favourite(self, run_id: str) -> bool:
        """Whether a run is marked."""
        return run_id in self._favourites.all()

    def poster(self, entry: Entry) -> Path | None:
        """A small picture of a run's video, made where there is none yet; None where there is no video."""
        return self._posters.find(entry.run_id, entry.output)

    def middle_poster(self, record: RunRecord) -> Path | None:
        """The same of the middle of the video, which tells runs apart that begin with the same photo."""
        return self._posters.middle(record.run_id, record.output.path if record.output else None)

    def video(self, run_id: str) -> Path:
        """The video of a run. Raises InvalidInput when there is none, InvalidRecord when its record cannot be read."""
        output = self.record(run_id).output
        path = below(self.outputs, output.path if output else None)
        if path is None:
            raise InvalidInput(f"The video of {run_id} is no longer there: run it again.")
        return path

    def frame(self, run_id: str, edge: Edge, folder: Path) -> Path:
        """Write the first or last frame of a run's video into `folder`, without loss; return the picture.

        Raises InvalidInput when there is no such video, OutputFailed when the picture cannot be written.
        """
        return write_frame(self.video(run_id), edge, folder / f"{run_id}_{edge}_frame.png")

    def archive(self, run_id: str, folder: Path) -> Path:
        """Write all files of a run, its record among them, into a zip archive in `folder`; return the archive.

        Raises InvalidInput when there is no such run, OutputFailed when the archive cannot be written.
        """
        files = files_of(self.outputs, run_id)
        if not files:
            raise InvalidInput(f"There is no run {run_id} any more: somebody else has thrown it away.")
        return write_archive(files, folder / f"{run_id}.zip")

    def discard(self, run_id: str) -> str:
        """Move a finished run into the trash; return its name there. Raises InvalidInput or OutputFailed."""
        name = self._trash.put(run_id)
        self._posters.forget(run_id)
        return name

    def restore(self, name: str) -> None:
        """Take a run out of the trash again. Raises InvalidInput or OutputFailed."""
        self._trash.restore(name)

    def discarded(self) -> list[Discarded]:
        """What is in the trash, the last one thrown away first."""
        return self._trash.all()

    def empty_trash(self) -> int:
        """Delete what is in the trash for good; return the bytes that freed. Raises OutputFailed."""
        return self._trash.empty()
