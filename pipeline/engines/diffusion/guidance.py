"""Classifier-free guidance in two passes: half the activations of one pass over a batch of two."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.engines.diffusion.forward import Forward, wrapped_forward

if TYPE_CHECKING:
    from torch import nn


@contextmanager
def two_passes(module: "nn.Module", nested: bool = False) -> Iterator[None]:
    """Run every call over a batch of two as two calls over one, until left; other batches pass unchanged.

    The batch is the leading dimension of the first argument, or of `hidden_states` or `sample` by name. Every tensor
    argument with a leading dimension of two is halved with it; tensors inside of lists, tuples or dictionaries only
    where `nested`, else they go to both calls as they are. The module must be called with `return_dict=False`, as all
    pipelines do. The results differ from a single pass by rounding alone.
    """
    with wrapped_forward(module, functools.partial(_in_halves, nested=nested)):
        yield


def _in_halves(forward: Forward, nested: bool) -> Forward:
    @functools.wraps(forward)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _batch(args, kwargs) != 2:
            return forward(*args, **kwargs)
        first, second = (
            forward(
                *(_half(each, index, nested) for each in args),
                **{name: _half(each, index, nested) for name, each in kwargs.items()},
            )
            for index in (0, 1)
        )
        return tuple(_joined(*pair) for pair in zip(first, second, strict=True))

    return call


def _batch(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    sample = args[0] if args else kwargs["hidden_states" if "hidden_states" in kwargs else "sample"]
    return int(sample.shape[0])


def _half(value: Any, index: int, nested: bool) -> Any:
    import torch

    if isinstance(value, torch.Tensor) and value.ndim > 0 and value.shape[0] == 2:
        return value[index : index + 1]
    if nested and isinstance(value, list | tuple):
        return type(value)(_half(each, index, nested) for each in value)
    if nested and isinstance(value, dict):
        return {name: _half(each, index, nested) for name, each in value.items()}
    return value


def _joined(first: Any, second: Any) -> Any:
    """Two results of a batch of one as one of two; a ControlNet's are lists of tensors."""
    import torch

    if isinstance(first, torch.Tensor):
        return torch.cat((first, second))
    return [_joined(*pair) for pair in zip(first, second, strict=True)]
