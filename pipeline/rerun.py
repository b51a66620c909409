"""Repeating a run from its record."""

import hashlib
from pathlib import Path

from pipeline.errors import InvalidRecord
from pipeline.options import with_value
from pipeline.records import PICTURES, InputRecord, read_record
from pipeline.run.inputs import FILE_SETTINGS
from pipeline.settings import Settings


def inputs_of(record_path: Path) -> tuple[tuple[Path, ...], Settings]:
    """Return the images, one or two, and the settings that repeat the run of a record.

    The kept inputs lie under the record's own folder. Raises InvalidRecord when the record cannot be repeated: it
    stopped before its settings were settled, or an input is gone or no longer the same.
    """
    record = read_record(record_path)
    if record.used is None or not record.inputs:
        raise InvalidRecord(f"{record_path.name} cannot be repeated: that run ended before its settings were settled.")
    folder = record_path.parent
    kept = [_checked(item, folder, record_path.name) for item in record.inputs]
    images = tuple(path for path, item in zip(kept, record.inputs, strict=True) if item.role in PICTURES)
    masks = tuple(path for path, item in zip(kept, record.inputs, strict=True) if item.role == "mask")
    settings = with_value(record.used, "prepare.masks", masks)
    for each in filter(lambda each: each.is_copied, FILE_SETTINGS):  # the others are where they were
        for path, item in zip(kept, record.inputs, strict=True):
            settings = with_value(settings, each.name, path) if item.role == each.role else settings
    return images, settings


def _checked(item: InputRecord, folder: Path, name: str) -> Path:
    path = folder / (item.path or "")
    if item.path is None or not path.is_file():
        raise InvalidRecord(f"{name} cannot be repeated: its input {item.name} is no longer at {path}.")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != item.sha256:
            raise InvalidRecord(f"{name} cannot be repeated: its input {item.name} has changed since.")
    return path
