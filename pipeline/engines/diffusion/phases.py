"""The phases of a diffusion run: each is timed for the record, and a lack of memory is told from other failures."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.catalogue import Phase
from pipeline.context import Context
from pipeline.memory.recover import free, is_out_of_memory
from pipeline.records import PhaseRecord


class ShortageError(Exception):
    """Memory ran out in a phase. Carries no cause: that one would keep the tensors of the failed attempt alive."""

    def __init__(self, phase: Phase) -> None:
        super().__init__(f"memory ran out in the phase {phase}")
        self.phase = phase


@dataclass
class Counter:
    """Steps done in a phase."""

    steps: int = 0


@contextmanager
def watched(context: Context, device: str, phase: Phase, name: str = "") -> Iterator[Counter]:
    """Time a phase for the record, and turn a lack of memory in it into a ShortageError without tensors.

    `device` is "cuda" or "cpu"; `name` is that of the record where it is not the phase's. Raises Cancelled before it
    begins.
    """
    context.check_cancelled()
    counter, before = Counter(), time.monotonic()
    _reset_gpu_peak(device)
    short = False
    try:
        yield counter
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        free(error)
        short = True
    finally:
        context.keep(
            PhaseRecord(
                name=name or phase,
                seconds=round(time.monotonic() - before, 3),
                steps=counter.steps,
                peak_gpu_bytes=_gpu_peak(device),
                outcome="out of memory" if short else "done",
            )
        )
    if short:
        raise ShortageError(phase)


def _reset_gpu_peak(device: str) -> None:
    if device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()


def _gpu_peak(device: str) -> int | None:
    if device != "cuda":
        return None
    import torch

    return int(torch.cuda.max_memory_reserved())
