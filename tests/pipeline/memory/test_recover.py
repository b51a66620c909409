"""What counts as a lack of memory, and that nothing of a failed attempt stays alive."""

import errno
import weakref
from collections.abc import Callable, Iterator

import av
import cv2
import numpy as np
import pytest
import torch

from pipeline.errors import Cancelled, InvalidSetting, ModelMissing, OutOfMemory
from pipeline.memory.recover import free, is_out_of_memory

HUGE = 2**48


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("unable to mmap 4096 bytes from file <weights>: Cannot allocate memory (12)"),
        RuntimeError("can't start new thread"),
        RuntimeError("std::bad_alloc"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        av.error.BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
        av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"),
        MemoryError(),
        OutOfMemory("Memory ran out while the video was encoded."),
    ],
    ids=repr,
)
def test_a_lack_of_memory_is_known_in_every_form(error: BaseException) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("the shapes do not match"),
        RuntimeError("expected a tensor on the same device"),
        KeyError("out of memory"),
        BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
        FileNotFoundError(errno.ENOENT, "no such file"),
        av.error.InvalidDataError(errno.EINVAL, "Invalid data"),
        InvalidSetting("prompt: 'a robot out of memory' is too long."),
        Cancelled("The run was stopped."),
    ],
    ids=repr,
)
def test_other_errors_are_none(error: BaseException) -> None:
    assert not is_out_of_memory(error)


def caught(work: Callable[[], object]) -> Exception:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - which one it is, is what the tests ask
        return error
    raise AssertionError("it did not fail")


def fail_again(with_cause: bool) -> None:
    try:
        torch.empty(HUGE)
    except RuntimeError as error:
        if with_cause:
            raise ModelMissing("The files are damaged.") from error
        raise ModelMissing("The files are damaged.") from None


def test_the_libraries_own_refusals_are_known() -> None:
    assert is_out_of_memory(caught(lambda: torch.empty(HUGE)))
    assert is_out_of_memory(caught(lambda: np.empty(HUGE)))
    assert is_out_of_memory(caught(lambda: cv2.resize(np.zeros((2, 2, 3), np.uint8), (2**30, 2**15))))


def test_an_error_counts_that_was_raised_from_a_shortage_and_not_one_that_came_after_it() -> None:
    assert is_out_of_memory(caught(lambda: fail_again(True)))
    assert not is_out_of_memory(caught(lambda: fail_again(False)))


class Attempt:
    """Fails with tensors in the frames of a function, of a generator, and of the handler of an earlier error."""

    def __init__(self) -> None:
        self.tensors: list[weakref.ref[torch.Tensor]] = []

    def make(self) -> torch.Tensor:
        tensor = torch.zeros(1000)
        self.tensors.append(weakref.ref(tensor))
        return tensor

    def steps(self) -> Iterator[torch.Tensor]:
        kept = self.make()
        yield kept
        raise torch.OutOfMemoryError(f"CUDA out of memory with {kept.numel()} numbers")

    def run(self) -> None:
        held = self.make()
        try:
            for latents in self.steps():
                held += latents
        except torch.OutOfMemoryError:
            again = self.make()
            torch.empty(HUGE + again.numel())


def test_a_kept_error_holds_the_tensors_of_the_attempt_until_it_is_freed() -> None:
    attempt = Attempt()
    error = caught(attempt.run)
    assert len(attempt.tensors) == 3
    assert sum(tensor() is not None for tensor in attempt.tensors) == 3
    free(error)
    assert [tensor() for tensor in attempt.tensors] == [None, None, None]
    assert is_out_of_memory(error)


def test_errors_that_refer_to_each_other_in_a_circle_are_freed_too() -> None:
    attempt = Attempt()
    error = caught(attempt.run)
    other = ValueError("after it")
    other.__context__, error.__cause__ = error, other
    free(other)
    assert [tensor() for tensor in attempt.tensors] == [None, None, None]
    assert not is_out_of_memory(other)
