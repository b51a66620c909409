"""Depth maps of the user's own: grey pictures in which nearer is brighter."""

from pathlib import Path

import cv2
import numpy as np

from pipeline.depth.depth_map import Nearness, stretched
from pipeline.errors import InvalidImage
from pipeline.images import probe
from pipeline.settings import PrepareSettings

ASPECT_SLACK = 0.02
"""How far the aspect may be off: maps made at multiples of 14 or 32 pixels are not quite the image's shape."""

SAME_GREY = 3
"""Most that the channels of an 8-bit picture may differ for it to count as grey."""


def read_depth(path: Path, image_size: tuple[int, int], settings: PrepareSettings, inverted: bool) -> Nearness:
    """Read a depth map for an image whose size is `image_size` (width, height): 8 or 16 bits, nearer is brighter.

    With `inverted`, nearer is darker. The map keeps its own size, which may be any with the image's aspect; its values
    are stretched to 0 to 1. Raises InvalidImage, one sentence, for a file that is missing, broken, coloured or of
    another aspect.
    """
    probe(path, settings.max_megapixels, settings.max_file_mb)
    values = _decoded(path)
    height, width = values.shape
    if abs(width * image_size[1] / (height * image_size[0]) - 1) > ASPECT_SLACK:
        raise InvalidImage(
            f"The depth map '{path.name}' is {width} x {height} pixels and the image {image_size[0]} x "
            f"{image_size[1]}: it must show the whole image, in any size of the same shape."
        )
    nearness = stretched(values)
    return np.asarray(1 - nearness if inverted else nearness, np.float32)


def _decoded(path: Path) -> Nearness:
    """The grey values of a file as floats."""
    values = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype not in (np.uint8, np.uint16):
        raise InvalidImage(f"The depth map '{path.name}' cannot be read: save it as a grey PNG of 8 or 16 bits.")
    if values.ndim == 3:
        colours = values[..., :3].astype(np.int32)
        if float(np.ptp(colours, axis=2).max()) > SAME_GREY * (257 if values.dtype == np.uint16 else 1):
            raise InvalidImage(
                f"The depth map '{path.name}' is in colour: save it as grey, with near things bright and far ones dark."
            )
        values = values[..., 0]
    return np.asarray(values, np.float32)
