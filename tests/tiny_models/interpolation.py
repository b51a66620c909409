"""Weights of networks that make frames between others, random, in the form of the published files."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from pipeline.engines.rife.layout import LAYOUTS, Layout
from pipeline.engines.rife.network import IFNet

FILM_FILE, RIFE_FILE = "film_net_fp32.pt", "flownet.pkl"


def build_rife(folder: Path, layout: Layout = LAYOUTS[0]) -> None:
    """A state dict as the training saves it: every name after "module.", and a network that only the training needs."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(25)
        state = IFNet(layout).state_dict()
        state["caltime.0.weight"] = torch.randn(8, 25, 3, 3)
    torch.save({f"module.{name}": value for name, value in state.items()}, folder / RIFE_FILE)


def build_film(folder: Path) -> None:
    """A module of TorchScript that takes what FILM takes and gives what it gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        save_script(Film(), folder / FILM_FILE)


def save_script(module: nn.Module, path: Path) -> None:
    """Compile a module to TorchScript and save it. PyTorch says at every step that it is deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module.eval()).save(str(path))


class Film(nn.Module):
    """Blends two frames by the time, after a convolution that hardly changes them. Like FILM's pyramid it needs sides
    that are multiples of 64, and like FILM's it takes one time for all frames."""

    def __init__(self) -> None:
        super().__init__()
        self.fuse = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        nn.init.dirac_(self.fuse.weight)
        with torch.no_grad():
            self.fuse.weight += 0.01 * torch.randn(3, 3, 3, 3)

    def forward(self, x0: Tensor, x1: Tensor, batch_dt: Tensor) -> Tensor:
        assert x0.size(2) % 64 == 0
        assert x0.size(3) % 64 == 0
        assert batch_dt.size(0) == 1
        made: Tensor = self.fuse(x0 * (1 - batch_dt) + x1 * batch_dt)
        return made
