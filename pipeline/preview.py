"""What a run would do, before it is done: settings as they would be used, notices, how the prompt is read, areas."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.engines.motion.areas import FoundArea, find_area
from pipeline.engines.motion.prompt import PromptReading, read_prompt
from pipeline.frames import Frame
from pipeline.images import open_image, probe
from pipeline.records import Notice
from pipeline.resolve import ignored, resolve
from pipeline.settings import Settings

NOMINAL_SIZE = (1920, 1080)
"""Stands for the image's width and height in pixels while there is no image yet."""

AREA_SIDE = 1024
"""Longer side in pixels of the picture in which areas are looked for, and of the masks returned."""


@dataclass(frozen=True)
class Preview:
    """What the page shows before Generate is pressed.

    `areas` has one entry for each region of the motion plan, with masks over the whole image as displayed; it is empty
    unless areas were asked for.
    """

    settings: Settings
    notices: tuple[Notice, ...]
    reading: PromptReading
    ignored: dict[str, str]
    areas: tuple[FoundArea, ...] = ()


def preview(image: Path | None, settings: Settings, areas: bool = False) -> Preview:
    """Say what a run with these settings would do. Quick unless `areas` are asked for, which takes about a second.

    Raises InvalidImage and InvalidSetting as a run would report them.
    """
    size = NOMINAL_SIZE
    if image is not None:
        info = probe(image, settings.prepare.max_megapixels, settings.prepare.max_file_mb)
        size = (info.width, info.height)
    used, notices = resolve(settings, *size)
    plan = used.animate.motion.plan
    found: tuple[FoundArea, ...] = ()
    if areas and image is not None and plan is not None:
        picture = _small_picture(image, settings)
        found = tuple(find_area(picture, region.kind) for region in plan.regions)
    return Preview(used, tuple(notices), read_prompt(settings.prompt), ignored(settings), found)


def _small_picture(image: Path, settings: Settings) -> Frame:
    picture = open_image(image, settings.prepare, lambda *_: None)
    picture.thumbnail((AREA_SIDE, AREA_SIDE), Image.Resampling.LANCZOS)
    return np.array(picture)
