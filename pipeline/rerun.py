"""Repeating a run from its record, its video or its poster."""

import hashlib
from pathlib import Path

from pipeline.errors import InvalidRecord
from pipeline.provenance import read_provenance
from pipeline.records import INPUTS, InputRecord, read_record
from pipeline.run.inputs import with_kept
from pipeline.settings import Settings

CARRIERS = (".mp4", ".webm", ".gif", ".jpg", ".jpeg", ".png")
"""Endings of files that carry the settings of a run; others are records."""


def home_of(source: Path, default: Path) -> Path:
    """The outputs folder that a record, a video or a poster of it lies in; `default` for a file from elsewhere."""
    if not _is_picture(source):
        return source.parent
    return next((folder for folder in (source.parent, source.parent.parent) if (folder / INPUTS).is_dir()), default)


def inputs_of(source: Path, outputs: Path | None = None) -> tuple[tuple[Path, ...], Settings]:
    """Return the images and the settings that repeat the run of a record, of a video or of its poster.

    The kept inputs of a record lie under its own folder; those of a video or a poster are found by their digests below
    `outputs`, its own folder unless named. Raises InvalidRecord when the run cannot be repeated: it stopped before its
    settings were settled, an input is gone or no longer the same, or this version does not understand all of it.
    """
    return _from_video(source, outputs or source.parent) if _is_picture(source) else _from_record(source)


def _is_picture(source: Path) -> bool:
    return source.suffix.lower() in CARRIERS


def _from_video(source: Path, outputs: Path) -> tuple[tuple[Path, ...], Settings]:
    found = read_provenance(source, [outputs])
    images = tuple(path for path in found.images if path is not None)
    if found.notes or not images:
        raise InvalidRecord(" ".join([f"{source.name} cannot be repeated with what is in {outputs}.", *found.notes]))
    return images, found.settings


def _from_record(record_path: Path) -> tuple[tuple[Path, ...], Settings]:
    record = read_record(record_path)
    if record.used is None or not record.inputs:
        raise InvalidRecord(f"{record_path.name} cannot be repeated: that run ended before its settings were settled.")
    folder = record_path.parent
    for item in record.inputs:
        _check(item, folder, record_path.name)
    return with_kept(record.used, record.inputs, folder)


def _check(item: InputRecord, folder: Path, name: str) -> None:
    path = folder / (item.path or "")
    if item.path is None or not path.is_file():
        raise InvalidRecord(f"{name} cannot be repeated: its input {item.name} is no longer at {path}.")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != item.sha256:
            raise InvalidRecord(f"{name} cannot be repeated: its input {item.name} has changed since.")
