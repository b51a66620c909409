"""The tree of errors. Each one is a single sentence for the user, and carries the exit code of the contract.

    ImageToVideoError            1    anything that has no better name
    ├── InvalidInput             2    the input or a setting is wrong; says which and what would be right
    │   ├── InvalidImage         2    a file that is not an image we can use
    │   ├── InvalidSetting       2    a value out of range, a misspelt name, an unknown preset or engine
    │   └── InvalidRecord        2    a record that cannot be read or repeated
    ├── OutOfMemory              3    memory ran out on the lowest rung
    ├── ModelMissing             4    weights are not on this machine
    ├── OutputFailed             1    the disk is full, or a finished file does not hold what was asked
    └── Cancelled              130    the user stopped the run
        └── Interrupted        130    the program was closed, or ended, in the middle of the run

Everything else that escapes is a defect: its traceback goes to the log, and the user is told where that log is.
"""

import errno


class ImageToVideoError(Exception):
    """Base of every error whose message is meant for the user as it stands.

    Halves of characters (lone surrogates), which names of files and JSON may hold, are written as escapes: no stream
    and no page could show them.
    """

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(message.encode("utf-8", "backslashreplace").decode("utf-8"))


class InvalidInput(ImageToVideoError):
    """The input or a setting is wrong."""

    exit_code = 2


class InvalidImage(InvalidInput):
    """A file that cannot be used as an image."""


class InvalidSetting(InvalidInput):
    """A setting that is unknown or out of its bounds."""


class InvalidRecord(InvalidInput):
    """A run record that cannot be read or repeated."""


class OutOfMemory(ImageToVideoError):
    """Memory ran out and no rung of the ladder is left."""

    exit_code = 3


class ModelMissing(ImageToVideoError):
    """The weights that an engine needs are not on this machine."""

    exit_code = 4


class OutputFailed(ImageToVideoError):
    """The result could not be written, or is not what was asked for."""


class Cancelled(ImageToVideoError):
    """The user stopped the run."""

    exit_code = 130


class Interrupted(Cancelled):
    """The program ended in the middle of the run, which can be resumed."""


def is_disk_full(error: BaseException) -> bool:
    """Whether an error of the operating system, or of a library that passes it on, is for lack of room on the disk."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
