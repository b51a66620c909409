"""Where the program's own files lie."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Write a file so that readers find all of it or none: what is written to the path that is given takes its name.

    What is raised meanwhile leaves nothing behind. Raises OSError.
    """
    partial = partial_of(path)
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
