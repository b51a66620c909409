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

    Hooks that move weights to the device live in `forward` too. Those that are there on entering are wrapped; where a
    pipeline puts its hooks anew at the end of a call, they have replaced the wrapper, and stay.
    """
    own = module.__dict__.get("forward")
    wrapper = wrap(module.forward)
    module.forward = wrapper
    try:
        yield
    finally:
        if module.forward is wrapper:
            if own is None:
                del module.forward
            else:
                module.forward = own


@contextmanager
def compiled(module: "nn.Module", backend: str | Callable[..., Any] = "inductor") -> Iterator[None]:
    """Run the module compiled. The first call of each shape compiles, which takes a minute or more on full models.

    What was compiled is found again by torch at the next time, as long as the module is kept.
    """
    import torch

    with wrapped_forward(module, lambda forward: torch.compile(forward, backend=backend)):
        yield
