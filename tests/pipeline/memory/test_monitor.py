"""Readings of memory."""

import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.memory import monitor as module
from pipeline.memory.gpu import GpuMemory
from pipeline.memory.monitor import READINGS_PER_SECOND, TIMELINE_POINTS, MemoryMonitor, Series


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


def test_the_peak_of_a_stage_leaves_out_what_came_before_it() -> None:
    with MemoryMonitor() as monitor:
        block = np.ones(200_000_000, np.uint8)
        monitor.read()
        size = block.nbytes
        del block
        start = monitor.seconds()
        monitor.read()
        later = monitor.peak_bytes(start, monitor.seconds())
        assert later < monitor.peak_bytes(0, start) - 0.9 * size


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=300), st.integers(2, 40).map(lambda half: 2 * half))
def test_a_series_is_bounded_in_order_and_keeps_its_peak(values: list[int], limit: int) -> None:
    series = Series(limit)
    for at, value in enumerate(values):
        series.add(float(at), value)
    points = series.points(limit)
    assert len(points) <= limit
    assert points == sorted(points, key=lambda point: point[0])
    assert max(value for _, value in points) == max(values) == series.peak(0.0, float(len(values)))


@given(st.integers(1, 3000), st.integers(0, 3000), st.integers(0, 3000))
def test_a_peak_between_two_times_is_found_to_within_the_share_of_a_point(count: int, start: int, end: int) -> None:
    series = Series(64)
    for at in range(count):
        series.add(float(at), at)
    share = 1
    while count > 32 * share:
        share *= 2
    first, last = min(start, end), max(start, end)
    peak = series.peak(float(first), float(last))
    assert peak is not None
    assert min(last, count - 1) <= peak <= min(last, count - 1) + share


def test_a_long_timeline_is_thinned_and_keeps_its_peak() -> None:
    series = Series()
    for at in range(1003):
        series.add(float(at), 1000 if at == 777 else 5)
    points = series.points(TIMELINE_POINTS)
    assert TIMELINE_POINTS / 2 < len(points) <= TIMELINE_POINTS
    assert [value for at, value in points if at <= 777][-1] == 1000


def test_without_a_gpu_there_are_no_readings_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "read_gpu", lambda: None)
    with MemoryMonitor() as monitor:
        time.sleep(2 / READINGS_PER_SECOND)
    assert monitor.gpu_timeline() == []
    assert monitor.peak_gpu_bytes(0.0, monitor.seconds()) is None


def test_the_gpu_is_read_for_all_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter([3, 9, 4])
    monkeypatch.setattr(module, "read_gpu", lambda: GpuMemory(20, value := next(used), 20 - value))
    monitor = MemoryMonitor()
    for _ in range(3):
        monitor.read()
    assert [value for _, value in monitor.gpu_timeline()] == [3, 9, 4]
    assert monitor.peak_gpu_bytes(0.0, monitor.seconds()) == 9


def test_what_pytorch_took_between_two_readings_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"reserved_bytes.all.current": 2, "reserved_bytes.all.peak": 7}
    cuda = SimpleNamespace(is_initialized=lambda: True, memory_stats=lambda: figures)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(module, "read_gpu", lambda: GpuMemory(20, 3, 17))
    monitor = MemoryMonitor()
    monitor.read()
    monitor.read()
    assert [value for _, value in monitor.gpu_timeline()] == [3 + 7 - 2, 3]
