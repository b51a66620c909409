"""A jobs file, YAML or JSON lines, as what it says of each job. Nothing is looked up yet."""

import json
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import InvalidInput

MAX_JOBS = 10_000
"""Jobs of one file, those that folders and sweeps stand for included."""

MAX_BYTES = 20_000_000
"""Largest jobs file, in bytes: 2 kB for each of the most jobs."""

MAX_VALUES = 1_000_000
"""Values in a file: YAML's aliases could stand for any number of them in a few lines."""

Entry = dict[str, Any]
"""What a file says of one job."""


def read_jobs_file(path: Path) -> tuple[Entry, list[Entry]]:
    """The defaults and the entries of a jobs file; a name that ends in .jsonl stands for JSON lines.

    YAML holds a list of jobs, or `jobs:` with that list and `defaults:` for all of them. JSON lines hold a job each.
    Raises InvalidInput, one sentence with the place, where a file is neither.
    """
    text = _read(path)
    try:
        document = _lines(path, text) if path.suffix.lower() == ".jsonl" else yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        raise InvalidInput(f"{path.name} is not valid YAML{place}: {problem}.") from error
    except (RecursionError, ValueError) as error:  # the latter from a date that does not exist
        raise InvalidInput(f"{path.name} cannot be read as YAML: write it as docs and `batch --help` show.") from error
    _check_size(path, document)
    return _parts(path, document)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB: split it into several files.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidInput(f"The jobs file {path} cannot be read ({reason}).") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not a text in UTF-8: save it as such.") from error


def _lines(path: Path, text: str) -> list[Any]:
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            entries += [json.loads(line)] if line.strip() else []
        except (json.JSONDecodeError, RecursionError) as error:
            raise InvalidInput(f"{path.name}, line {number}: this is not valid JSON ({error}).") from error
    return entries


def _check_size(path: Path, document: Any) -> None:
    """Raise InvalidInput for a document without bounds, such as aliases of aliases of aliases."""
    left, count = [document], 0
    while left:
        value, count = left.pop(), count + 1
        if count > MAX_VALUES:
            raise InvalidInput(f"{path.name} holds more than {MAX_VALUES} values: split it into several files.")
        left += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _parts(path: Path, document: Any) -> tuple[Entry, list[Entry]]:
    defaults: Any = {}
    if isinstance(document, dict):
        unknown = [str(name) for name in document if name not in ("defaults", "jobs")]
        if unknown:
            raise InvalidInput(f"{path.name}: '{unknown[0]}' is unknown there; the file holds jobs: and defaults:.")
        defaults, document = document.get("defaults") or {}, document.get("jobs")
    if not isinstance(document, list) or not document:
        raise InvalidInput(f"{path.name} holds no jobs: write a list of them, such as `- images: photo.jpg`.")
    if not isinstance(defaults, dict):
        raise InvalidInput(f"{path.name}: defaults: holds settings by name, such as `encode.fps: 24`.")
    for number, entry in enumerate(document, start=1):
        if not isinstance(entry, dict):
            raise InvalidInput(f"{path.name}, job {number}: a job has names and values, such as `images: photo.jpg`.")
    if len(document) > MAX_JOBS:
        raise InvalidInput(f"{path.name} holds {len(document)} jobs, and {MAX_JOBS} are allowed: split it.")
    return defaults, document
