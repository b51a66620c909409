"""Results of stages on disk, by all that decides them: what was made once is found again.

An entry is a folder of files with a manifest, published by one rename, so that readers find all of it or none. The
files are checked against the manifest whenever an entry is taken; a damaged one is removed and made again. Several
runs, of one program or of several, may share a cache: who publishes an entry second throws away his own, which is the
same.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import psutil

from pipeline.paths import PROJECT

FOLDER = "cache"
"""Folder below the outputs."""

MANIFEST = "entry.json"

_PART = ".part"

Value = TypeVar("Value")


@dataclass(frozen=True)
class Recalled(Generic[Value]):
    """What a stage would return without any work, because an earlier run has done it, or because there is none to do.

    `is_kept`: it is taken from the results of an earlier run.
    """

    value: Value
    is_kept: bool


def cache_key(stage: str, version: str, decides: Mapping[str, Any]) -> str:
    """The digest of all that decides the result of a stage: SHA-256 of canonical JSON.

    `decides` holds settings as used, digests of inputs, and the revision of models; values must be JSON's own. The
    program's own source is part of every key, so that no forgotten version number lets a new program show old results.
    """
    text = json.dumps(
        {"stage": stage, "version": version, "source": _source(), "decides": decides},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _source() -> str:
    """The digest of the pipeline's source and of the data that it comes with."""
    digest = hashlib.sha256()
    for path in sorted([*PROJECT.glob("pipeline/**/*.py"), *PROJECT.glob("configs/**/*.yaml")]):
        digest.update(path.relative_to(PROJECT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def open_cache(outputs: Path, gigabytes: float) -> "Cache | None":
    """The cache below an outputs folder; None where nothing is to be kept."""
    return Cache(outputs / FOLDER, int(gigabytes * 1e9)) if gigabytes else None


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file another name, or make a copy where the file system has no links.

    With a name of its own a run keeps what it has taken, when another one needs the room. Raises OSError.
    """
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@dataclass(frozen=True)
class Entry:
    """A whole entry: its folder, and what was said of it when it was made."""

    folder: Path
    facts: Mapping[str, Any]


class Cache:
    """The entries below one folder, together at most `limit` bytes; the least recently used go first."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit

    def find(self, key: str) -> Entry | None:
        """The entry of a key, which is used now; None where there is none that is whole."""
        folder = self._folder / key
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            if not all(_is_whole(folder / name, wanted) for name, wanted in manifest["files"].items()):
                raise ValueError("a file is not what was written")
            os.utime(folder / MANIFEST)
        except FileNotFoundError:
            if not folder.exists():
                return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        else:
            return Entry(folder, manifest["facts"])
        shutil.rmtree(folder, ignore_errors=True)
        return None

    def has(self, key: str) -> bool:
        """Whether there is an entry of a key, without a look at its files."""
        return (self._folder / key / MANIFEST).is_file()

    @contextmanager
    def adding(self, key: str, facts: Mapping[str, Any]) -> Iterator[Path]:
        """A folder for the files of a new entry, which is published at the end of the block if that does not raise.

        What is put into `facts` during the block counts. Raises OSError when the disk is full.
        """
        partial = self._folder / f"{key}.{os.getpid()}.{time.monotonic_ns()}{_PART}"
        partial.mkdir(parents=True)
        try:
            yield partial
            self._publish(key, partial, facts)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        self.trim()

    def _publish(self, key: str, partial: Path, facts: Mapping[str, Any]) -> None:
        files = {path.name: _described(path) for path in partial.iterdir()}
        manifest = {"key": key, "files": files, "facts": dict(facts)}
        (partial / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
        try:
            partial.rename(self._folder / key)
        except OSError:
            if not self.has(key):  # else another run was faster
                raise

    def size(self) -> int:
        """What all entries take, in bytes."""
        return sum(each.bytes for each in self._entries())

    def trim(self) -> None:
        """Throw away what was used longest ago until the rest keeps to the limit, and what broken runs left.

        The entry that was used last stays, for a run may be reading it.
        """
        self._sweep()
        entries = sorted(self._entries(), key=lambda each: each.used)
        total = sum(each.bytes for each in entries)
        for each in entries[:-1]:
            if total <= self._limit:
                break
            shutil.rmtree(each.folder, ignore_errors=True)
            total -= each.bytes

    def clear(self) -> None:
        """Throw away everything that no run is writing."""
        self._sweep()
        for each in self._entries():
            shutil.rmtree(each.folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what programs that are gone were writing."""
        for folder in self._folder.glob(f"*{_PART}"):
            owner = folder.name.split(".")[1]
            if owner.isdecimal() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)

    def _entries(self) -> Iterator["_Found"]:
        folders = self._folder.iterdir() if self._folder.is_dir() else ()
        for folder in [each for each in folders if each.suffix != _PART]:
            try:
                stats = [path.stat() for path in folder.iterdir()]
                used = max((each.st_mtime for each in stats), default=folder.stat().st_mtime)
            except OSError:  # thrown away by another run at this moment, or no folder
                continue
            yield _Found(folder, sum(each.st_size for each in stats), used)


@dataclass(frozen=True)
class _Found:
    folder: Path
    bytes: int
    used: float


def _described(path: Path) -> list[Any]:
    with path.open("rb") as file:
        return [path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()]


def _is_whole(path: Path, wanted: list[Any]) -> bool:
    return path.stat().st_size == wanted[0] and _described(path) == wanted
