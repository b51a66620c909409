"""A super-resolution network at work on frames, in tiles that become smaller where memory runs out."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.enhancement.tiles import tiled
from pipeline.enhancement.weights import load_network
from pipeline.errors import OutOfMemory
from pipeline.frames import Frame
from pipeline.interpolation import enlarge
from pipeline.memory.recover import free, is_out_of_memory
from pipeline.models.resident import RESIDENT
from pipeline.records import DowngradeRecord

SMALLEST_TILE = 128
"""The lowest rung: still smaller tiles would be mostly overlap."""

PHASE = "enhance"
"""The phase that the rungs are recorded for."""


class Upscaler:
    """Enlarges frames to `size` by a network, then to the exact size by Lanczos resampling.

    On a GPU it computes in half precision where the network allows it. When memory runs out, a model that was kept for
    another run is freed, then tiles are halved down to SMALLEST_TILE; each rung is handed to `keep`, and holds for all
    frames after. On the lowest rung, frames are enlarged by Lanczos alone if `may_do_without` says so and no frame is
    made yet: within a film, sharpness would jump. `limits` are entered for each frame. May be used by several threads;
    the network sees one frame at a time.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        tile: int,
        keep: Callable[[DowngradeRecord], None],
        may_do_without: bool = False,
        limits: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._path, self._size, self._tile = path, size, max(tile, SMALLEST_TILE)
        self._keep, self._may_do_without = keep, may_do_without
        self._limits = limits
        self._network: Any = load_network(path)
        self._has_made = False
        self._lock = threading.Lock()

    @property
    def scale(self) -> int:
        """How many times larger the network makes a side."""
        return int(self._network.scale) if self._network is not None else 1

    def place(self, device: str) -> None:
        """Move the network to "cuda" or "cpu", in the precision that suits both."""
        import torch

        network = self._network
        dtype = torch.float32
        if device == "cuda":
            halves = ((network.supports_half, torch.float16), (network.supports_bfloat16, torch.bfloat16))
            dtype = next((each for supported, each in halves if supported), torch.float32)
        network.to(device=torch.device(device), dtype=dtype)

    def __call__(self, frame: Frame, check: Callable[[], None]) -> Frame:
        """The frame in the size asked for. `check` is called before each tile and may raise.

        Raises OutOfMemory on the lowest rung.
        """
        with self._lock, self._limits():
            made = self._enlarged(frame, check)
            self._has_made = True
        return enlarge(made, *self._size)

    def _enlarged(self, frame: Frame, check: Callable[[], None]) -> Frame:
        while self._network is not None:
            try:
                return self._run(frame, check)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                shortage = error
            # Outside of the handler, which would keep the tensors of the failed attempt alive.
            free(shortage)
            self._descend(max(frame.shape[:2]))
        return frame

    def _run(self, frame: Frame, check: Callable[[], None]) -> Frame:
        from spandrel import ModelTiling

        def infer(piece: Frame) -> Frame:
            check()
            return self._infer(piece)

        # Some networks make their own tiles, since they must see the whole picture.
        tile = max(frame.shape[:2]) if self._network.tiling is ModelTiling.INTERNAL else self._tile
        return tiled(frame, self.scale, tile, infer)

    def _infer(self, piece: Frame) -> Frame:
        import torch

        network = self._network
        with torch.inference_mode():
            pixels = torch.from_numpy(piece).to(network.device).permute(2, 0, 1)[None]
            made = network(pixels.to(network.dtype) / 255.0)[0].float()
            if network.dtype is not torch.float32 and not bool(made.isfinite().all()):
                network.float()
                message = f"{self._path.name} computes in full precision because its numbers left the range of half: "
                self._say("full-precision", message + "it is slower.")
                return self._infer(piece)
            levels = made.nan_to_num().mul_(255.0).round_().to(torch.uint8).permute(1, 2, 0)
            return np.asarray(levels.contiguous().cpu().numpy())

    def _descend(self, longest: int) -> None:
        """Take the next rung, and say so. Raises OutOfMemory below the lowest."""
        name = self._path.name
        if RESIDENT.model is not None:
            title = f"{RESIDENT.name} was unloaded"
            RESIDENT.release()
            self._say("free-model", f"{title} because enlarging ran out of memory: the next run loads it again.")
        elif min(self._tile, longest) > SMALLEST_TILE:
            before, self._tile = self._tile, max(min(self._tile, longest) // 2, SMALLEST_TILE)
            message = f"Tiles of {self._tile} pixels because {name} ran out of memory: it is slower."
            self._say("smaller-tiles", message, {"enhance.tile": before}, {"enhance.tile": self._tile})
        elif self._may_do_without and not self._has_made:
            self._network = None
            message = f"Enlarged without a model because {name} ran out of memory: details are less sharp."
            self._say("without-model", message, {"enhance.model": str(self._path)}, {"enhance.model": ""})
        else:
            raise OutOfMemory(
                f"Memory ran out while {name} enlarged tiles of {SMALLEST_TILE} pixels: close other programs, choose a "
                "smaller model, or leave enhance.model empty to enlarge without one (Lanczos)."
            )

    def _say(
        self, rung: str, message: str, before: dict[str, object] | None = None, after: dict[str, object] | None = None
    ) -> None:
        is_without = rung == "without-model"
        self._keep(
            DowngradeRecord(
                rung=rung,
                phase=PHASE,
                reason="shortage",
                message=message,
                changes_picture=is_without,
                before=before or {},
                after=after or {},
            )
        )
