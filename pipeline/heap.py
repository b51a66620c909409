"""Hands memory that nothing refers to any longer back to the operating system and to the GPU."""

import ctypes
import gc
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache

LARGE = 6_000_000
"""Bytes from which an array is large: frames of 1080p are. What is smaller stays with its thread, to be used again."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of malloc.h."""

_MOST_KEPT = 32 << 20
"""Bytes up to which glibc comes to keep what was freed, by itself, as arrays are freed (DEFAULT_MMAP_THRESHOLD_MAX)."""


@contextmanager
def large_arrays_returned() -> Generator[None]:
    """Let large arrays go back to the operating system as soon as they are freed.

    The C library keeps them in a heap for each thread, fragmented: at 1080p 60 to 120 MB more than is ever in use. To
    map each anew costs processor time, so this is for films that are rendered, not for networks.
    """
    release_unused()
    _set_option(_M_MMAP_THRESHOLD, LARGE)
    try:
        yield
    finally:
        _set_option(_M_MMAP_THRESHOLD, _MOST_KEPT)
        _set_option(_M_TRIM_THRESHOLD, 2 * _MOST_KEPT)


def release_unused() -> None:
    """Collect garbage and empty the caches of the allocators. PyTorch is not imported for this."""
    gc.collect()
    empty_gpu_cache()
    _of_library("malloc_trim")(0)


def empty_gpu_cache() -> None:
    """Give the GPU back what PyTorch keeps of it and no tensor uses."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is not None and cuda.is_initialized():
        cuda.empty_cache()


def _set_option(option: int, value: int) -> None:
    _of_library("mallopt")(option, value)


@cache
def _of_library(name: str) -> Callable[..., int]:
    """A function of glibc's malloc, which keeps freed memory; other C libraries have no such function."""
    library = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    function: Callable[..., int] = getattr(library, name, lambda *_: 0)
    return function
