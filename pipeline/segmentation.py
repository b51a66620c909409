"""Masks for the motion brush, from words."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.catalogue import Role, helper_names
from pipeline.context import Way
from pipeline.engines.florence2 import MAX_WORDS, choose_model, work_with
from pipeline.errors import InvalidSetting, ModelMissing
from pipeline.frames import Mask
from pipeline.images import open_image
from pipeline.settings import Settings
from pipeline.transition_settings import AUTO, NONE

MASK_SIDE = 1024
"""Longer side in pixels of the masks: finer than the thousand places across and down that the model knows."""


def _ignore(_: str) -> None:
    return None


def mask_from_words(
    image: Path,
    words: str,
    settings: Settings,
    say: Callable[[str], None] = _ignore,
    check_cancelled: Callable[[], None] = lambda: None,
) -> tuple[Mask, Way]:
    """Find in an image file what words name (English), with the model that describes images.

    Returns a mask over the whole image as displayed, at most MASK_SIDE pixels a side and black all over where nothing
    was found, and the way "outline", "box" or "nothing" with its reason. `say` is told what is done otherwise than
    best; `check_cancelled` is called after every token and ends the work by raising. The model is loaded in place of
    the one in memory, so this waits its turn with the runs. Raises InvalidSetting for no or too many words,
    ModelMissing when no such model is on this machine, InvalidImage, OutOfMemory, and Cancelled.
    """
    if not any(character.isalnum() for character in words) or len(words) > MAX_WORDS:
        raise InvalidSetting(f"Say what is to be found in 1 to {MAX_WORDS} characters, such as 'the water'.")
    wanted = AUTO if settings.caption.model == NONE else settings.caption.model
    card = choose_model(wanted, settings, say)
    if card is None:
        smallest = helper_names(Role.CAPTION)[0]
        raise ModelMissing(
            "Finding things by words needs a model that describes images, and none is on this machine: "
            f"`python -m pipeline models download {smallest}` gets one."
        )
    picture = open_image(image, settings.prepare, lambda *_: None)
    picture.thumbnail((MASK_SIDE, MASK_SIDE), Image.Resampling.LANCZOS)
    frame = np.array(picture)
    return work_with(card, settings, lambda model: model.segment(frame, words, check_cancelled), say)
