"""FILM (Reda et al., "Frame Interpolation for Large Motion", ECCV 2022) from a TorchScript file.

The file holds the network's program and is run as it stands, by TorchScript, which knows no imports and starts no
programs. What it could do to files is looked for, and refused, before it is loaded.
"""

import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.catalogue import HelperCard, Role, get_helper
from pipeline.engines.network_method import Kind, NetworkMethod, Say
from pipeline.engines.padding import padded
from pipeline.engines.tiles import Window, faded, tiles
from pipeline.memory.recover import is_out_of_memory
from pipeline.models.files import locate_file
from pipeline.models.load import LoadPlan
from pipeline.models.single_file import file_problem, unusable
from pipeline.settings import RuntimeSettings

if TYPE_CHECKING:
    from torch import Tensor

NAME = "film"

SIDES = 64
"""Sides that the network takes are multiples of it: seven levels, each half the size of the one before."""

MARGIN = 128
"""Pixels around a tile that the network sees as well, and over which tiles fade into each other."""

NEAR = 0.33
"""How far from both ends, as a share, a new frame must be to be made in one go. The network was trained on middles."""

DEPTH = 6
"""How often the way between two frames is halved at most, to come near a time."""

_REFUSED = re.compile(r"\b(?:save|from_file)\b|\btorch\.classes\b|\brpc\b")
"""What a network has no use for: operators that read or write files, classes of extensions, other machines."""


def load_film(runtime: RuntimeSettings, say: Say) -> NetworkMethod:
    """The method `film`, with the file in the folder of models, which is read with the first frames.

    `say` takes a sentence on what is done otherwise than best, such as in tiles. Raises ModelMissing when there is no
    file, with where it comes from and where it belongs.
    """
    card = get_helper(NAME, Role.INTERPOLATE)
    return NetworkMethod(Kind(card, locate_file(card, runtime), FilmMaker.load, pixels_at_work), runtime, say)


def pixels_at_work(height: int, width: int, tile: int | None) -> int:
    """Pixels that count for the memory at the peak."""
    return height * width if tile is None else min(height * width, (tile + 2 * MARGIN) ** 2)


class FilmMaker:
    """Makes frames with a loaded network, called as `network(frame0, frame1, time)`: its time is for all frames."""

    def __init__(self, network: Any, plan: LoadPlan) -> None:
        self._network, self._plan = network, plan

    @classmethod
    def load(cls, card: HelperCard, path: Path, plan: LoadPlan) -> "FilmMaker":
        """Read the file onto the plan's device. Raises ModelMissing when it does not hold such a network."""
        import torch

        _check(card, path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # PyTorch's of TorchScript, the format of the file
                network = torch.jit.load(path, map_location="cpu").eval()
            maker = cls(network.to(plan.device, getattr(torch, plan.precision.value)), plan)
            trial = torch.zeros(1, 3, SIDES, SIDES, device=plan.device)
            fits = maker._between(trial, trial, 0.5).shape == trial.shape
        except (RuntimeError, ValueError, TypeError, AttributeError) as error:
            if is_out_of_memory(error):
                raise
            raise unusable(card, path, "is damaged, or holds another network than FILM") from error
        if not fits:
            raise unusable(card, path, "holds another network than FILM")
        return maker

    def make(self, frame0: "Tensor", frame1: "Tensor", times: Sequence[float], tile: int | None) -> "Iterator[Tensor]":
        """New frames at each time, (3, H, W) float32, between two frames of shape (1, 3, H, W) in [0, 1].

        With a tile, in squares of that many pixels a side, which see MARGIN pixels around them and fade together.
        """
        height, width = frame0.shape[2:]
        windows = [core.grown(MARGIN, Window(0, 0, height, width)) for core in tiles(height, width, tile)]

        def between(start: "Tensor", end: "Tensor", time: float) -> "Tensor":
            parts = ((each, self._between(each.of(start), each.of(end), time)) for each in windows)
            return faded(parts, height, width) if len(windows) > 1 else self._between(start, end, time)

        way = _Way(frame0, frame1, between)
        return (way.at(time)[0] for time in times)

    def _between(self, frame0: "Tensor", frame1: "Tensor", time: float) -> "Tensor":
        import torch

        height, width = frame0.shape[2:]
        dtype = getattr(torch, self._plan.precision.value)
        pair = [padded(frame, SIDES).to(dtype) for frame in (frame0, frame1)]
        made: Tensor = self._network(*pair, pair[0].new_full((1, 1), time))
        return made[:, :, :height, :width].float().clamp(0, 1)


class _Way:
    """The way from one frame to another, halved towards each time as often as it takes; middles are made once.

    A frame depends on its time alone, and not on the other times that are asked for.
    """

    def __init__(self, start: "Tensor", end: "Tensor", between: "Callable[[Tensor, Tensor, float], Tensor]") -> None:
        self._known, self._between = {0.0: start, 1.0: end}, between

    def at(self, time: float) -> "Tensor":
        """The frame at a time between 0 and 1."""
        low, high = 0.0, 1.0
        for _ in range(DEPTH):
            if NEAR <= (time - low) / (high - low) <= 1.0 - NEAR:
                break
            middle = self._made(low, high, (low + high) / 2)
            low, high = (low, middle) if time < middle else (middle, high)
        return self._known[self._made(low, high, time)]

    def _made(self, low: float, high: float, time: float) -> float:
        """The time, once there is a frame at it."""
        if time not in self._known:
            self._known[time] = self._between(self._known[low], self._known[high], (time - low) / (high - low))
        return time


def _check(card: HelperCard, path: Path) -> None:
    """Look into the archive before anything of it is loaded. Raises ModelMissing when it is not to be."""
    problem = file_problem(path)
    if problem:
        raise unusable(card, path, problem)
    with zipfile.ZipFile(path) as archive:
        programs = [name for name in archive.namelist() if "/code/" in name and name.endswith(".py")]
        sources = [archive.read(name).decode("utf-8", "replace") for name in programs]
    if not sources:
        raise unusable(card, path, "is no file of TorchScript")
    if any(_REFUSED.search(source) for source in sources):
        raise unusable(card, path, "holds a program that reaches for other files, which is never run")
