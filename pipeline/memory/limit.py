"""The user's limits while networks work: on GPU memory, kept by PyTorch's allocator, and on threads."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.memory.machine import Machine
from pipeline.settings import RuntimeSettings
from pipeline.threads import limited_threads


@contextmanager
def within_limits(machine: Machine, runtime: RuntimeSettings) -> Iterator[None]:
    """Keep the networks at work within `runtime.vram_limit_gb` and `runtime.threads`; undone for the next run."""
    if runtime.threads:
        import torch  # noqa: F401 - it must be there to be told
    with limited_threads(runtime.threads), _limited_gpu(machine, runtime):
        yield


@contextmanager
def _limited_gpu(machine: Machine, runtime: RuntimeSettings) -> Iterator[None]:
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
