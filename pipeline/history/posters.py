"""Posters: small pictures of each video, made from its first or its middle frame when they are first wanted."""

import contextlib
import os
from pathlib import Path

from pipeline.errors import InvalidInput
from pipeline.history.files import below, checked
from pipeline.paths import written_whole

FOLDER = ".posters"
"""Folder below the outputs."""

MIDDLE = "_middle"
"""Ends the name of a poster of the middle frame."""

MAX_SIDE = 480
"""Longest side in pixels: sharp in a gallery on a screen of twice the density."""

MAX_COMMENT = 65_533
"""Bytes that a JPEG's comment holds. What a video says of how it was made is longer with dozens of long segments: then
the poster does not say it."""

MAX_POSTERS = 2000
"""About 40 MB; those that were wanted longest ago go first."""


class Posters:
    """The posters of one outputs folder, at most `limit`."""

    def __init__(self, outputs: Path, limit: int = MAX_POSTERS) -> None:
        self._outputs, self._folder, self._limit = outputs, outputs / FOLDER, limit

    def find(self, run_id: str, video: str | None) -> Path | None:
        """The poster of a run whose video, relative to the outputs, is given; made where there is none yet.

        None where there is no video that can be read, or no room.
        """
        return self._find(self._path(run_id), video)

    def middle(self, run_id: str, video: str | None) -> Path | None:
        """The same of its middle frame, which tells runs apart that begin with the same photo."""
        return self._find(self._path(run_id, MIDDLE), video)

    def _find(self, path: Path, video: str | None) -> Path | None:
        source = below(self._outputs, video)
        if source is None:
            return None
        try:
            if path.stat().st_mtime >= source.stat().st_mtime:  # else of another video that had this name
                os.utime(path)
                return path
        except OSError:
            pass
        return path if self._make(source, path) else None

    def forget(self, run_id: str) -> None:
        """Remove the posters of a run."""
        for kind in ("", MIDDLE):
            with contextlib.suppress(OSError):
                self._path(run_id, kind).unlink(missing_ok=True)

    def _path(self, run_id: str, kind: str = "") -> Path:
        return self._folder / f"{checked(run_id)}{kind}.jpg"

    def _make(self, source: Path, path: Path) -> bool:
        """Write a frame of a video, whole or not at all; whether that was possible."""
        from PIL import Image

        from pipeline.video import middle_frame, read_comment, timed_frames

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            frame = middle_frame(source) if path.stem.endswith(MIDDLE) else next(timed_frames(source))[1]
            picture = Image.fromarray(frame)
            picture.thumbnail((MAX_SIDE, MAX_SIDE))
            comment = read_comment(source)
            fits = len(comment) <= MAX_COMMENT
            with written_whole(path) as partial:
                picture.save(partial, format="JPEG", quality=80, comment=comment if fits else "")
        except (InvalidInput, OSError, StopIteration):
            return False
        self._trim()
        return True

    def _trim(self) -> None:
        """Keep to the limit, with some room for the next ones."""
        with contextlib.suppress(OSError), os.scandir(self._folder) as folder:
            posters = [each for each in folder if each.name.endswith(".jpg")]
            if len(posters) <= self._limit:
                return
            posters.sort(key=lambda each: each.stat().st_mtime)
            for each in posters[: len(posters) - self._limit * 9 // 10]:
                Path(each.path).unlink(missing_ok=True)
