"""Prompts from one caption to the other, written by Phi; or a sentence on why it could not write them."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline.cache import Cache, Recalled
from pipeline.catalogue import HelperCard, Role, helper_names
from pipeline.context import Context, FromCache, Progress, Way
from pipeline.engines.phi.model import Phi
from pipeline.engines.phi.session import choose_model, work_with
from pipeline.errors import Cancelled, ImageToVideoError, InvalidInput
from pipeline.memory.recover import free
from pipeline.models.kept_texts import KeptTexts
from pipeline.planning import BadAnswer, Message, Prompts, answer_limit, write_prompts
from pipeline.settings import Settings
from pipeline.transition_settings import NONE

LOG = logging.getLogger("pipeline.plan")

STAGE = "plan"

VERSION = "1"
"""Of how prompts are written: raised when the same request gives others."""


@dataclass(frozen=True)
class Written:
    """As many prompts as there are key frames, and how they came about."""

    prompts: tuple[str, ...]
    way: Way


@dataclass(frozen=True)
class Unwritten:
    """Why there are no prompts, in a sentence or two, and whether that is a failure and not only how things are."""

    reason: str
    failed: bool


def recall(captions: tuple[str, str], settings: Settings, cache: Cache | None) -> Recalled[Written | Unwritten] | None:
    """What `write` returns where the model is not asked; None where it would be.

    Raises InvalidSetting and ModelMissing as `write` does.
    """
    return _recalled(choose_model(settings, lambda _: None), captions, settings, cache)


def write(captions: tuple[str, str], settings: Settings, context: Context) -> Written | Unwritten:
    """Let the model write the prompts from one caption to the other; it is gone from memory afterwards.

    Whatever fails once it is loading is a reason to do without it. Raises InvalidSetting for an unknown model,
    ModelMissing when the one that was asked for by name is not on this machine, and Cancelled.
    """
    notes: list[str] = []

    def say(message: str) -> None:
        notes.append(message)
        context.note(STAGE, message, "warning")

    card = choose_model(settings, say)
    if card is None:
        return _unwritten(settings)
    recalled = _recalled(card, captions, settings, context.cache)
    if recalled is not None:
        context.keep(FromCache(STAGE))
        return recalled.value
    writer = _Writer(captions, settings.keyframes.count, context)
    writer.report(0, f"loading {card.title}")
    try:
        prompts = work_with(card, settings, writer, say)
    except (Cancelled, InvalidInput):
        raise
    except Exception as error:
        LOG.warning("%s wrote no prompts", card.name, exc_info=error)
        reason = _why_failed(card, error)
        free(error)  # it keeps the model alive
        return Unwritten(reason, failed=True)
    if not notes:  # else it was done otherwise than best, for lack of memory
        kept = KeptTexts(STAGE, VERSION, card, settings.runtime, context.cache)
        kept.keep(_decides(captions, settings), prompts.texts)
    if prompts.shortened:
        say(f"Prompts longer than painters read were cut short: {', '.join(map(str, prompts.shortened))}.")
    reason = f"{card.title} wrote the prompts{', which it had to mend once' if writer.fault else ''}."
    return Written(prompts.texts, Way(card.name, " ".join([reason, *notes])))


def _recalled(
    card: HelperCard | None, captions: tuple[str, str], settings: Settings, cache: Cache | None
) -> Recalled[Written | Unwritten] | None:
    if card is None:
        return Recalled(_unwritten(settings), is_kept=False)
    before = KeptTexts(STAGE, VERSION, card, settings.runtime, cache).find(_decides(captions, settings))
    if not before:
        return None
    way = Way(card.name, f"{card.title} wrote the prompts in an earlier run.")
    return Recalled(Written(tuple(before), way), is_kept=True)


def _decides(captions: tuple[str, str], settings: Settings) -> dict[str, Any]:
    """What decides the prompts, beside the model."""
    asked = settings.plan.model_dump(mode="json", exclude={"model", "prompts"})
    return {"captions": list(captions), "count": settings.keyframes.count, "settings": asked}


def _unwritten(settings: Settings) -> Unwritten:
    return Unwritten(_why_none(settings.plan.model), failed=False)


class _Writer:
    """Asks the model for the prompts, and reports each token. `fault` is what it had to mend, empty where nothing."""

    def __init__(self, captions: tuple[str, str], count: int, context: Context) -> None:
        self.fault = ""
        self._captions, self._count, self._context = captions, count, context
        self._limit = answer_limit(count)

    def __call__(self, model: Phi) -> Prompts:
        # No closure: the frames of an error keep what their functions close over, also when they are cleared.
        prompts, self.fault = write_prompts(partial(self._ask, model), *self._captions, self._count)
        self.report(self._limit, "")
        return prompts

    def report(self, tokens: int, phase: str) -> None:
        self._context.report(Progress(STAGE, tokens, self._limit, phase=phase))

    def _ask(self, model: Phi, messages: list[Message]) -> str:
        is_mending = any(message.role == "assistant" for message in messages)
        phase = "mending the prompts" if is_mending else "writing the prompts"
        tokens = 0
        self.report(tokens, phase)

        def on_token() -> None:
            nonlocal tokens
            self._context.check_cancelled()
            tokens += 1
            self.report(tokens, phase)

        return model.answer(messages, self._limit, on_token)


def _why_none(wanted: str) -> str:
    if wanted == NONE:
        return "No model is to write the prompts."
    return (
        "No model that writes prompts is on this machine: get one with "
        f"`python -m pipeline models download {helper_names(Role.PLAN)[0]}`."
    )


def _why_failed(card: HelperCard, error: Exception) -> str:
    if isinstance(error, BadAnswer):
        return f"What {card.title} wrote is no plan, and it could not mend it. {error}"
    if isinstance(error, ImageToVideoError):
        return str(error)
    return f"{card.title} failed with an error of its own ({type(error).__name__}), which the log explains."
