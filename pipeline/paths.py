"""Where the program's own files lie."""

import os
import threading
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds this program."""

PRESETS = PROJECT / "configs" / "presets"
CATALOGUE = PROJECT / "configs" / "models"


def partial_of(path: Path) -> Path:
    """Where a file is written before it takes its name: this thread's alone, since two may write the same one at once.

    The program's number stands last but one: by it, what a killed program has left is found (leftovers.py).
    """
    return path.with_name(f".{path.name}.{threading.get_ident()}.{os.getpid()}.part")
