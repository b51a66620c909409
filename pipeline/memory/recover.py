"""What counts as a lack of memory, and how what a failed attempt held is given back."""

import errno
import sys
import traceback
from collections.abc import Iterator

from pipeline.errors import OutOfMemory
from pipeline.heap import release_unused

_WORDS = (
    "out of memory",  # CUDA, and what diffusers and accelerate pass on
    "alloc_failed",  # cuBLAS and cuDNN: CUBLAS_STATUS_ALLOC_FAILED
    "can't allocate memory",  # PyTorch's allocator on the CPU
    "cannot allocate memory",  # the C library's words for ENOMEM, also from memory-mapped files
    "failed to allocate",  # OpenCV, and C++ libraries
    "bad_alloc",  # C++
    "insufficient memory",  # OpenCV
    "can't start new thread",  # Python: no room for another stack
)
"""Libraries report a lack of memory as errors of every kind; these words are in their messages, in any case."""

_LIBRARIES = (RuntimeError, OSError, SystemError, ValueError)
"""Classes that such words are looked for in, beside those that libraries define themselves."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: on the GPU, in main memory, or for another thread's stack.

    An error that was raised from such an error counts as well.
    """
    return any(_says_so(each) for each in _causes(error))


def free(error: BaseException) -> None:
    """Let go of everything that an error keeps alive, and hand it back to the system.

    The frames of its traceback hold the tensors of the failed attempt, so their local variables are cleared, those of
    its causes and of the errors before it too. Frames that still run keep theirs. The traceback can still be printed.
    """
    for each in _chain(error):
        traceback.clear_frames(each.__traceback__)
    release_unused()


def _says_so(error: BaseException) -> bool:
    if isinstance(error, MemoryError | OutOfMemory):
        return True
    if getattr(error, "errno", None) == errno.ENOMEM:
        return True
    source = type(error).__module__.partition(".")[0]
    # FFmpeg reports EAGAIN when a thread of the encoder cannot start; elsewhere it only means "try again".
    if source == "av" and getattr(error, "errno", None) == errno.EAGAIN:
        return True
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    if source == "builtins" and not isinstance(error, _LIBRARIES):
        return False
    text = str(error).lower()
    return source != "pipeline" and any(words in text for words in _WORDS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it was raised from."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and all that it refers to as its cause or as what happened before it."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__]
