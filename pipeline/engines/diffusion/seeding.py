"""Randomness that a seed alone decides."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@contextmanager
def seeded(seed: int, device: str) -> Iterator["torch.Generator"]:
    """Give a generator with that seed, and seed torch's global state too, which is as it was on leaving.

    The generator is one of the processor, so that it draws the same noise whatever device ("cuda" or "cpu") samples.
    The global state is seeded because some pipelines draw from it beside the generator that they are given.
    """
    import torch

    cuda = [torch.cuda.current_device()] if device == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed(seed)
        yield torch.Generator("cpu").manual_seed(seed)
