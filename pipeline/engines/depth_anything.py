"""Depth Anything V2 (Yang et al., NeurIPS 2024) through transformers: how near every pixel of one picture is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np

from pipeline.catalogue import HelperCard, Role
from pipeline.context import Way
from pipeline.depth import Depth, Nearness
from pipeline.depth.depth_map import stretched
from pipeline.engines.held import Say, choose_with_room, work_held
from pipeline.frames import Frame
from pipeline.memory.fitting import Wish
from pipeline.models.files import ModelFiles
from pipeline.models.load import LoadPlan, load_network
from pipeline.models.resident import RESIDENT
from pipeline.settings import RuntimeSettings

Found = TypeVar("Found")

SHORT_SIDE, PATCH = 518, 14
"""Shorter side in pixels and the multiple of both, as published: preprocessor_config.json of the repositories."""

LONGEST = 3
"""Most that the longer side may be of the shorter one at work: a panorama is squeezed rather than run out of memory."""

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colours of ImageNet, from 0 to 1, which the network was trained with."""


@dataclass(frozen=True)
class DepthAnything:
    """The loaded network on its device."""

    network: Any

    def nearness(self, image: Frame) -> Nearness:
        """How near every pixel is, in the size that the network works at; the same image gives the same map."""
        import torch

        size = working_size(image.shape[1], image.shape[0])
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_CUBIC)
        values = (small.astype(np.float32) / 255 - MEAN) / DEVIATION
        pixels = torch.from_numpy(values.transpose(2, 0, 1)[None].astype(np.float32))
        with torch.inference_mode():
            found = self.network(pixel_values=pixels.to(self.network.device, self.network.dtype)).predicted_depth
        return stretched(found[0].float().cpu().numpy())


def working_size(width: int, height: int) -> tuple[int, int]:
    """Width and height that the network works at for a picture: the published shorter side, multiples of PATCH."""
    factor = SHORT_SIDE / min(width, height)
    sides = (min(side * factor, LONGEST * SHORT_SIDE) for side in (width, height))
    across, down = (max(round(side / PATCH), 1) * PATCH for side in sides)
    return across, down


def load(files: ModelFiles, plan: LoadPlan) -> DepthAnything:
    """Load the model onto the plan's device. Raises ModelMissing when its files do not hold a whole one."""
    return DepthAnything(load_network("DepthAnythingForDepthEstimation", files, plan).to(plan.device))


def predicted_depth(image: Frame, wanted: str, runtime: RuntimeSettings, say: Say) -> Depth | None:
    """The depth that a model sees in an image, in the size that the model works at.

    `wanted` is `auto` (the largest on this machine that there is room for), `none`, or a model's name. Returns None
    without a model. Raises InvalidSetting for an unknown name, ModelMissing for one that is not here, OutOfMemory.
    """
    card = choose_with_room(Role.DEPTH, wanted, Wish(), runtime, say)
    return None if card is None else _predicted(image, card, runtime, say)


def predicted_clip(
    frames: Sequence[Frame], wanted: str, runtime: RuntimeSettings, say: Say, check: Callable[[], None]
) -> list[Nearness] | None:
    """The same for the frames of a clip, each by itself and in a scale of its own; `check` may raise before each."""
    card = choose_with_room(Role.DEPTH, wanted, Wish(), runtime, say)
    if card is None:
        return None

    def work(model: DepthAnything) -> list[Nearness]:
        found = []
        for frame in frames:
            check()
            found.append(model.nearness(frame))
        return found

    return _held(card, runtime, work, say)


def _held(card: HelperCard, runtime: RuntimeSettings, work: Callable[[DepthAnything], Found], say: Say) -> Found:
    try:
        return work_held(card, Wish(), runtime, load, work, say)
    finally:
        if not runtime.keep_model:
            RESIDENT.release()


def _predicted(image: Frame, card: HelperCard, runtime: RuntimeSettings, say: Say) -> Depth:
    nearness = _held(card, runtime, lambda model: model.nearness(image), say)
    return Depth(nearness, Way(card.name, f"Depth is that which {card.title} sees in the picture."))
