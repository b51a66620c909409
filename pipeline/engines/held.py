"""Work with a helper on this machine: where it has room, and again in the next way when memory runs out."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from pipeline.catalogue import HelperCard, Role
from pipeline.errors import OutOfMemory
from pipeline.memory.fitting import Setup, Wish, has_room, setups
from pipeline.memory.forecast import GB
from pipeline.memory.limit import within_limits
from pipeline.memory.machine import Machine, read_machine
from pipeline.memory.recover import free, is_out_of_memory
from pipeline.models.files import ModelFiles, locate
from pipeline.models.helpers import choose
from pipeline.models.load import LoadPlan
from pipeline.models.resident import RESIDENT
from pipeline.models.weights import linear_parameters, measured_helper
from pipeline.settings import RuntimeSettings
from pipeline.transition_settings import AUTO

Model = TypeVar("Model")
Result = TypeVar("Result")

Load = Callable[[ModelFiles, LoadPlan], Model]
"""Loads a model onto the plan's device. Raises ModelMissing when its files do not hold a whole one."""

Say = Callable[[str], None]
"""Takes a sentence on what is done otherwise than best."""


def choose_with_room(role: Role, wanted: str, wish: Wish, runtime: RuntimeSettings, say: Say) -> HelperCard | None:
    """The card that `pipeline.models.helpers.choose` takes, or the largest of those here that there is memory for.

    Where there is too little for any of them, which is said when it is loaded, the largest. Raises as `choose` does.
    """
    largest = choose(role, wanted, runtime)
    if wanted != AUTO or largest is None:
        return largest
    machine = read_machine(runtime, Path())

    def has_place(card: HelperCard) -> bool:
        return any(has_room(way, machine, runtime) for way in ways(card, machine, wish, runtime))

    chosen = choose(role, AUTO, runtime, has_place)
    if chosen is None or chosen == largest:
        return largest
    say(f"{chosen.title} is used: there is too little memory for {largest.title}.")
    return chosen


def work_held(
    card: HelperCard,
    wish: Wish,
    runtime: RuntimeSettings,
    load: Load[Model],
    work: Callable[[Model], Result],
    say: Say,
) -> Result:
    """Load the model in the best way that there is room for, and return what `work` returns.

    When memory runs out, `work` begins again with the model held in the next way. The model stays in memory. Raises
    ModelMissing, OutOfMemory when no way is left, and what `work` raises.
    """
    files = locate(card, runtime)
    machine = read_machine(runtime, Path())
    found = ways(card, machine, wish, runtime)
    with within_limits(machine, runtime):
        for way in found:
            if not has_room(way, machine, runtime):
                continue
            if way != found[0]:
                say(f"{card.title} works {way.where}: there is too little memory for it {found[0].where}.")
            try:
                return work(_loaded(files, LoadPlan(way.device, way.precision, way.quantization), load))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                free(error)
            RESIDENT.release()
    need = found[-1].ram_bytes / GB
    raise OutOfMemory(f"There is too little memory for {card.title}, which needs about {need:.1f} GB of main memory.")


def ways(card: HelperCard, machine: Machine, wish: Wish, runtime: RuntimeSettings) -> tuple[Setup, ...]:
    """The ways to hold a helper whose linear layers can be quantized, the best one first, as its own files are."""
    measured, linear = measured_helper(card, runtime), linear_parameters(card, runtime)
    return setups(measured, machine.device, linear=linear, wish=wish)


def _loaded(files: ModelFiles, plan: LoadPlan, load: Load[Model]) -> Model:
    model: Model = RESIDENT.acquire((files.card.name, str(files.folder), plan), partial(load, files, plan))
    return model
