"""What is on this machine of each model: ready, partly there, or missing."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.catalogue import Card
from pipeline.models.layout import INDEX, files_below
from pipeline.models.places import Place, places
from pipeline.models.single_file import find_file, folder_for, how_to_get
from pipeline.settings import RuntimeSettings


@dataclass(frozen=True)
class ModelStatus:
    """How much of a model is here. `message` says it in one sentence, and what to do about it."""

    name: str
    state: Literal["ready", "partial", "missing"]
    bytes_present: int
    bytes_total: int
    folder: Path | None
    message: str


def model_status(card: Card, runtime: RuntimeSettings) -> ModelStatus:
    """Look whether a model is on this machine, by names and sizes of files: no network is asked, nothing is read."""
    if card.files:
        return _file_status(card, runtime)
    found = places(card, runtime)
    lacking = [gap for place in found for gap in place.missing()]
    present = sum(place.bytes_present() for place in found)
    folder = found[0].folder
    if not _is_native(card, folder):
        message = (
            f"{folder} holds {card.title} laid out for remote code, which is never run: move it away, and "
            f"{download_command(card, runtime)} gets it as {card.repository} has it."
        )
        return ModelStatus(card.name, "partial", 0, card.total_bytes, folder, message)
    if not lacking:
        message = f"{card.title} is ready in {folder}."
        return ModelStatus(card.name, "ready", present, present, folder, message)
    total = max(sum(place.bytes_total() for place in found), present)
    command = download_command(card, runtime)
    if _is_foreign(found[0]):
        message = (
            f"{folder} is not laid out as {card.repository} is, for it holds no {_first_file(found[0])}: "
            f"move it away, and {command} gets {card.title} as it should be."
        )
        return ModelStatus(card.name, "partial", present, total, folder, message)
    if present == 0:
        message = f"{card.title} is not on this machine: {command} gets it ({size(total)}, licence: {card.licence})."
        return ModelStatus(card.name, "missing", 0, total, folder, message)
    message = (
        f"{card.title} is only partly on this machine, {size(present)} of {size(total)} (missing: "
        f"{enumerate_few(lacking)}): {command} goes on from there."
    )
    return ModelStatus(card.name, "partial", present, total, folder, message)


def download_command(card: Card, runtime: RuntimeSettings) -> str:
    """The command that gets a model, as it is typed."""
    where = f" --runtime.models_dir {runtime.models_dir}" if runtime.models_dir is not None else ""
    return f"`python -m pipeline models download {card.name}{where}`"


def size(count: int) -> str:
    """A number of bytes for people: GB of 10^9 bytes, smaller ones in MB or kB."""
    for unit, step in (("GB", 1e9), ("MB", 1e6)):
        if count >= 0.95 * step:
            return f"{count / step:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"


def enumerate_few(names: list[str], limit: int = 3) -> str:
    """The first few of a list in words, and how many more there are."""
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")


def _file_status(card: Card, runtime: RuntimeSettings) -> ModelStatus:
    """The same for a model that is one file, which the user puts in place."""
    path = find_file(card, runtime)
    if path is None:
        message = f"{card.title} is not on this machine: {how_to_get(card, folder_for(card, runtime))}."
        return ModelStatus(card.name, "missing", 0, card.total_bytes, None, message)
    present = path.stat().st_size
    return ModelStatus(card.name, "ready", present, present, path.parent, f"{card.title} is ready in {path}.")


def _is_foreign(place: Place) -> bool:
    """Whether the user's folder holds files of another kind: neither an index nor the beginnings of a download."""
    if not place.own or place.folder is None or place.commit is not None or place.partials.exists():
        return False
    names = files_below(place.folder)
    return bool(names) and _first_file(place) not in names


def _is_native(card: Card, folder: Path | None) -> bool:
    """Whether config.json contradicts nothing that the card says of it; one that cannot be read fails when loaded."""
    if folder is None or not card.config:
        return True
    try:
        return _agrees(json.loads((folder / "config.json").read_text(encoding="utf-8")), card.config)
    except (OSError, ValueError):
        return True


def _agrees(found: Any, expected: Any) -> bool:
    """Whether JSON says of everything what is expected, or nothing."""
    if not isinstance(found, dict) or not isinstance(expected, dict):
        return bool(found == expected)
    return all(_agrees(found[name], value) for name, value in expected.items() if name in found)


def _first_file(place: Place) -> str:
    """The file without which a folder cannot be of this repository."""
    if place.source.paths:
        return place.source.paths[0]
    return INDEX if place.source.has_index else "config.json"
