"""Models that are one file, which the user puts in place: where it belongs, and whether it is there and whole."""

import zipfile
import zlib
from pathlib import Path

from pipeline.catalogue import Card
from pipeline.errors import ModelMissing
from pipeline.settings import RuntimeSettings

CACHE = "image-to-video"
"""Folder beside the hub's own in the Hugging Face cache, for files that do not come from the hub."""

WITHOUT = "`flow`, the embedded method, needs no weights"
"""What is left to somebody without the file: all such models make frames between others."""


def folder_for(card: Card, runtime: RuntimeSettings) -> Path:
    """The folder that the user is told to put the file into; it need not exist."""
    return _base(runtime) / card.name


def find_file(card: Card, runtime: RuntimeSettings) -> Path | None:
    """The model's file, in its own folder or directly in the folder of models; None where there is none."""
    base = _base(runtime)
    candidates = (folder / name for folder in (base / card.name, base) for name in card.files)
    return next((path for path in candidates if path.is_file()), None)


def how_to_get(card: Card, folder: Path) -> str:
    """What to do about a missing file, as the end of a sentence: its name, source, place, size and licence."""
    names, megabytes = " or ".join(card.files), round(card.download_bytes / 1e6)
    return f"put {names} ({megabytes} MB, licence: {card.licence}) from {card.source} into {folder}; {WITHOUT}"


def unusable(card: Card, path: Path, problem: str) -> ModelMissing:
    """The error for a file that is there and cannot be used; `problem` goes on from its path, as in "is cut off"."""
    return ModelMissing(f"{path} {problem}: {how_to_get(card, path.parent)}.")


def file_problem(path: Path) -> str | None:
    """What is wrong with a file of weights, as the end of a sentence, or None: PyTorch's archives hold checksums.

    What is in the file is not unpickled. Raises OSError when it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except zipfile.BadZipFile:
        return "is cut off, or no archive of PyTorch's"
    except (zlib.error, EOFError, NotImplementedError, RuntimeError):
        return "is damaged"
    return f"is damaged at {damaged}" if damaged else None


def _base(runtime: RuntimeSettings) -> Path:
    if runtime.models_dir is not None:
        return runtime.models_dir.expanduser().absolute()
    from huggingface_hub import constants

    return Path(constants.HF_HOME).expanduser() / CACHE
