"""Files of weights that are pickles, as torch.save writes them. Nothing in them is run."""

import warnings
from pathlib import Path
from typing import Any


def load_pickled(path: Path) -> Any:
    """What a file holds, in main memory: tensors and plain containers. Raises PyTorch's own errors for all else."""
    import torch

    with warnings.catch_warnings():
        # What PyTorch guesses of pickles that it did not write would stand beside our own sentence on the terminal.
        warnings.simplefilter("ignore", UserWarning)
        return torch.load(path, map_location="cpu", weights_only=True)
