"""Being told of every denoising step, whatever the pipeline: its scheduler's `step` is listened to.

Not all pipelines take a callback (I2VGen-XL's does not), but all of them call the scheduler once for each step.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

StepListener = Callable[[int, "torch.Tensor"], None]
"""Takes the number of steps done, from 1, and the latents after it. What it raises ends sampling."""


@contextmanager
def stepping(pipe: Any, listen: StepListener) -> Iterator[None]:
    """Call `listen` after every step of the pipeline's scheduler, until the context is left."""
    scheduler = pipe.scheduler
    original = scheduler.step
    done = 0

    @functools.wraps(original)  # pipelines look at its signature to see what it takes
    def step(*arguments: Any, **named: Any) -> Any:
        nonlocal done
        result = original(*arguments, **named)
        done += 1
        listen(done, result[0])
        return result

    scheduler.step = step
    try:
        yield
    finally:
        del scheduler.step
