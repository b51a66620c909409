"""What a run keeps on disk between its phases: latents, and frames before they are encoded.

A failure to decode then repeats decoding alone, one to encode encoding alone, and neither takes main memory meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.engines.diffusion.family import Tensors
from pipeline.frames import Frame


def save_latents(latents: Tensors, path: Path) -> None:
    """Write named tensors to a safetensors file. Raises OSError when the disk is full."""
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in latents.items()}, path)


def load_latents(path: Path) -> Tensors:
    """Read what `save_latents` wrote, into main memory."""
    from safetensors.torch import load_file

    return dict(load_file(path))


@dataclass(frozen=True)
class StoredFrames:
    """Frames in a file of raw uint8 RGB, `count` of `height` x `width`."""

    path: Path
    count: int
    width: int
    height: int

    def __iter__(self) -> Iterator[Frame]:
        """Read the frames in order, one at a time."""
        size = self.width * self.height * 3
        with self.path.open("rb") as file:
            for _ in range(self.count):
                data = file.read(size)
                yield np.frombuffer(data, np.uint8).reshape(self.height, self.width, 3)


def store_frames(frames: Iterable[Frame], path: Path, report: Callable[[int], None]) -> StoredFrames:
    """Write frames to a file as they come; `report` is told how many are done. Raises OSError when the disk is full.

    Plain writes, not a memory map: a full disk would end the program there with a signal.
    """
    count, shape = 0, (0, 0)
    with path.open("wb") as file:
        for frame in frames:
            file.write(np.ascontiguousarray(frame).data)
            count, shape = count + 1, (int(frame.shape[1]), int(frame.shape[0]))
            report(count)
    return StoredFrames(path, count, *shape)
