"""The user's limit on GPU memory, kept by PyTorch's allocator."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.memory.machine import Machine
from pipeline.settings import RuntimeSettings


@contextmanager
def limited_gpu(machine: Machine, runtime: RuntimeSettings) -> Iterator[None]:
    """Make the GPU's allocator refuse what goes beyond `runtime.vram_limit_gb`; undone for the next run."""
    limit = runtime.vram_limit_gb
    if limit is None or machine.device != "cuda":
        yield
        return
    import torch

    torch.cuda.set_per_process_memory_fraction(min(limit * 1e9 / machine.gpu_total, 1.0))
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
