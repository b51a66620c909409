"""Weights of small super-resolution networks, random, in the form of published files."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn


def compact_state(scale: int = 2, features: int = 8, layers: int = 2) -> dict[str, Tensor]:
    """A state dict of Real-ESRGAN's compact network, which adds what it computes to the picture enlarged plainly.

    The last layer is weak, so that pictures come out much as they went in.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        body: list[nn.Module] = [nn.Conv2d(3, features, 3, 1, 1), nn.PReLU(features)]
        for _ in range(layers):
            body += [nn.Conv2d(features, features, 3, 1, 1), nn.PReLU(features)]
        body.append(nn.Conv2d(features, 3 * scale * scale, 3, 1, 1))
        state = {f"body.{name}": value for name, value in nn.Sequential(*body).state_dict().items()}
    last = f"body.{len(body) - 1}"
    return state | {f"{last}.{part}": 0.3 * state[f"{last}.{part}"] for part in ("weight", "bias")}


def build_compact(path: Path, scale: int = 2) -> Path:
    """Write the weights as their kind is published: below "params" in a .pth, as they are in a .safetensors."""
    state = compact_state(scale)
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"params": state}, path)
    return path


def rrdb_state(features: int = 8, growth: int = 32, blocks: int = 1) -> dict[str, Tensor]:
    """A state dict of Real-ESRGAN's large network, four times: residual in residual dense blocks. A photo
    comes out as a picture: with the weights that torch begins with it is one grey, in which no seam can show."""
    layers = {"conv_first": (3, features), "conv_body": (features, features)}
    for block in range(blocks):
        for dense in (1, 2, 3):
            for number in range(1, 6):
                inputs = features + (number - 1) * growth
                layers[f"body.{block}.rdb{dense}.conv{number}"] = (inputs, growth if number < 5 else features)
    layers |= dict.fromkeys(("conv_up1", "conv_up2", "conv_hr"), (features, features))
    layers |= {"conv_last": (features, 3)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        modules = {name: nn.Conv2d(*channels, 3, 1, 1) for name, channels in layers.items()}
        for module in modules.values():
            nn.init.kaiming_normal_(module.weight, nonlinearity="leaky_relu")
    state = {f"{name}.{part}": value for name, module in modules.items() for part, value in module.state_dict().items()}
    state["conv_last.weight"] *= 0.1
    state["conv_last.bias"] += 0.5
    return state
