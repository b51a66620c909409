"""Readings of the memory that a run uses: this program's own, and the GPU's by all programs."""

import sys
import threading
import time
from array import array
from bisect import bisect_left, bisect_right
from types import TracebackType

import psutil

from pipeline.memory.gpu import read_gpu

READINGS_PER_SECOND = 10
TIMELINE_POINTS = 200
"""A longer timeline is thinned to at most this many points in the record."""

KEPT_POINTS = 8192
"""Readings kept in memory: every one for a quarter of an hour, then the largest of two, of four and so on."""


class Series:
    """Readings in the order of time. Where there are too many, neighbours become one, the largest of them."""

    def __init__(self, limit: int = KEPT_POINTS) -> None:
        self._lock = threading.Lock()
        self._limit, self._share, self._count = limit, 1, 0
        self._times, self._values = array("d"), array("q")

    def add(self, at: float, value: int) -> None:
        """Append a reading: `value` bytes at `at` seconds, which is never before the last one."""
        with self._lock:
            if self._count % self._share:
                self._values[-1] = max(self._values[-1], value)
            else:
                self._times.append(at)
                self._values.append(value)
            self._count += 1
            if len(self._times) == self._limit:
                self._times, self._values = _halved(self._times, self._values)
                self._share *= 2

    def peak(self, start: float, end: float) -> int | None:
        """Largest reading between two times, the last one before them where there is none; None without readings.

        Once neighbours have become one, the reading that reaches into the time from before it counts as well.
        """
        with self._lock:
            first = bisect_left(self._times, start) - (self._share > 1)
            last = bisect_right(self._times, end)
            return max(self._values[max(first, 0) : last] or self._values[last - 1 : last], default=None)

    def points(self, most: int) -> list[tuple[float, int]]:
        """The readings as (seconds, bytes), at most so many of them, each the largest of its share."""
        with self._lock:
            times, values = self._times[:], self._values[:]
        while len(times) > most:
            times, values = _halved(times, values)
        return [(round(at, 2), value) for at, value in zip(times, values, strict=True)]


def _halved(times: "array[float]", values: "array[int]") -> tuple["array[float]", "array[int]"]:
    pairs = [max(values[at : at + 2]) for at in range(0, len(values), 2)]
    return times[::2], array("q", pairs)


class MemoryMonitor:
    """Reads memory ten times a second in a thread of its own, as a context manager.

    Without a GPU a reading takes less than 10 microseconds, and the memory that the readings take is bounded. Where
    there is no GPU, or its driver does not answer, there are no readings of it.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._started = time.monotonic()
        self._ram, self._gpu = Series(), Series()
        self._torch_peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def __enter__(self) -> "MemoryMonitor":
        self.read()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.read()

    def seconds(self) -> float:
        """Seconds since the monitor was made."""
        return time.monotonic() - self._started

    def resident_bytes(self) -> int:
        """Resident memory of this process now."""
        return int(self._process.memory_info().rss)

    def peak_bytes(self, start: float, end: float) -> int:
        """Largest resident memory between two times in seconds since the monitor was made, the present one included."""
        now = self.resident_bytes()
        return max(self._ram.peak(start, end) or 0, now)

    def peak_gpu_bytes(self, start: float, end: float) -> int | None:
        """Largest use of the GPU by all programs between two such times; None without a GPU."""
        return self._gpu.peak(start, end)

    def timeline(self) -> list[tuple[float, int]]:
        """Resident memory as (seconds, bytes), thinned so that each point is the largest of its share."""
        return self._ram.points(TIMELINE_POINTS)

    def gpu_timeline(self) -> list[tuple[float, int]]:
        """Use of the GPU by all programs, in the same way; empty without a GPU."""
        return self._gpu.points(TIMELINE_POINTS)

    def read(self) -> None:
        """Take a reading now."""
        at = self.seconds()
        self._ram.add(at, self.resident_bytes())
        gpu = self._gpu_bytes()
        if gpu is not None:
            self._gpu.add(at, gpu)

    def _gpu_bytes(self) -> int | None:
        """Bytes in use on the GPU, and what PyTorch had reserved beyond them since the last reading."""
        reading = read_gpu()
        cuda = getattr(sys.modules.get("torch"), "cuda", None)
        if cuda is None or not cuda.is_initialized():
            return reading.used if reading else None
        statistics = cuda.memory_stats()
        reserved = int(statistics.get("reserved_bytes.all.current", 0))
        peak = int(statistics.get("reserved_bytes.all.peak", 0))
        missed = peak - reserved if peak != self._torch_peak else 0
        self._torch_peak = peak
        return (reading.used if reading else reserved) + missed

    def _run(self) -> None:
        while not self._stop.wait(1 / READINGS_PER_SECOND):
            self.read()
