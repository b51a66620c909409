"""Second names for files."""

import errno
import os
from pathlib import Path


def link(source: Path, target: Path) -> bool:
    """Give a file a second name in one step, and never one that is taken; return whether it has it now.

    It has not where the file system knows no hard links (FAT, some network shares). Raises FileExistsError where the
    name is taken, and other OSErrors.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP):
            raise
        return False
    return True
