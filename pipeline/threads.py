"""How many threads the libraries compute with that have threads of their own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def limited_threads(count: int) -> Iterator[None]:
    """Let OpenCV and PyTorch compute with `count` threads, and as before afterwards; 0 leaves it to them.

    Left to themselves they take one for each core, or what OMP_NUM_THREADS says. It holds for those of the two that are
    loaded: PyTorch comes with the first network, whose work enters this once more. OpenCV's number is the process's;
    PyTorch's is that of this thread and of those that first compute after this.
    """
    cv2, torch = (sys.modules.get(name) if count else None for name in ("cv2", "torch"))
    with _set(cv2, "getNumThreads", "setNumThreads", count), _set(torch, "get_num_threads", "set_num_threads", count):
        yield


@contextmanager
def _set(library: ModuleType | None, getter: str, setter: str, count: int) -> Iterator[None]:
    if library is None:
        yield
        return
    before = getattr(library, getter)()
    getattr(library, setter)(count)
    try:
        yield
    finally:
        getattr(library, setter)(before)
