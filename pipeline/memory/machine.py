"""What this machine has to offer a run: device, memory, disk."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipeline.choices import Device
from pipeline.errors import InvalidSetting
from pipeline.memory.gpu import GpuMemory, read_gpu
from pipeline.settings import RuntimeSettings

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


@dataclass(frozen=True)
class Machine:
    """Bytes in total and free, as all programs together leave them. Without a GPU its figures are 0.

    `device` is "cuda" or "cpu". The limits of a container count as if the machine were that small.
    """

    device: str
    gpu_total: int
    gpu_free: int
    ram_total: int
    ram_available: int
    disk_free: int


def read_machine(runtime: RuntimeSettings, outputs: Path) -> Machine:
    """Read what there is now; `outputs` need not exist yet.

    PyTorch is imported only where the driver shows a GPU, or one was asked for. Raises InvalidSetting when
    runtime.device asks for a GPU that PyTorch cannot use.
    """
    gpu = _usable_gpu(runtime.device)
    ram_total, ram_available = main_memory()
    return Machine(
        device="cpu" if gpu is None else "cuda",
        gpu_total=gpu.total if gpu else 0,
        gpu_free=gpu.free if gpu else 0,
        ram_total=ram_total,
        ram_available=ram_available,
        disk_free=shutil.disk_usage(nearest_folder(outputs)).free,
    )


def main_memory(mount: Path = CGROUPS, own: Path = OWN_CGROUP) -> tuple[int, int]:
    """Bytes of main memory in total and available: the machine's, or the tightest limit of this process's cgroups.

    What a cgroup holds of the page cache and has not used lately is taken back by the kernel before it ends a program,
    so it counts as available. Limits of the address space (RLIMIT_AS) do not count: they are no measure of memory.
    """
    memory = psutil.virtual_memory()
    total, available = int(memory.total), int(memory.available)
    for limit, used in _cgroup_limits(mount, own):
        total, available = min(total, limit), min(available, max(limit - used, 0))
    return total, available


def _usable_gpu(asked: Device) -> GpuMemory | None:
    """Readings of the GPU to run on; None for the processor."""
    if asked is Device.CPU:
        return None
    gpu = read_gpu()
    if gpu is None and asked is Device.AUTO:
        return None
    import torch

    if torch.cuda.is_available():
        return gpu or _torch_reading()
    if asked is Device.CUDA:
        reason = "there is none" if gpu is None else f"PyTorch {torch.__version__} cannot use it"
        raise InvalidSetting(f"runtime.device: cuda needs an NVIDIA GPU, but {reason}; choose auto or cpu.")
    return None


def _torch_reading() -> GpuMemory:
    """The same from PyTorch, for GPUs that NVML does not know."""
    import torch

    free, total = torch.cuda.mem_get_info()
    return GpuMemory(total, total - free, free)


def nearest_folder(folder: Path) -> Path:
    """A folder itself, or the first one above it that is there."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())


def _cgroup_limits(mount: Path, own: Path) -> Iterator[tuple[int, int]]:
    """Limit and use, in bytes, of each cgroup of this process that has a limit, in versions 1 and 2."""
    if not sys.platform.startswith("linux"):
        return
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, files = mount, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root, files = mount / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        # Inside a container the path may be the host's: then only the mounted root is there.
        inner = root / path.lstrip("/")
        for folder in (inner, *inner.parents):
            if folder != root and root not in folder.parents:
                break
            limit, used = _text(folder / files[0]).strip(), _text(folder / files[1]).strip()
            if limit.isdigit() and used.isdigit():
                yield int(limit), int(used) - _statistic(folder / "memory.stat", files[2])


def _statistic(file: Path, name: str) -> int:
    return next((int(line.split()[1]) for line in _text(file).splitlines() if line.startswith(f"{name} ")), 0)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except OSError:
        return ""
