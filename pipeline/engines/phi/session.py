"""Work with Phi on this machine: where it has room, again elsewhere when memory runs out, and then let go of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from pipeline.catalogue import HelperCard, Role
from pipeline.choices import Quantization
from pipeline.engines.phi.model import Phi, load
from pipeline.engines.phi.setups import setups
from pipeline.errors import ModelMissing, OutOfMemory
from pipeline.memory.fitting import Setup, has_room
from pipeline.memory.forecast import GB
from pipeline.memory.limit import limited_gpu
from pipeline.memory.machine import Machine, read_machine
from pipeline.memory.recover import free, is_out_of_memory
from pipeline.models.files import ModelFiles, locate
from pipeline.models.helpers import choose
from pipeline.models.load import LoadPlan
from pipeline.models.resident import RESIDENT
from pipeline.models.status import model_status
from pipeline.models.weights import measured_helper
from pipeline.settings import Settings
from pipeline.transition_settings import AUTO

Result = TypeVar("Result")

Say = Callable[[str], None]
"""Takes a sentence on what is done otherwise than best."""


def choose_model(settings: Settings, say: Say) -> HelperCard | None:
    """The card that `pipeline.models.helpers.choose` takes, or the largest of those here that there is memory for.

    Where there is too little for any of them, which is said when it is loaded, the largest. Raises as `choose` does.
    """
    wanted, runtime = settings.plan.model, settings.runtime
    largest = choose(Role.PLAN, wanted, runtime)
    if wanted != AUTO or largest is None:
        return largest
    machine = read_machine(runtime, Path())

    def has_place(card: HelperCard) -> bool:
        if model_status(card, runtime).state != "ready":
            return False
        try:
            return any(has_room(each, machine, runtime) for each in _setups(card, machine, settings))
        except ModelMissing:
            return True  # it is damaged, which is said when it is loaded

    chosen = choose(Role.PLAN, AUTO, runtime, has_place)
    if chosen is None or chosen == largest:
        return largest
    say(f"{chosen.title} is used: there is too little memory for {largest.title}.")
    return chosen


def work_with(card: HelperCard, settings: Settings, work: Callable[[Phi], Result], say: Say) -> Result:
    """Load the model in the best way that there is room for, and return what `work` returns.

    When memory runs out, `work` begins again with the model held in the next way. Afterwards no model is in memory:
    what comes next is a painter, which needs all of it. Raises ModelMissing, OutOfMemory when no way is left, and what
    `work` raises.
    """
    runtime = settings.runtime
    files = locate(card, runtime)
    machine = read_machine(runtime, Path())
    ways = _setups(card, machine, settings)
    with limited_gpu(machine, runtime), _nothing_kept():
        for setup in ways:
            if not has_room(setup, machine, runtime):
                continue
            if setup != ways[0]:
                say(f"{card.title} works {setup.where}: there is too little memory for it {ways[0].where}.")
            try:
                return work(_loaded(files, LoadPlan(setup.device, setup.precision, setup.quantization)))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                free(error)
            RESIDENT.release()
    need = ways[-1].ram_bytes / GB
    raise OutOfMemory(f"There is too little memory for {card.title}, which needs about {need:.1f} GB of main memory.")


def _setups(card: HelperCard, machine: Machine, settings: Settings) -> tuple[Setup, ...]:
    measured, files = measured_helper(card, settings.runtime), locate(card, settings.runtime)
    return setups(measured, files, machine.device, Quantization(settings.plan.quantization))


@contextmanager
def _nothing_kept() -> Iterator[None]:
    try:
        yield
    finally:
        RESIDENT.release()


def _loaded(files: ModelFiles, plan: LoadPlan) -> Phi:
    model: Phi = RESIDENT.acquire((files.card.name, str(files.folder), plan), partial(load, files, plan))
    return model
