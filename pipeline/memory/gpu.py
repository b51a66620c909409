"""What all programs together use of the GPU, from the driver's library (NVML), without PyTorch."""

import os
from functools import cache
from typing import Any, NamedTuple


class GpuMemory(NamedTuple):
    """Bytes of the GPU that this program would run on."""

    total: int
    used: int
    free: int


def read_gpu() -> GpuMemory | None:
    """The present reading; None where there is no NVIDIA GPU, or its driver does not answer."""
    handle = _handle()
    if handle is None:
        return None
    import pynvml

    try:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    except pynvml.NVMLError:
        return None
    return GpuMemory(int(memory.total), int(memory.used), int(memory.free))


@cache
def _handle() -> Any:
    """NVML's handle of the GPU that CUDA calls device 0. Looked up once: GPUs do not come and go while it runs."""
    import pynvml

    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    try:
        pynvml.nvmlInit()
        if visible.isdigit():
            return pynvml.nvmlDeviceGetHandleByIndex(int(visible))
        # Empty and -1 hide all GPUs from CUDA; anything else is the GPU's unique name.
        return pynvml.nvmlDeviceGetHandleByUUID(visible) if visible.startswith(("GPU-", "MIG-")) else None
    except pynvml.NVMLError:
        return None
