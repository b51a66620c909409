"""Work with Phi on this machine, wherever it has room, and then let go of it."""

from collections.abc import Callable
from typing import TypeVar

from pipeline.catalogue import HelperCard, Role
from pipeline.choices import Quantization
from pipeline.engines.held import Say, choose_with_room, work_held
from pipeline.engines.phi.model import Phi, load
from pipeline.memory.fitting import Wish
from pipeline.models.resident import RESIDENT
from pipeline.settings import Settings

Result = TypeVar("Result")


def choose_model(settings: Settings, say: Say) -> HelperCard | None:
    """The model that the settings ask for, or one of this machine; see `pipeline.engines.held.choose_with_room`."""
    return choose_with_room(Role.PLAN, settings.plan.model, _wish(settings), settings.runtime, say)


def work_with(card: HelperCard, settings: Settings, work: Callable[[Phi], Result], say: Say) -> Result:
    """Return what `work` returns; see `pipeline.engines.held.work_held`.

    Afterwards no model is in memory: what comes next is a painter, which needs all of it.
    """
    try:
        return work_held(card, _wish(settings), settings.runtime, load, work, say)
    finally:
        RESIDENT.release()


def _wish(settings: Settings) -> Wish:
    return Wish(Quantization(settings.plan.quantization), settings.plan.half_precision)
