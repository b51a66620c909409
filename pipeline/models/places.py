"""Where the repositories of a model lie on this machine: in a folder of the user's, or in the cache that all share."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.catalogue import Card
from pipeline.models.layout import Source, gaps, present, read_index, select, sources
from pipeline.settings import RuntimeSettings

PARTIAL = ".incomplete"
"""Ending of a file that is still being fetched."""


@dataclass(frozen=True)
class Listed:
    """A file as the hub lists it. `digest` is the SHA-256 of a large file, git's SHA-1 of a small one."""

    bytes: int
    digest: str
    large: bool


@dataclass(frozen=True)
class Place:
    """Where one repository lies, or will lie once it is downloaded.

    `root` is the user's folder itself when `own`, else the repository's folder in the shared cache. `folder` holds the
    files in the hub's layout; None as long as there is none. `commit` is the revision it was taken at, where known.
    """

    source: Source
    root: Path
    own: bool
    folder: Path | None
    commit: str | None

    @property
    def partials(self) -> Path:
        """Folder for files that are still being fetched, on the same file system as their final place."""
        return self.root / ".cache" / "huggingface" / "download" if self.own else self.root / "blobs"

    @property
    def notes(self) -> Path:
        """Folder for what a download notes down about the repository."""
        return self.root / ".cache" / "huggingface" if self.own else self.root

    def listing(self) -> dict[str, Listed]:
        """The repository's files as the hub listed them at the download; empty when that is not known."""
        try:
            entries = json.loads(self._listing_file().read_text(encoding="utf-8"))
            return {path: Listed(**entry) for path, entry in entries.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def note_listing(self, files: Mapping[str, Listed]) -> None:
        """Note down how the hub lists the repository. Raises OSError."""
        path = self._listing_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps({name: asdict(file) for name, file in files.items()}, indent=1), encoding="utf-8")
        partial.replace(path)

    def _listing_file(self) -> Path:
        return self.notes / f"image-to-video-{self.commit}.json"

    def wanted(self) -> list[str]:
        """The files that are wanted of it, by the hub's listing where there is one, else by those on the disk."""
        if self.folder is None:
            return []
        names = self.listing() or present(self.source, self.folder)
        return select(self.source, names, read_index(self.folder))

    def absent(self) -> list[str]:
        """What is not there at all, in words or as paths."""
        if self.folder is None:
            return [self.source.repository]
        return gaps(self.source, self.folder)

    def missing(self) -> list[str]:
        """What keeps the model from being loaded: what is absent, or of another size than the hub's."""
        found = self.absent()
        if found or self.folder is None:
            return found
        listing = self.listing()
        here = select(self.source, present(self.source, self.folder), read_index(self.folder))
        sizes = {name: (self.folder / name).stat().st_size for name in here}
        return [f"{name} (damaged)" for name in here if name in listing and sizes[name] != listing[name].bytes]

    def bytes_present(self) -> int:
        """Size of what is there of the files that are wanted, those that are still being fetched included."""
        if self.folder is None:
            return 0
        listing, names = self.listing(), self.wanted()
        files = [self.folder / name for name in names]
        digests = [listing[name].digest for name in names if name in listing]
        if digests and not self.own:  # a file that has just arrived is not linked into the folder before all have
            files = [self.root / "blobs" / digest for digest in digests]
        files += [self.partials / f"{digest}{PARTIAL}" for digest in digests]
        return sum(file.stat().st_size for file in files if file.is_file())

    def bytes_total(self) -> int:
        """Size of all that is wanted: by the hub's listing where there is one, else as the card states it."""
        listing = self.listing()
        return sum(listing[name].bytes for name in self.wanted()) if listing else self.source.bytes


def places(card: Card, runtime: RuntimeSettings) -> tuple[Place, ...]:
    """Where the repositories of a model lie, in the order of `sources`. Neither network nor digests are needed."""
    find = _in_folder if runtime.models_dir is not None else _in_cache
    return tuple(find(card, source, runtime) for source in sources(card))


def _in_folder(card: Card, source: Source, runtime: RuntimeSettings) -> Place:
    base = (runtime.models_dir or Path()).expanduser().absolute()
    owner, _, name = source.repository.partition("/")
    candidates = [base / card.name] if source.is_main else []
    candidates += [base / f"{owner}--{name}", base / owner / name]
    root = next((path for path in candidates if path.is_dir()), candidates[0])
    return Place(source, root, own=True, folder=root if root.is_dir() else None, commit=_recorded_commit(root))


def _recorded_commit(root: Path) -> str | None:
    """The commit that the latest download into a folder noted down, in the first line beside each file."""
    folder = root / ".cache" / "huggingface" / "download"
    notes = sorted([*folder.glob("*.metadata"), *folder.glob("*/*.metadata")], key=lambda note: note.stat().st_mtime)
    lines = notes[-1].read_text(encoding="utf-8").splitlines() if notes else []
    return lines[0].strip() if lines else None


def _in_cache(_card: Card, source: Source, _runtime: RuntimeSettings) -> Place:
    from huggingface_hub import constants

    owner, _, name = source.repository.partition("/")
    root = Path(constants.HF_HUB_CACHE).expanduser() / f"models--{owner}--{name}"
    reference = root / "refs" / source.revision
    commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else source.revision
    folder = root / "snapshots" / commit
    known = folder.is_dir()
    return Place(source, root, own=False, folder=folder if known else None, commit=commit if known else None)


def is_offline(runtime: RuntimeSettings) -> bool:
    """Whether the network must not be asked, by the setting or by HF_HUB_OFFLINE."""
    from huggingface_hub import constants

    return runtime.offline or bool(constants.HF_HUB_OFFLINE)


def free_bytes(path: Path) -> int:
    """Free space on the disk that holds a path, or will hold it once its folders are made."""
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    stats = os.statvfs(existing)
    return stats.f_bavail * stats.f_frsize
