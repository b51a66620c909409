"""Whether the files of a model are what the hub published."""

import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.catalogue import Card
from pipeline.models.download import POLL_SECONDS, DownloadProgress
from pipeline.models.files import locate_file
from pipeline.models.places import Place, places
from pipeline.models.safetensors import safetensors_problem
from pipeline.models.single_file import file_problem, how_to_get
from pipeline.models.status import download_command
from pipeline.settings import RuntimeSettings

_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def verify(card: Card, runtime: RuntimeSettings, report: Callable[[DownloadProgress], None]) -> list[str]:
    """Read every file of a model and return what is wrong, a sentence each; empty when all is good.

    Looked at are: whether each file is there, its size and digest as the hub gave them where they are known, and for
    safetensors whether header and length belong together. `report` is called every quarter of a second and may raise,
    which ends the work. Asks no network. Raises OSError when a file cannot be read, and ModelMissing for one that the
    user puts in place and has not.
    """
    if card.files:
        path = locate_file(card, runtime)
        damage = file_problem(path)
        return [f"{path} {damage}: {how_to_get(card, path.parent)}."] if damage else []
    problems: list[str] = []
    files: list[tuple[Place, str, Path]] = []
    again = download_command(card, runtime)
    for place in places(card, runtime):
        if place.folder is None:
            problems.append(f"{place.source.repository} is not on this machine: {again} gets it.")
            continue
        problems += [f"{gap} is missing in {place.folder}: {again} gets it." for gap in place.absent()]
        paths = [(place, name, place.folder / name) for name in place.wanted()]
        files += [entry for entry in paths if entry[2].is_file()]
    reader = _Reader(sum(path.stat().st_size for _, _, path in files), report)
    for place, name, path in files:
        problem = _problem(place, name, path, reader)
        if problem:
            problems.append(f"{path} {problem}: delete it, and {again} gets it again.")
    return problems


class _Reader:
    """Reads files whole, and reports how far it is."""

    def __init__(self, total: int, report: Callable[[DownloadProgress], None]) -> None:
        self._total, self._done, self._report = total, 0, report
        self._started = self._reported = time.monotonic()

    def digest(self, path: Path, kind: str) -> str:
        """The digest of a file: "sha256", or "git" for the SHA-1 by which git names a file's content."""
        hasher = hashlib.sha256() if kind == "sha256" else hashlib.sha1(usedforsecurity=False)
        if kind == "git":
            hasher.update(b"blob %d\0" % path.stat().st_size)
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                hasher.update(chunk)
                self._advance(len(chunk), path.name)
        return hasher.hexdigest()

    def _advance(self, count: int, name: str) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._reported < POLL_SECONDS and self._done < self._total:
            return
        self._reported = now
        speed = self._done / max(now - self._started, 1e-6)
        self._report(DownloadProgress(self._done, self._total, speed, (self._total - self._done) / speed, name))


def _problem(place: Place, name: str, path: Path, reader: _Reader) -> str | None:
    """What is wrong with one file, as the end of a sentence."""
    size, published = _published(place, name, path)
    digest = reader.digest(path, "git" if published and len(published) == 40 else "sha256")
    if size is not None and path.stat().st_size != size:
        return f"is {path.stat().st_size:,} bytes long instead of {size:,}"
    problem = safetensors_problem(path) if path.suffix == ".safetensors" else None
    if problem:
        return problem
    return "does not match its digest on the hub" if published and digest != published else None


def _published(place: Place, name: str, path: Path) -> tuple[int | None, str | None]:
    """Size and digest of a file as the hub gave them, where they are known.

    From the list of files that came with the download; else from the note beside the file, or from the name by which
    the shared cache keeps it.
    """
    file = place.listing().get(name)
    if file is not None:
        return file.bytes, file.digest
    if not place.own:
        blob = path.readlink().name if path.is_symlink() else ""
        return None, blob if _DIGEST.fullmatch(blob) else None
    note = place.partials / f"{name}.metadata"
    lines = note.read_text(encoding="utf-8").splitlines() if note.is_file() else []
    return None, lines[1].strip() if len(lines) > 1 else None
