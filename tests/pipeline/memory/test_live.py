"""The readings for people who watch."""

from pathlib import Path

import psutil

from pipeline.memory.live import read_live


def test_readings_are_those_of_this_machine_and_this_program(tmp_path: Path) -> None:
    reading = read_live(tmp_path / "not" / "yet")
    assert 0 < reading.ram_available <= reading.ram_total <= psutil.virtual_memory().total
    assert 0 < reading.own < reading.ram_total
    assert 0 <= reading.disk_free < reading.disk_total == psutil.disk_usage(str(tmp_path)).total
    assert reading.gpu is None or 0 <= reading.gpu.used <= reading.gpu.total
