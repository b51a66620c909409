"""Readings of the memory that this program uses."""

import threading
import time
from types import TracebackType

import psutil

READINGS_PER_SECOND = 10
TIMELINE_POINTS = 200
"""A longer timeline is thinned to at most this many points in the record."""


class MemoryMonitor:
    """Reads the resident memory of this process ten times a second in a thread of its own, as a context manager."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._started = time.monotonic()
        self._readings: list[tuple[float, int]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def __enter__(self) -> "MemoryMonitor":
        self._read()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._read()

    def seconds(self) -> float:
        """Seconds since the monitor was made."""
        return time.monotonic() - self._started

    def resident_bytes(self) -> int:
        """Resident memory of this process now."""
        return int(self._process.memory_info().rss)

    def peak_bytes(self, start: float, end: float) -> int:
        """Largest reading between two times in seconds since the monitor was made, the present one included."""
        self._read()
        return max(
            value for at, value in list(self._readings) if at >= start and (at <= end or at == self._readings[-1][0])
        )

    def timeline(self) -> list[tuple[float, int]]:
        """The readings as (seconds, bytes), thinned so that each point is the largest of its share."""
        readings = list(self._readings)
        share = -(-len(readings) // TIMELINE_POINTS) or 1
        groups = [readings[start : start + share] for start in range(0, len(readings), share)]
        return [(round(group[0][0], 2), max(value for _, value in group)) for group in groups]

    def _read(self) -> None:
        self._readings.append((self.seconds(), self.resident_bytes()))

    def _run(self) -> None:
        while not self._stop.wait(1 / READINGS_PER_SECOND):
            self._read()
