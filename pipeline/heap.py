"""Hands memory that nothing refers to any longer back to the operating system and to the GPU."""

import ctypes
import gc
import sys
from collections.abc import Callable
from functools import cache


def release_unused() -> None:
    """Collect garbage and empty the caches of the allocators. PyTorch is not imported for this."""
    gc.collect()
    empty_gpu_cache()
    _trim()(0)


def empty_gpu_cache() -> None:
    """Give the GPU back what PyTorch keeps of it and no tensor uses."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is not None and cuda.is_initialized():
        cuda.empty_cache()


@cache
def _trim() -> Callable[[int], int]:
    """malloc_trim of the C library: glibc keeps freed memory without it; other libraries have no such function."""
    library = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    trim: Callable[[int], int] = getattr(library, "malloc_trim", lambda _: 0)
    return trim
