"""Memory that is handed back."""

import subprocess
import sys

import pytest

KEPT = """
import contextlib, psutil, numpy
from pipeline.heap import large_arrays_returned

def kept():
    process = psutil.Process()
    before, arrays, between = process.memory_info().rss, [], []
    for _ in range(8):
        arrays.append(numpy.ones(8_000_000, numpy.uint8))
        between.append(numpy.ones(50_000, numpy.uint8))
    arrays.clear()
    return process.memory_info().rss - before

numpy.ones(30_000_000, numpy.uint8)  # freed: from now on the library keeps what is smaller
with {context}:
    print(kept())
"""


def kept(context: str) -> int:
    """Bytes that a process of its own still has of 64 MB that it freed."""
    script = KEPT.format(context=context)
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have no such options")
def test_large_arrays_go_back_at_once_where_the_library_would_keep_them() -> None:
    assert kept("contextlib.nullcontext()") > 40_000_000
    assert kept("large_arrays_returned()") < 10_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have no such options")
def test_afterwards_the_library_keeps_them_again() -> None:
    assert kept("large_arrays_returned(): pass\nwith contextlib.nullcontext()") > 40_000_000
