"""Images in words: by Florence-2 where it is present, and with a reason where they are not described."""

import logging
from collections.abc import Sequence
from typing import Any

from pipeline.catalogue import HelperCard, Role, helper_names
from pipeline.choices import Detail
from pipeline.context import Context, FromCache, Progress, Way
from pipeline.engines.florence2.model import Florence2
from pipeline.engines.florence2.session import choose_model, work_with
from pipeline.engines.held import Say
from pipeline.errors import Cancelled, ImageToVideoError, InvalidInput, ModelMissing
from pipeline.frames import Frame, pixel_digest
from pipeline.models.kept_texts import KeptTexts
from pipeline.settings import Settings
from pipeline.transition_settings import AUTO, NONE

LOG = logging.getLogger("pipeline.caption")

STAGE = "caption"

VERSION = "1"
"""Of how images are described: raised when the same request gives other words."""


def describe(images: Sequence[Frame], settings: Settings, context: Context) -> list[tuple[str, Way]]:
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
        reason = _why_none(settings.caption.model)
        context.note(STAGE, reason)
        return [("", Way("none", reason))] * len(images)
    kept = KeptTexts(STAGE, VERSION, card, settings.runtime, context.cache)
    decides = [_decides(image, settings) for image in images]
    before = [kept.find(each) for each in decides]
    if all(before):
        context.keep(FromCache(STAGE))
        again = Way(card.name, f"{card.title} described the image in an earlier run.")
        return [(texts[0], again) for texts in before if texts]
    describer = _Describer(images, settings.caption.detail, context)
    problem = _failure(describer, card, settings, say)
    if not notes:  # else it was done otherwise than best, for lack of memory
        for each, text in zip(decides, describer.texts, strict=False):
            kept.keep(each, [text])
    described = Way(card.name, " ".join([f"{card.title} described the image.", *notes]))
    wordless = Way("none", f"{card.title} found no words for the image.")
    if not all(describer.texts):
        say(wordless.reason)
    if problem:
        say(f"{problem} What it has not described stays without a caption.")
    found = [(text, described if text else wordless) for text in describer.texts]
    return found + [("", Way("none", problem))] * (len(images) - len(found))


def _decides(image: Frame, settings: Settings) -> dict[str, Any]:
    """What decides the words for an image, beside the model."""
    asked = settings.caption.model_dump(mode="json", exclude={"model", "text0", "text1"})
    return {"image": pixel_digest(image), "settings": asked}


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

    def __init__(self, images: Sequence[Frame], detail: Detail, context: Context) -> None:
        self.texts: list[str] = []
        self._images, self._detail, self._context = images, detail, context

    def __call__(self, model: Florence2) -> None:
        for number in range(len(self.texts), len(self._images)):
            self.report(f"describing image {number + 1} of {len(self._images)}")
            self.texts.append(model.describe(self._images[number], self._detail, self._context.check_cancelled))
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
