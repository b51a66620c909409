"""Whether a safetensors file is whole, told from its header alone."""

import json
from pathlib import Path

from pipeline.catalogue import Card
from pipeline.models.places import places
from pipeline.settings import RuntimeSettings

MAX_HEADER = 100_000_000
"""The format's own bound on the header, in bytes."""


def safetensors_problem(path: Path) -> str | None:
    """What is wrong with a file, as the end of a sentence, or None: header and length must belong together.

    The format: the header's length in 8 bytes, little-endian; the header, JSON, with the place of each tensor; data
    up to the last of those places. Raises OSError when the file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > MAX_HEADER:
            return "is not a safetensors file"
        header = file.read(length)
    try:
        tensors = json.loads(header)
        end = max(
            (int(entry["data_offsets"][1]) for name, entry in tensors.items() if name != "__metadata__"), default=0
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return "has a damaged header or is cut off"
    expected = 8 + length + end
    return None if size == expected else f"is {size:,} bytes long where its header asks for {expected:,}"


def broken_files(card: Card, runtime: RuntimeSettings) -> list[Path]:
    """The model's files of weights that are here and are not whole."""
    present = [
        place.folder / name
        for place in places(card, runtime)
        for name in place.wanted()
        if place.folder is not None and name.endswith(".safetensors")
    ]
    return [path for path in present if path.is_file() and safetensors_problem(path)]
