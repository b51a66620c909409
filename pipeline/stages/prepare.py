"""prepare: from an image file to the crop that becomes the video."""

from dataclasses import dataclass
from math import ceil, gcd
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.cache import cache_key
from pipeline.context import Context
from pipeline.depth import Nearness, read_depth
from pipeline.environment import PIXEL_PACKAGES, package_version
from pipeline.errors import InvalidImage
from pipeline.frames import Frame, Mask, PreparedImage
from pipeline.image_colour import Note
from pipeline.images import open_image, read_mask
from pipeline.models.identity import digest
from pipeline.settings import MIN_SIDE, PrepareSettings, Settings

MAX_DETAIL = 2
"""Largest size of the plate, in sizes of the video."""

SOFT = 1.5
"""Enlargement from which a video looks clearly soft."""

INVISIBLE = 8
"""A mask that is nowhere whiter than this (of 255) is black: JPEG leaves such noise."""

REDUCING_GAP = 3.0
"""Pillow may shrink by a whole factor first, down to this many times the wanted size: quick, and fair beyond notice."""

_Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Crop:
    """The part of an image that is shown, in pixels of an image of `image_width` x `image_height`; sub-pixel exact."""

    left: float
    top: float
    width: float
    height: float
    image_width: int
    image_height: int

    def box(self, width: int, height: int) -> _Box:
        """The same part of a scaled copy of the image that has this size: left, top, right, bottom."""
        across, down = width / self.image_width, height / self.image_height
        right, bottom = (self.left + self.width) * across, (self.top + self.height) * down
        return self.left * across, self.top * down, min(right, width), min(bottom, height)


class Prepare:
    """Reads the image and its masks, crops them to the aspect of the video and scales them."""

    name = "prepare"
    version = "1"

    def __call__(self, value: Path, settings: Settings, context: Context) -> PreparedImage:
        """Return the picture for the video from an image file.

        `settings.prepare.width` and `height` must be filled in. Raises InvalidImage for a file or a mask that cannot be
        used, and Cancelled.
        """
        wanted = settings.prepare
        size = _video_size(wanted)
        image = open_image(value, wanted, _note(context))
        context.check_cancelled()
        crop = find_crop(image.size, size, (wanted.focus_x, wanted.focus_y))
        _advise(crop, size, context)
        detailed = plate_size(crop, size)
        frame = _scaled(image, crop, size)
        plate = frame if detailed == size else _scaled(image, crop, detailed)
        del image  # a 24-megapixel photo holds 96 MB
        masks = tuple(_mask(path, crop, detailed, wanted, context) for path in wanted.masks)
        depth = _depth(crop, detailed, settings)
        return PreparedImage(frame, plate, masks, depth=depth, key=prepared_key(value, settings))


def prepared_key(image: Path, settings: Settings) -> str:
    """The digest of all that decides what is made of an image file. Raises OSError when an input cannot be read."""
    wanted, motion = settings.prepare, settings.animate.motion
    decides = {
        "image": digest(image),
        "masks": [digest(mask) for mask in wanted.masks],
        "depth": None if motion.depth is None else [digest(motion.depth), motion.depth_inverted],
        "settings": wanted.model_dump(mode="json", exclude={"masks", "max_megapixels", "max_file_mb", "resolution"}),
        "packages": {name: package_version(name) for name in PIXEL_PACKAGES},
    }
    return cache_key(Prepare.name, Prepare.version, decides)


def find_crop(image_size: tuple[int, int], video_size: tuple[int, int], focus: tuple[float, float]) -> Crop:
    """The largest part of the image with the exact aspect of the video.

    Sizes are (width, height) in pixels. `focus` says what is kept, across and down: 0 the left or upper edge, 0.5 the
    centre, 1 the right or lower edge.
    """
    (image_width, image_height), (width, height) = image_size, video_size
    if image_width * height > image_height * width:
        crop_width, crop_height = image_height * width / height, float(image_height)
    else:
        crop_width, crop_height = float(image_width), image_width * height / width
    left, top = (image_width - crop_width) * focus[0], (image_height - crop_height) * focus[1]
    return Crop(left, top, crop_width, crop_height, image_width, image_height)


def plate_size(crop: Crop, video_size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the plate: the crop's own detail, between 1 and MAX_DETAIL times the video.

    The aspect is exactly the video's, so the next larger size of that aspect is taken where the crop's own has another.
    """
    width, height = video_size
    steps = gcd(width, height)
    detail = min(max(crop.width / width, 1.0), MAX_DETAIL)
    scale = min(ceil(round(detail * steps, 6)), MAX_DETAIL * steps)
    return width // steps * scale, height // steps * scale


def _note(context: Context) -> Note:
    """Notes of the image reader, under the name of this stage."""
    return lambda message, level: context.note(Prepare.name, message, level)


def _video_size(settings: PrepareSettings) -> tuple[int, int]:
    if settings.width is None or settings.height is None:
        raise ValueError("prepare needs the size of the video: fill it in with pipeline.sizes.target_size")
    return settings.width, settings.height


def _scaled(image: Image.Image, crop: Crop, size: tuple[int, int]) -> Frame:
    """The crop in another size: Lanczos, whose support grows with the reduction, so nothing aliases."""
    box = crop.box(*image.size)
    return np.array(image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=REDUCING_GAP))


def _advise(crop: Crop, video_size: tuple[int, int], context: Context) -> None:
    """Say it when the image has fewer pixels than the video."""
    enlargement = video_size[0] / crop.width
    if enlargement <= 1.0:
        return
    shown = f"{round(crop.width)} x {round(crop.height)}"
    smaller = f" or a video of at most {shown}" if min(crop.width, crop.height) >= MIN_SIDE else ""
    how = "soft" if enlargement > SOFT else "a little soft"
    message = (
        f"The image gives {shown} pixels for a video of {video_size[0]} x {video_size[1]}, "
        f"so it is enlarged {enlargement:.2g} times and looks {how}: choose a larger image{smaller}."
    )
    context.note(Prepare.name, message, "warning" if enlargement > SOFT else "info")


def _mask(path: Path, crop: Crop, size: tuple[int, int], settings: PrepareSettings, context: Context) -> Mask:
    """One mask file through the same crop, in the plate's size."""
    context.check_cancelled()
    mask = read_mask(path, (crop.image_width, crop.image_height), settings, _note(context))
    if mask.max() <= INVISIBLE:
        raise InvalidImage(f"The mask '{path.name}' is black all over: paint white where things should move.")
    scaled = _scaled(Image.fromarray(mask), crop, size)
    if scaled.max() <= INVISIBLE:
        message = f"The white area of the mask '{path.name}' lies outside the part of the image that is shown."
        context.note(Prepare.name, message, "warning")
    return scaled


def _depth(crop: Crop, size: tuple[int, int], settings: Settings) -> Nearness | None:
    """The user's depth map through the same crop, in the plate's size; None without one."""
    motion = settings.animate.motion
    if motion.depth is None or settings.animate.engine != "motion":
        return None
    whole = (crop.image_width, crop.image_height)
    nearness = Image.fromarray(read_depth(motion.depth, whole, settings.prepare, motion.depth_inverted))
    return np.array(nearness.resize(size, Image.Resampling.BILINEAR, box=crop.box(*nearness.size)))
