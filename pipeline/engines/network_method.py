"""Frames between two by a network: where it has room, and in smaller tiles or elsewhere when memory runs out."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pipeline.catalogue import HelperCard
from pipeline.errors import InvalidInput, OutOfMemory
from pipeline.frames import Frame
from pipeline.interpolation.around import ALONE, Around
from pipeline.memory.fitting import Setup, has_room, setups
from pipeline.memory.limit import within_limits
from pipeline.memory.machine import read_machine
from pipeline.memory.recover import free, is_out_of_memory
from pipeline.models.load import LoadPlan
from pipeline.models.resident import RESIDENT
from pipeline.models.single_file import WITHOUT, unusable
from pipeline.settings import RuntimeSettings

if TYPE_CHECKING:
    from torch import Tensor

TILES = (None, 1024, 512)
"""Sides of the squares in which a frame is worked on, in pixels, None for whole frames: the best first."""

Say = Callable[[str], None]
"""Takes a sentence on what is done otherwise than best."""


class Maker(Protocol):
    """A loaded network."""

    def make(self, frame0: "Tensor", frame1: "Tensor", times: Sequence[float], tile: int | None) -> "Iterator[Tensor]":
        """New frames at each time, (3, H, W), between two frames of shape (1, 3, H, W), float32 in [0, 1] all of them.

        With a tile, in squares of that many pixels a side.
        """
        ...


@dataclass(frozen=True)
class Kind:
    """What one family of networks has of its own.

    `load` reads a file of weights onto a device, and raises ModelMissing for one that cannot be used. `pixels_at_work`
    takes a frame's height and width and a tile, and tells how many pixels count for the memory at the peak.
    """

    card: HelperCard
    path: Path
    load: Callable[[HelperCard, Path, LoadPlan], Maker]
    pixels_at_work: Callable[[int, int, int | None], int]


@dataclass(frozen=True)
class Way:
    """A way to make frames: where the network is held, and the side of the tiles."""

    setup: Setup
    tile: int | None

    @property
    def words(self) -> str:
        """The same in words, as in "works on the GPU in tiles of 512 pixels"."""
        return f"{self.setup.where} {f'in tiles of {self.tile} pixels' if self.tile else 'on whole frames'}"


class NetworkMethod:
    """Makes frames between two with a network; see `pipeline.interpolation.method.Method`.

    The network is loaded with the first frames, and stays the one in memory until another model takes its place or
    `close` is called. May be called from several threads, which wait for each other.
    """

    def __init__(self, kind: Kind, runtime: RuntimeSettings, say: Say) -> None:
        self._kind, self._runtime, self._say = kind, runtime, say
        self._lock = threading.Lock()
        self._machine = read_machine(runtime, Path())
        self._size: tuple[int, ...] = ()
        self._ways: list[Way] = []

    @property
    def name(self) -> str:
        """The method's name, which is that of its card."""
        return self._kind.card.name

    def frames(
        self,
        frame0: Frame,
        frame1: Frame,
        times: Sequence[float],
        around: Around = ALONE,  # noqa: ARG002  the networks were trained on pairs
    ) -> list[Frame]:
        """New frames between two of the same size, at times strictly between 0 and 1, in the order of the times.

        Raises InvalidInput for frames of different sizes, ModelMissing when the weights cannot be used, and OutOfMemory
        when there is too little for the smallest tiles on the processor.
        """
        if frame0.shape != frame1.shape:
            raise InvalidInput("Frames to make others between must have the same size.")
        if not all(0.0 < time < 1.0 for time in times):
            raise ValueError("times lie strictly between 0 and 1")
        with self._lock:
            self._find_ways(frame0.shape[:2])
            with within_limits(self._machine, self._runtime):
                return self._made(frame0, frame1, times)

    def close(self) -> None:
        """Free the network, unless models are to be kept for the next run."""
        if not self._runtime.keep_model:
            RESIDENT.release()

    def _find_ways(self, size: tuple[int, ...]) -> None:
        """The ways that there is room for now, for frames of another size than before."""
        if size == self._size:
            return
        self._machine = read_machine(self._runtime, Path())
        self._size, ways = size, list(self._all_ways(size))
        self._ways = [way for way in ways if has_room(way.setup, self._machine, self._runtime)]
        if self._ways and self._ways[0] != ways[0]:
            self._tell(ways[0])

    def _all_ways(self, size: tuple[int, ...]) -> Iterator[Way]:
        """Every way there is, the best first. On the processor half precision would only be slower."""
        tiles = [tile for tile in TILES if tile is None or tile < max(size)]
        for device in dict.fromkeys((self._machine.device, "cpu")):
            for tile in tiles:
                pixels = self._kind.pixels_at_work(size[0], size[1], tile)
                yield Way(setups(self._kind.card, device, pixels)[0], tile)

    def _made(self, frame0: Frame, frame1: Frame, times: Sequence[float]) -> list[Frame]:
        """The frames, made in the first way that does not run out of memory; those after it are tried no more."""
        while self._ways:
            way = self._ways[0]
            try:
                return self._attempt(way, frame0, frame1, times)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                free(error)
            RESIDENT.release()
            del self._ways[0]
            if self._ways:
                self._tell(way)
        height, width = frame0.shape[:2]
        title = self._kind.card.title
        raise OutOfMemory(f"There is too little memory for {title} at {width} x {height} pixels; {WITHOUT}.")

    def _attempt(self, way: Way, frame0: Frame, frame1: Frame, times: Sequence[float]) -> list[Frame]:
        import torch

        plan = LoadPlan(way.setup.device, way.setup.precision)
        key = (self._kind.card.name, str(self._kind.path), plan)
        maker: Maker = RESIDENT.acquire(key, partial(self._kind.load, self._kind.card, self._kind.path, plan))
        with torch.inference_mode():
            start, end = (_to_tensor(frame, plan.device) for frame in (frame0, frame1))
            return [self._to_frame(made) for made in maker.make(start, end, times, way.tile)]

    def _to_frame(self, made: Any) -> Frame:
        """(3, H, W) in [0, 1] to a frame. A network that gives no numbers has weights that are not what they seem."""
        import torch

        if not torch.isfinite(made).all():
            raise unusable(self._kind.card, self._kind.path, "makes frames that are no numbers")
        frame: Frame = (made * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()
        return frame

    def _tell(self, better: Way) -> None:
        """Say that the first way left is used instead of a better one."""
        title = self._kind.card.title
        self._say(f"{title} works {self._ways[0].words}: there is too little memory for it {better.words}.")


def _to_tensor(frame: Frame, device: str) -> "Tensor":
    """A frame as (1, 3, H, W), float32 in [0, 1]."""
    import torch

    pixels = torch.tensor(np.ascontiguousarray(frame), device=device)
    return pixels.permute(2, 0, 1)[None].float() / 255
