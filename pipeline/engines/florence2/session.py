"""Work with Florence-2 on this machine, wherever it has room."""

from collections.abc import Callable
from typing import TypeVar

from pipeline.catalogue import HelperCard, Role
from pipeline.choices import Quantization
from pipeline.engines.florence2.model import Florence2, load
from pipeline.engines.held import Say, choose_with_room, work_held
from pipeline.memory.fitting import Wish
from pipeline.models.resident import RESIDENT
from pipeline.settings import Settings

Result = TypeVar("Result")


def choose_model(wanted: str, settings: Settings, say: Say) -> HelperCard | None:
    """The model of this name, or of those on this machine; see `pipeline.engines.held.choose_with_room`."""
    return choose_with_room(Role.CAPTION, wanted, _wish(settings), settings.runtime, say)


def work_with(card: HelperCard, settings: Settings, work: Callable[[Florence2], Result], say: Say) -> Result:
    """Return what `work` returns; see `pipeline.engines.held.work_held`.

    The model is freed at the end, unless it is to be kept for the next run.
    """
    try:
        return work_held(card, _wish(settings), settings.runtime, load, work, say)
    finally:
        if not settings.runtime.keep_model:
            RESIDENT.release()


def _wish(settings: Settings) -> Wish:
    return Wish(Quantization(settings.caption.quantization), settings.caption.half_precision)
