"""From a file of RIFE's weights to the network. Nothing in the file is run: it is read as plain tensors or refused."""

import pickle
from pathlib import Path
from typing import Any

from pipeline.catalogue import Card
from pipeline.engines.rife.layout import LAYOUTS, Layout
from pipeline.models.load import LoadPlan
from pipeline.models.pickled import load_pickled
from pipeline.models.single_file import unusable

_PREFIX = "module."
"""Stands before every name in files that were saved from training on several GPUs."""


def read_network(card: Card, path: Path, plan: LoadPlan) -> tuple[Any, Layout]:
    """The network with the weights of a file, on the plan's device in its precision, and which version it is.

    Weights of other names are left aside: published files also hold networks that only the training needs. Raises
    ModelMissing when the file is no state dict, holds no version that is known, or values that are no numbers.
    """
    import torch

    from pipeline.engines.rife.network import IFNet

    state = {name.removeprefix(_PREFIX): value for name, value in _read(card, path).items()}
    for layout in LAYOUTS:
        with torch.device("meta"):
            network = IFNet(layout)
        expected = network.state_dict()
        if any(name not in state or state[name].shape != value.shape for name, value in expected.items()):
            continue
        chosen = {name: state[name] for name in expected}
        if not all(torch.isfinite(value).all() for value in chosen.values()):
            raise unusable(card, path, "holds values that are no numbers")
        network.load_state_dict(chosen, assign=True)
        dtype = getattr(torch, plan.precision.value)
        # Channels last: a tenth to a fifth faster on a processor, and a quarter less memory (measured at 720p).
        placed: Any = network.to(plan.device, dtype)
        placed = placed.to(memory_format=torch.channels_last)  # which PyTorch's own types do not know
        return placed.eval().requires_grad_(False), layout  # noqa: FBT003 - torch's own
    known = ", ".join(layout.version for layout in LAYOUTS)
    raise unusable(card, path, f"does not hold the weights of RIFE {known}")


def _read(card: Card, path: Path) -> dict[str, Any]:
    """The tensors in a file by their names."""
    import torch

    try:
        state = load_pickled(path)
    except pickle.UnpicklingError as error:
        raise unusable(card, path, "is damaged, or holds more than weights, which is never loaded") from error
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        raise unusable(card, path, "is cut off or damaged") from error
    if not isinstance(state, dict):
        raise unusable(card, path, "is no list of weights by name")
    return {str(name): value for name, value in state.items() if isinstance(value, torch.Tensor)}
