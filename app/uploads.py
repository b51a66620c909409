"""The folder of uploads: one for each program, gone when it ends, or with a later start where it could not end."""

import contextlib
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

VARIABLE = "GRADIO_TEMP_DIR"
"""Names the folder below which uploads are kept while the program runs; the system's one for temporary files if not."""

UPLOADS = "image-to-video-uploads-"
"""How the name of such a folder begins."""

OURS = re.compile(r"image-to-video-(uploads|masks)-[a-z0-9_]{8}")
"""Names of the page's temporary folders, of this and of what is painted, as `tempfile` ends them."""

ABANDONED_SECONDS = 7 * 24 * 3600
"""A folder that was not touched for as long was left by a program that was killed: uploads are kept for a day."""


def make_uploads() -> tempfile.TemporaryDirectory[str]:
    """A folder for the uploads of this program, where Gradio will find it; `cleanup` removes it.

    Of two programs with one folder, the one that ends first would take away the other's uploads.
    """
    parent = os.environ.get(VARIABLE)
    for folder in {Path(tempfile.gettempdir()), Path(parent or tempfile.gettempdir())}:
        remove_abandoned(folder)
    uploads = tempfile.TemporaryDirectory(prefix=UPLOADS, dir=parent, ignore_cleanup_errors=True)
    os.environ[VARIABLE] = uploads.name
    return uploads


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary folders that programs which were killed have left below `folder`, where that can be done."""
    oldest = time.time() - ABANDONED_SECONDS
    for path in folder.glob("image-to-video-*"):
        with contextlib.suppress(OSError):
            if OURS.fullmatch(path.name) and path.lstat().st_mtime < oldest:
                shutil.rmtree(path)  # a link is not followed, but refused
