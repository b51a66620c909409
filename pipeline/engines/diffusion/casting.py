"""A network in another number format for a while, such as an autoencoder that decodes in a narrower one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.catalogue import Precision

if TYPE_CHECKING:
    import torch


@contextmanager
def cast(network: Any, precision: Precision | None) -> Iterator[None]:
    """Have the weights of a network in this precision until left, wherever they wait; None: as they are.

    Afterwards they have the format that they had before, but where `rounds` says so not their values.
    """
    import torch

    own, wanted = network.dtype, _dtype(network, precision)
    if wanted == own:
        yield
        return
    try:
        # Not by diffusers' method of this name: it warns of layers to be kept in float32, also where there are none.
        torch.nn.Module.to(network, wanted)
        yield
    finally:
        torch.nn.Module.to(network, own)


def rounds(network: Any, precision: Precision | None) -> bool:
    """Whether weights in this precision have lost something that casting them back does not restore."""
    import torch

    wanted = _dtype(network, precision)
    return torch.promote_types(network.dtype, wanted) != wanted


def _dtype(network: Any, precision: Precision | None) -> "torch.dtype":
    import torch

    dtype: torch.dtype = network.dtype if precision is None else getattr(torch, precision.value)
    return dtype
