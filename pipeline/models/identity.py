"""What decides the pixels of a model: which weights these are."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.models.files import ModelFiles


def identity(files: ModelFiles) -> list[Any]:
    """What a model's weights are: the commit of the hub; where that is not known, the files as they lie there."""
    card = files.card
    if files.revision is not None:
        return [card.repository, card.variant, files.revision]
    weights = sorted(files.folder.rglob("*.safetensors"))
    found = [(path.relative_to(files.folder).as_posix(), path.stat()) for path in weights]
    return [card.repository, card.variant, [[name, stat.st_size, stat.st_mtime_ns] for name, stat in found]]


def digest(path: Path) -> str:
    """SHA-256 of a file, remembered as long as its size and time of change stay the same. Raises OSError."""
    stat = path.stat()
    return _digest(path.absolute(), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
