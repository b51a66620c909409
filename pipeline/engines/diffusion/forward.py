"""A module's forward, wrapped for a while: the one way in which adapters change how a network is called."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

Forward = Callable[..., Any]


@contextmanager
def wrapped_forward(module: "nn.Module", wrap: Callable[[Forward], Forward]) -> Iterator[None]:
    """Replace the instance's `forward` by `wrap(forward)`; put back what was there on leaving.

    Hooks that move weights to the device live in `forward` too: what is wrapped includes those that are there on
    entering, so modules are placed before and not moved inside.
    """
    own = module.__dict__.get("forward")
    module.forward = wrap(module.forward)
    try:
        yield
    finally:
        if own is None:
            del module.forward
        else:
            module.forward = own


@contextmanager
def compiled(module: "nn.Module", backend: str = "inductor") -> Iterator[None]:
    """Run the module compiled. The first call of each shape compiles, which takes a minute or more on full models.

    What was compiled is found again by torch at the next time, as long as the module is kept.
    """
    import torch

    with wrapped_forward(module, lambda forward: torch.compile(forward, backend=backend)):
        yield
