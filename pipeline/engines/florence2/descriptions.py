"""Images in words: by Florence-2 where it is present, and with a reason where they are not described."""

import logging
from collections.abc import Sequence
from typing import Any

from pipeline.cache import Cache, Recalled
from pipeline.catalogue import HelperCard, Role, helper_names
from pipeline.choices import Detail
from pipeline.context import Context, FromCache, Progress, Way
from pipeline.engines.florence2.model import Florence2
from pipeline.engines.florence2.session import choose_model, work_with
from pipeline.engines.held import Say
from pipeline.errors import Cancelled, ImageToVideoError, InvalidInput, ModelMissing
from pipeline.frames import PictureKey, PreparedImage
from pipeline.models.kept_texts import KeptTexts
from pipeline.settings import Settings
from pipeline.transition_settings import AUTO, NONE

LOG = logging.getLogger("pipeline.caption")

STAGE = "caption"

VERSION = "1"
"""Of how images are described: raised when the same request gives other words."""


Described = list[tuple[str, Way]]
"""The caption of each image, and how it came about."""


def recall(images: Sequence[PictureKey], settings: Settings, cache: Cache | None) -> Recalled[Described] | None:
    """What `describe` says of images with these keys where no model is asked; None where one would be.

    Raises InvalidSetting and ModelMissing as `describe` does.
    """
    return _recalled(choose_model(settings.caption.model, settings, lambda _: None), images, settings, cache)


def describe(images: Sequence[PreparedImage], settings: Settings, context: Context) -> Described:
    """The caption of each image and how it came about; empty, with the way "none", where no model could describe it.

    Whatever fails half-way is said, and the captions made until then are kept. Raises InvalidSetting for an unknown
    model, ModelMissing when the one that was asked for by name is not on this machine, and Cancelled.
    """
    notes: list[str] = []

    def say(message: str) -> None:
        notes.append(message)
        context.note(STAGE, message, "warning")

    card = choose_model(settings.caption.model, settings, say)
    if card is None:
        context.note(STAGE, _why_none(settings.caption.model))
        return _undescribed(len(images), settings)
    keys = [image.picture_key for image in images]
    recalled = _recalled(card, keys, settings, context.cache)
    if recalled is not None:
        context.keep(FromCache(STAGE))
        return recalled.value
    describer = _Describer(images, settings.caption.detail, context)
    problem = _failure(describer, card, settings, say)
    if not notes:  # else it was done otherwise than best, for lack of memory
        kept = KeptTexts(STAGE, VERSION, card, settings.runtime, context.cache)
        for key, text in zip(keys, describer.texts, strict=False):
            kept.keep(_decides(key, settings), [text])
    described = Way(card.name, " ".join([f"{card.title} described the image.", *notes]))
    wordless = Way("none", f"{card.title} found no words for the image.")
    if not all(describer.texts):
        say(wordless.reason)
    if problem:
        say(f"{problem} What it has not described stays without a caption.")
    found = [(text, described if text else wordless) for text in describer.texts]
    return found + [("", Way("none", problem))] * (len(images) - len(found))


def _recalled(
    card: HelperCard | None, images: Sequence[PictureKey], settings: Settings, cache: Cache | None
) -> Recalled[Described] | None:
    if card is None:
        return Recalled(_undescribed(len(images), settings), is_kept=False)
    kept = KeptTexts(STAGE, VERSION, card, settings.runtime, cache)
    before = [kept.find(_decides(image, settings)) for image in images]
    if not all(before):
        return None
    again = Way(card.name, f"{card.title} described the image in an earlier run.")
    return Recalled([(texts[0], again) for texts in before if texts], is_kept=True)


def _decides(image: PictureKey, settings: Settings) -> dict[str, Any]:
    """What decides the words for an image, beside the model."""
    asked = settings.caption.model_dump(mode="json", exclude={"model", "text0", "text1"})
    return {"image": image, "settings": asked}


def _undescribed(count: int, settings: Settings) -> Described:
    return [("", Way("none", _why_none(settings.caption.model)))] * count


def _why_none(wanted: str) -> str:
    if wanted == NONE:
        return "No model is to describe the images."
    smallest = helper_names(Role.CAPTION)[0]
    return (
        "No model that describes images is on this machine: write the captions yourself, or get one with "
        f"`python -m pipeline models download {smallest}`."
    )


class _Describer:
    """Describes images one by one. `texts` are those done; another call goes on after them."""

    def __init__(self, images: Sequence[PreparedImage], detail: Detail, context: Context) -> None:
        self.texts: list[str] = []
        self._images, self._detail, self._context = images, detail, context

    def __call__(self, model: Florence2) -> None:
        for number in range(len(self.texts), len(self._images)):
            self.report(f"describing image {number + 1} of {len(self._images)}")
            image = self._images[number].image
            self.texts.append(model.describe(image, self._detail, self._context.check_cancelled))
        self.report("")

    def report(self, phase: str) -> None:
        self._context.report(Progress(STAGE, len(self.texts), len(self._images), phase=phase))


def _failure(describer: _Describer, card: HelperCard, settings: Settings, say: Say) -> str:
    """Describe what can be described; returns in one sentence what went wrong, empty when nothing did."""
    describer.report(f"loading {card.title}")
    try:
        work_with(card, settings, describer, say)
    except (Cancelled, InvalidInput):
        raise
    except ModelMissing as error:
        if settings.caption.model != AUTO:
            raise
        return str(error)
    except ImageToVideoError as error:
        return str(error)
    except Exception as error:
        LOG.warning("%s failed", card.name, exc_info=error)
        return f"{card.title} failed with an error of its own ({type(error).__name__}), which the log explains."
    return ""
