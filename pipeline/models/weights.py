"""How large the networks of a model on this disk are, from the headers of their files."""

import math
from collections import Counter
from pathlib import Path

from pipeline.catalogue import Card, Component, HelperCard, ModelCard
from pipeline.models.places import places
from pipeline.settings import RuntimeSettings

_KEPT_WHOLE = ("embed", "shared", "lm_head", "vision_tower")
"""In the names of matrices that are not quantized: see `pipeline.models.load.KEPT_WHOLE`. Embeddings never are."""


def measured_card(card: ModelCard, runtime: RuntimeSettings) -> ModelCard:
    """The card with the numbers of parameters that its files hold, so that the forecast counts what is there.

    A distilled or pruned copy is smaller than the published model. Only headers are read. A component whose files are
    not found, or not readable, keeps what the card says of it.
    """
    present = _files_by_component(card, runtime)
    components = tuple(_counted(part, present.get(part.name, [])) for part in card.memory.components)
    return card.model_copy(update={"memory": card.memory.model_copy(update={"components": components})})


def measured_helper(card: HelperCard, runtime: RuntimeSettings) -> HelperCard:
    """The same for a helper: the parameters of all its files, and those of its largest network.

    A helper whose files are not found, or not readable, keeps what its card says.
    """
    found = _files_by_component(card, runtime).values()
    sizes = [sum(sum(_parameters_by_layer(path).values()) for path in files) for files in found]
    if not sizes or not all(sizes):
        return card
    return card.model_copy(update={"parameters": sum(sizes), "resident": max(sizes)})


def linear_parameters(card: Card, runtime: RuntimeSettings) -> int:
    """Parameters in the linear layers of a helper's language model, which are those that quantization makes smaller.

    Only headers are read. 0 for a helper whose files are not found, or not readable.
    """
    paths = [path for files in _files_by_component(card, runtime).values() for path in files]
    return sum(math.prod(shape) for path in paths for name, shape in _shapes(path).items() if _is_linear(name, shape))


def _is_linear(name: str, shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and name.endswith(".weight") and not any(word in name for word in _KEPT_WHOLE)


def _files_by_component(card: Card, runtime: RuntimeSettings) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for place in places(card, runtime):
        folders = {part.subfolder: part.component for part in card.parts if part.repository == place.source.repository}
        for name in place.wanted():
            if place.folder is not None and name.endswith(".safetensors"):
                folder = name.rpartition("/")[0]
                found.setdefault(folders.get(folder, folder), []).append(place.folder / name)
    return found


def _counted(part: Component, files: list[Path]) -> Component:
    layers: Counter[str] = Counter()
    for path in files:
        layers.update(_parameters_by_layer(path))
    if not layers:
        return part
    largest = None if part.largest_layer is None else max(layers.values())
    return part.model_copy(update={"parameters": layers.total(), "largest_layer": largest})


def _parameters_by_layer(path: Path) -> dict[str, int]:
    """Parameters of each layer, weights and biases together, in a safetensors file."""
    layers: Counter[str] = Counter()
    for name, shape in _shapes(path).items():
        layers[name.rpartition(".")[0]] += math.prod(shape)
    return layers


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors in a safetensors file, from its header; none where it cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no dict
    except (OSError, SafetensorError):
        return {}
