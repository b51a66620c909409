"""What memory and disk are like at this moment, for people who watch: nothing is loaded for it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipeline.memory.gpu import GpuMemory, read_gpu
from pipeline.memory.machine import main_memory, nearest_folder


@dataclass(frozen=True)
class Reading:
    """Bytes in total and free, as all programs together leave them; `own` is the memory that this program holds."""

    gpu: GpuMemory | None
    """None where there is no NVIDIA GPU, or its driver does not answer."""
    ram_total: int
    ram_available: int
    own: int
    disk_total: int
    disk_free: int


def read_live(outputs: Path) -> Reading:
    """Read it now; takes less than a millisecond. `outputs` need not exist yet: the disk is the one it will lie on."""
    total, available = main_memory()
    disk = shutil.disk_usage(nearest_folder(outputs))
    own = int(psutil.Process().memory_info().rss)
    return Reading(read_gpu(), total, available, own, disk.total, disk.free)
