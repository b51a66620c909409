"""Readings of memory."""

import time

import numpy as np

from pipeline.memory.monitor import TIMELINE_POINTS, MemoryMonitor


def test_a_peak_is_seen_while_it_lasts() -> None:
    with MemoryMonitor() as monitor:
        before = monitor.resident_bytes()
        block = np.ones(200_000_000, np.uint8)
        time.sleep(0.3)
        size = block.nbytes
        del block
        time.sleep(0.3)
    assert monitor.peak_bytes(0, monitor.seconds()) > before + 0.9 * size
    timeline = monitor.timeline()
    assert timeline == sorted(timeline)
    assert max(value for _, value in timeline) > before + 0.9 * size


def test_a_long_timeline_is_thinned_and_keeps_its_peak() -> None:
    monitor = MemoryMonitor()
    monitor._readings = [(float(at), 5 if at != 777 else 1000) for at in range(1003)]
    timeline = monitor.timeline()
    assert len(timeline) <= TIMELINE_POINTS
    assert max(value for _, value in timeline) == 1000
