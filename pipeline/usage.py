"""What an outputs folder takes on the disk, by kind."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline import cache
from pipeline.engines.stable_diffusion import gallery
from pipeline.history import index, posters, trash
from pipeline.records import INPUTS
from pipeline.sequence import kept


class Kind(StrEnum):
    """What is kept below the outputs."""

    VIDEOS = "videos"
    """The finished files of runs, with their records and pictures."""
    INPUTS = "inputs"
    SEGMENTS = "segments"
    KEYFRAMES = "keyframes"
    CACHE = "cache"
    HISTORY = "history"
    """Posters and index: both are made anew where they are missing."""
    TRASH = "trash"


FOLDERS = {
    INPUTS: Kind.INPUTS,
    kept.FOLDER: Kind.SEGMENTS,
    gallery.FOLDER: Kind.KEYFRAMES,
    cache.FOLDER: Kind.CACHE,
    posters.FOLDER: Kind.HISTORY,
    index.FOLDER: Kind.HISTORY,
    trash.FOLDER: Kind.TRASH,
}
"""Folders below the outputs. What else lies there is not this program's, and not looked at."""


@dataclass(frozen=True)
class Usage:
    """Number of files of a kind, and their bytes. A file with two names counts once, under the first kind."""

    kind: Kind
    files: int
    bytes: int


def measure(outputs: Path) -> list[Usage]:
    """What each kind takes, in the order of the kinds. Links are not followed; what vanishes meanwhile is left out."""
    seen: set[tuple[int, int]] = set()
    sizes: dict[Kind, list[int]] = {kind: [] for kind in Kind}
    for kind, entry in _files(outputs):
        try:
            stat = entry.stat(follow_symlinks=False)
        except OSError:  # thrown away at this moment
            continue
        if stat.st_nlink > 1 and (stat.st_dev, stat.st_ino) in seen:
            continue
        seen.add((stat.st_dev, stat.st_ino))
        sizes[kind].append(stat.st_size)
    return [Usage(kind, len(found), sum(found)) for kind, found in sizes.items()]


def _files(outputs: Path) -> Iterator[tuple[Kind, "os.DirEntry[str]"]]:
    yield from ((Kind.VIDEOS, each) for each in _entries(outputs) if each.name.startswith("video_") and _is_file(each))
    for name, kind in FOLDERS.items():
        yield from ((kind, each) for each in _below(outputs / name))


def _below(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """All files below a folder, however deep."""
    for each in _entries(folder):
        if _is_file(each):
            yield each
        elif each.is_dir(follow_symlinks=False):
            yield from _below(Path(each.path))


def _is_file(entry: "os.DirEntry[str]") -> bool:
    return entry.is_file(follow_symlinks=False)


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:  # not there, or gone at this moment
        return []
