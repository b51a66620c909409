"""Folders in the layout of the Hugging Face hub, filled with networks of random weights.

`save_pretrained` of today's libraries writes other files than the hub's repositories hold, so this module writes them
itself: the published file names, the number of shards, the variants, and the names of the weights.
"""

import importlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    Weights = dict[str, torch.Tensor]

PLAIN = ""
"""The variant without a name."""


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file as the hub's are written; folders on the way are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def make(class_path: str, *arguments: Any, **values: Any) -> Any:
    """An object of a library's class, such as "diffusers.AutoencoderKL"."""
    module, _, name = class_path.rpartition(".")
    return getattr(importlib.import_module(module), name)(*arguments, **values)


def network(class_path: str, *arguments: Any, seed: str = "", **values: Any) -> Any:
    """A network whose random weights depend on its class and `seed` alone, in evaluation mode.

    Layers that start at zero are given weights as well: they would pass on nothing, and hide what is done to them.
    """
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(zlib.crc32(f"{class_path} {seed}".encode()))
        made = make(class_path, *arguments, **values)
        for parameter in made.parameters():
            if parameter.ndim > 1 and not parameter.any():
                parameter.normal_(std=0.02)
    return made.eval()


class Repository:
    """One repository, filled component by component; `finish` writes its model_index.json."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index: dict[str, Any] = {}

    def place(self, component: str, library: str, class_name: str) -> Path:
        """Enter a component into the index; returns its folder, which the caller fills."""
        self._index[component] = [library, class_name]
        folder = self.folder / component
        folder.mkdir(parents=True)
        return folder

    def diffusers(self, component: str, network: Any, shards: int = 1, variants: tuple[str, ...] = (PLAIN,)) -> None:
        """Add a network of diffusers with its config."""
        folder = self.place(component, "diffusers", type(network).__name__)
        network.save_config(folder)
        write_weights(folder, "diffusion_pytorch_model", network.state_dict(), shards, variants)

    def transformers(self, component: str, network: Any, shards: int = 1, variants: tuple[str, ...] = (PLAIN,)) -> None:
        """Add a network of transformers with its config."""
        folder = self.place(component, "transformers", type(network).__name__)
        write_config(folder, network)
        write_weights(folder, "model", published_weights(network), shards, variants)

    def scheduler(self, scheduler: Any) -> None:
        """Add the scheduler's config."""
        scheduler.save_config(self.place("scheduler", "diffusers", type(scheduler).__name__))

    def finish(self, class_name: str, **values: Any) -> None:
        """Write model_index.json: the class of the pipeline, its components, and further `values`."""
        import diffusers

        head = {"_class_name": class_name, "_diffusers_version": diffusers.__version__}
        write_json(self.folder / "model_index.json", head | dict(sorted((self._index | values).items())))


def write_config(folder: Path, network: Any) -> None:
    """Write config.json of a network of transformers, with the name of its class as the hub's have it."""
    write_json(folder / "config.json", network.config.to_diff_dict() | {"architectures": [type(network).__name__]})


def published_weights(network: Any) -> "Weights":
    """The weights of a network of transformers under the names that the hub's files have for them.

    Since its version 5, transformers has CLIP and SigLIP encoders without the prefix of the published files; and tied
    weights appear twice among its own, of which the hub's files hold the first.
    """
    prefixes = {
        "CLIPTextModel": "text_model.",
        "CLIPVisionModel": "vision_model.",
        "SiglipVisionModel": "vision_model.",
    }
    prefix = prefixes.get(type(network).__name__, "")
    weights: Weights = {}
    seen = set()
    for name, tensor in network.state_dict().items():
        if tensor.data_ptr() not in seen:
            weights[name if name.startswith(prefix) else prefix + name] = tensor
        seen.add(tensor.data_ptr())
    return weights


def write_weights(
    folder: Path, stem: str, weights: "Weights", shards: int = 1, variants: tuple[str, ...] = (PLAIN,)
) -> None:
    """Write a network's weights as safetensors, once for each variant; several shards get an index beside them."""
    import torch
    from safetensors.torch import save_file

    for variant in variants:
        dtype = torch.float16 if variant == "fp16" else torch.float32
        tensors = {name: tensor.to(dtype).contiguous() for name, tensor in weights.items()}
        ending = f"{variant}.safetensors" if variant else "safetensors"
        if shards == 1:
            save_file(tensors, folder / f"{stem}.{ending}", metadata={"format": "pt"})
            continue
        names = list(tensors)
        places = {name: number * shards // len(names) + 1 for number, name in enumerate(names)}
        files = {name: f"{stem}-{place:05}-of-{shards:05}.{ending}" for name, place in places.items()}
        for file in sorted(set(files.values())):
            part = {name: tensor for name, tensor in tensors.items() if files[name] == file}
            save_file(part, folder / file, metadata={"format": "pt"})
        size = sum(tensor.nbytes for tensor in tensors.values())
        write_json(
            folder / f"{stem}.{'safetensors' if not variant else f'{variant}.safetensors'}.index.json",
            {"metadata": {"total_size": size}, "weight_map": dict(sorted(files.items()))},
        )
