"""Frames in sizes that a network takes."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def padded(frame: "Tensor", multiple: int) -> "Tensor":
    """A frame (1, C, H, W) with its border repeated below and on the right, up to sides of a multiple of pixels.

    What was there is `[:, :, :H, :W]` of the result.
    """
    from torch.nn import functional

    height, width = frame.shape[2:]
    below, right = (math.ceil(side / multiple) * multiple - side for side in (height, width))
    return functional.pad(frame, (0, right, 0, below), mode="replicate")
