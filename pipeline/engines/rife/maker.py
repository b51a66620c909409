"""Frames between two by IFNet: whole, or in tiles that give the same frames with less memory. On first use only."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Tensor

from pipeline.catalogue import Card
from pipeline.engines.padding import padded
from pipeline.engines.rife.layout import FINE, Layout, margin, scales_for
from pipeline.engines.rife.network import IFNet, Scene, blend
from pipeline.engines.rife.weights import read_network
from pipeline.engines.tiles import tiles
from pipeline.models.load import LoadPlan

PIXELS_AT_ONCE = 4_000_000
"""Pixels of all frames that are made together: more do not make a GPU any faster, and take memory."""


SIDES = 128
"""Sides of padded frames are multiples of it, as published; 64 would do for most versions. The published program pads
with black, which the motion near the border draws into the picture."""


class RifeMaker:
    """Makes frames with a loaded network."""

    def __init__(self, network: IFNet, layout: Layout) -> None:
        self._network, self._layout = network, layout

    @classmethod
    def load(cls, card: Card, path: Path, plan: LoadPlan) -> "RifeMaker":
        """Read the weights. Raises ModelMissing."""
        return cls(*read_network(card, path, plan))

    def make(self, frame0: Tensor, frame1: Tensor, times: Sequence[float], tile: int | None) -> Iterator[Tensor]:
        """New frames at each time, (3, H, W) float32 in [0, 1], between two frames of shape (1, 3, H, W) in [0, 1].

        With a tile the fine motion is sought, and the frame put together, in squares of that many pixels a side.
        """
        height, width = frame0.shape[2:]
        scales = scales_for(self._layout, height, width)
        padded0, padded1 = (padded(frame, max(SIDES, 4 * scales[0])) for frame in (frame0, frame1))
        at_once = max(1, PIXELS_AT_ONCE // padded0[0, 0].numel())
        for start in range(0, len(times), at_once):
            scene = self._network.look(padded0, padded1, times[start : start + at_once])
            yield from self._frames(scene, scales, tile)[:, :, :height, :width].clamp(0, 1)

    def _frames(self, scene: Scene, scales: tuple[int, ...], tile: int | None) -> Tensor:
        """All frames of a scene, (N, 3, H, W): the coarse motion whole, the fine one tile by tile."""
        coarse = len(scales) - FINE
        motion = self._network.refine(0, scales[0], scene, scene.whole, None)
        for number in range(1, coarse):
            motion = self._network.refine(number, scales[number], scene, scene.whole, motion)
        made = scene.times.new_empty(len(scene.times), 3, *scene.whole.size)
        for core in tiles(*scene.whole.size, tile):
            window = core.grown(margin(scales), scene.whole)
            around = motion.crop(scene.whole, window)
            for number in range(coarse, len(scales)):
                around = self._network.refine(number, scales[number], scene, window, around)
            rows, columns = core.within(scene.whole)
            made[:, :, rows, columns] = blend(scene, core, around.crop(window, core))
        return made
