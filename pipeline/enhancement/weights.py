"""Super-resolution weights of the user's own: found by name, read without running anything they bring, and recognised.

Files come from anywhere, and a pickle can run code when it is opened. So `.safetensors` is read as what it is, and the
other kinds only by PyTorch's reader that knows nothing but tensors. Which network the weights belong to is spandrel's
knowledge.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.errors import InvalidSetting
from pipeline.memory.recover import is_out_of_memory
from pipeline.models.pickled import load_pickled
from pipeline.settings import RuntimeSettings

SETTING = "enhance.model"
"""The setting that names the file."""

FOLDER = "enhance"
"""Folder below the models folder in which weights are found by their name."""

ENDINGS = (".safetensors", ".pth", ".pt", ".ckpt")
"""Kinds of files that are read; the first one that is there is taken when a name has none."""

INSTEAD = "leave it empty to enlarge without a model (Lanczos)"
"""What is offered wherever weights cannot be used."""

_UNUSED = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")


def find_weights(model: str, runtime: RuntimeSettings) -> Path:
    """The file that a setting names: a path, or a name in the models folder. Raises InvalidSetting."""
    named = Path(model).expanduser()
    tries = [named]
    if runtime.models_dir is not None:
        folder = runtime.models_dir.expanduser() / FOLDER
        tries += [folder / model, *(folder / f"{model}{ending}" for ending in ENDINGS)]
    found = next((path for path in tries if path.is_file()), None)
    if found is None:
        places = f"{named} or in {runtime.models_dir / FOLDER}" if runtime.models_dir is not None else f"{named}"
        raise InvalidSetting(f"{SETTING}: there is no file {places}: give the path of the weights, or {INSTEAD}.")
    if found.suffix.lower() not in ENDINGS:
        raise _unusable(found, f"is none of the kinds that are read ({', '.join(ENDINGS)})")
    return found


def load_network(path: Path) -> Any:
    """Spandrel's descriptor of the network with the weights of a file, in main memory and ready for inference.

    Raises InvalidSetting, one sentence, when the file is broken, holds anything but tensors, or is no network that
    turns RGB pictures into larger or cleaner ones.
    """
    spandrel = _spandrel()
    weights = _read(path)
    try:
        network = spandrel.ModelLoader().load_from_state_dict(weights)
    except Exception as error:
        # Each architecture reads shapes out of the weights in its own way, and fails in its own way on others.
        if is_out_of_memory(error):
            raise
        raise _unusable(path, "holds weights of no super-resolution network that is known") from error
    is_image = isinstance(network, spandrel.ImageModelDescriptor) and network.purpose in ("SR", "Restoration")
    if not is_image or (network.input_channels, network.output_channels) != (3, 3):
        raise _unusable(path, f"is a network for something else ({network.purpose}, {network.input_channels} channels)")
    return network.eval()


def _read(path: Path) -> dict[str, Any]:
    """The tensors of a file by their names; nothing in it is run."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix.lower() == ".safetensors":
            return dict(load_file(path))
        content = load_pickled(path)
    except SafetensorError as error:
        raise _unusable(path, "is damaged, cut off, or no .safetensors file") from error
    except Exception as error:
        # Damaged archives and pickles raise errors of every class; those of the reader's own refusal are among them.
        if is_out_of_memory(error):
            raise
        reason = "is damaged, or holds more than tensors, which is never opened since it could run any program"
        raise _unusable(path, reason) from error
    if not isinstance(content, dict) or not content:
        raise _unusable(path, "holds no weights")
    return content


def _spandrel() -> Any:
    """The library. Raises InvalidSetting where it is not installed."""
    try:
        with _without_torchvision():
            import spandrel
    except ImportError as error:
        raise InvalidSetting(
            f"{SETTING}: the package spandrel, which knows the networks, is not installed: run "
            f"`pip install --no-deps -r requirements-alone.txt`, or {INSTEAD}."
        ) from error
    return spandrel


@contextmanager
def _without_torchvision() -> Iterator[None]:
    """Import without torchvision, unless that is loaded already.

    Spandrel takes three functions from it, for networks that restore faces and fill holes, which are refused here. A
    torchvision that was built for another PyTorch, as beside its builds for processors, would end the import.
    """
    added = [name for name in _UNUSED if "torchvision" not in sys.modules]
    for name in added:
        sys.modules[name] = _Empty(name)
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


class _Empty(ModuleType):
    """A module in which every name stands for nothing."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def _unusable(path: Path, problem: str) -> InvalidSetting:
    return InvalidSetting(f"{SETTING}: {path.name} {problem}: choose another file, or {INSTEAD}.")
