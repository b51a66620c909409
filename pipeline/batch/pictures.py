"""Which images the jobs of an entry are made of: a path, a list, a folder or a glob pattern."""

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.batch.read import MAX_JOBS, Entry
from pipeline.errors import InvalidInput

ENDINGS = frozenset(
    (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif")
)
"""What counts as an image in a folder; a glob pattern or a path may name any file."""

JOBS = ("animate", "transition")


def image_groups(entry: Entry, base: Path) -> list[tuple[Path, ...]]:
    """The images of each job that an entry stands for, relative paths below `base`.

    A list of several is a transition through them; a path, a folder or a pattern is animated, each image by itself.
    `job` says otherwise: `animate` a list one by one, `transition` through all of a folder in the order of their names,
    numbers by their value. Raises InvalidInput where an image is missing.
    """
    named, job = entry.get("images"), entry.get("job")
    if job not in (None, *JOBS):
        raise InvalidInput(f"job: '{job}' is unknown; choose animate or transition.")
    several = isinstance(named, list) and len(named) > 1
    texts: list[Any] = named if isinstance(named, list) else [named]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise InvalidInput("images: name a file, a list of files, a folder or a pattern such as holiday/*.jpg.")
    files = [file for text in texts for file in _files(text, base)]
    if len(files) > MAX_JOBS:
        raise InvalidInput(f"images: {named} names more than {MAX_JOBS} files.")
    if job == "animate" or (job is None and not several):
        return [(file,) for file in files]
    if len(files) < 2:
        raise InvalidInput("images: a transition takes two images or more.")
    return [tuple(files)]


def _files(text: str, base: Path) -> list[Path]:
    try:
        path = base / Path(text).expanduser()
        if path.is_dir():
            return _some((file for file in path.iterdir() if file.suffix.lower() in ENDINGS), f"{text} holds no image")
        if path.is_file():
            return [path]
        if any(mark in text for mark in "*?["):
            found = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
            return _some(found, f"no file is named like {text}")
    except (OSError, RuntimeError, ValueError) as error:  # no such user, a NUL, a pattern that is none
        raise InvalidInput(f"images: {text!r} cannot be used ({error}).") from error
    raise InvalidInput(f"images: there is no file {text!r} (looked for at {str(path)!r}).")


def _some(found: Iterable[Path], otherwise: str) -> list[Path]:
    files = list(islice((file for file in found if file.is_file()), MAX_JOBS + 1))
    if not files:
        raise InvalidInput(f"images: {otherwise}.")
    return sorted(files, key=_natural)


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sorts frame2 before frame10."""
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+", str(path).lower())
    return [(0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts]
