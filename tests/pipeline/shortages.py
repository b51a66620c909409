"""Shortages of memory on purpose: the calls of a run's phases are counted, and chosen ones fail."""

import errno
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest
import torch
from diffusers import AutoencoderKL, DDIMScheduler

from pipeline.catalogue import merge
from pipeline.engines.diffusion import sampling
from pipeline.engines.i2vgen_xl import I2VGenXL
from pipeline.records import RunRecord
from pipeline.run import execute, submit
from pipeline.settings import make_settings
from pipeline.video.write import VideoWriter

ALWAYS = 10**6

CALLS = {
    "load": (I2VGenXL, "load"),
    "place": (sampling, "place"),
    "condition": (I2VGenXL, "condition"),
    "sample": (I2VGenXL, "sample"),
    "step": (DDIMScheduler, "step"),
    "decode": (AutoencoderKL, "decode"),
    "encode": (VideoWriter, "_encode"),
}
"""What is called in each phase: `step` once a denoising step, `decode` and `encode` once a frame."""


def gpu_is_full() -> Exception:
    """What PyTorch raises on a GPU."""
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def encoder_has_no_room() -> Exception:
    """What FFmpeg raises when a thread of the encoder cannot start."""
    return av.error.BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


class Shortages:
    """Counts the calls of a phase, and fails from the `at`-th call of an attempt on, `times` times.

    Each failure ends an attempt. `alive` says for each call how many tensors of failed attempts were still there.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[str] = Counter()
        self.alive: list[int] = []
        self._failed: list[weakref.ref[torch.Tensor]] = []
        self._plans: dict[str, tuple[int, int, Callable[[], Exception]]] = {}
        self._attempt: Counter[str] = Counter()
        for name, (owner, attribute) in CALLS.items():
            monkeypatch.setattr(owner, attribute, self._watched(name, getattr(owner, attribute)))

    def plan(self, name: str, at: int, times: int, error: Callable[[], Exception] = gpu_is_full) -> None:
        """Let the `at`-th call of each of the next `times` attempts fail."""
        self._plans[name] = (at, times, error)
        self._attempt.clear()

    @property
    def held(self) -> int:
        """How many tensors the failed attempts held."""
        return len(self._failed)

    def _watched(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            self.counts[name] += 1
            self._attempt[name] += 1
            self.alive.append(sum(each() is not None for each in self._failed))
            at, times, error = self._plans.get(name, (0, 0, gpu_is_full))
            if times and self._attempt[name] == at:
                self._plans[name] = (at, times - 1, error)
                self._attempt.clear()
                held = [torch.zeros(1000), *(each for each in arguments if isinstance(each, torch.Tensor))]
                self._failed += [weakref.ref(each) for each in held]
                raise error()
            return original(*arguments, **named)

        return watched


def make_run(photo: Path, outputs: Path, models: Path, **sections: dict[str, Any]) -> RunRecord:
    """A small run of the tiny I2VGen-XL in this process, to its record."""
    small = {
        "prepare": {"width": 64, "height": 64},
        "animate": {"engine": "i2vgen-xl", "num_inference_steps": 3, "num_frames": 4},
        "runtime": {"models_dir": models, "device": "cpu", "cache_gb": 0},
    }
    settings = make_settings(merge({"prompt": "waves roll in", "seed": 3, **small}, sections))
    return execute(submit((photo,), settings, outputs), (photo,), outputs)


def phases(record: RunRecord) -> Iterator[tuple[str, str]]:
    """Name and outcome of each phase of the engine, in order."""
    return ((phase.name, phase.outcome) for stage in record.stages for phase in stage.phases)


def rungs(record: RunRecord) -> list[str]:
    """The rungs that were taken, in order."""
    return [taken.rung for taken in record.downgrades]
