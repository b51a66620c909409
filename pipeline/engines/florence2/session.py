"""Work with Florence-2 on this machine: where it has room, and again elsewhere when memory runs out all the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from pipeline.catalogue import HelperCard, Role
from pipeline.engines.florence2.model import Florence2, load
from pipeline.errors import OutOfMemory
from pipeline.memory.fitting import fitting, setups
from pipeline.memory.forecast import GB
from pipeline.memory.limit import limited_gpu
from pipeline.memory.machine import read_machine
from pipeline.memory.recover import free, is_out_of_memory
from pipeline.models.files import ModelFiles, locate
from pipeline.models.helpers import choose
from pipeline.models.load import LoadPlan
from pipeline.models.resident import RESIDENT
from pipeline.settings import RuntimeSettings
from pipeline.transition_settings import AUTO

Result = TypeVar("Result")

Say = Callable[[str], None]
"""Takes a sentence on what is done otherwise than best."""


def choose_model(wanted: str, runtime: RuntimeSettings, say: Say) -> HelperCard | None:
    """The card that `pipeline.models.helpers.choose` takes, or the largest of those here that there is memory for.

    Where there is too little for any of them, which is said when it is loaded, the largest. Raises as `choose` does.
    """
    largest = choose(Role.CAPTION, wanted, runtime)
    if wanted != AUTO or largest is None:
        return largest
    machine = read_machine(runtime, Path())
    chosen = choose(Role.CAPTION, AUTO, runtime, lambda card: bool(fitting(card, machine, runtime)))
    if chosen is None or chosen == largest:
        return largest
    say(f"{chosen.title} is used: there is too little memory for {largest.title}.")
    return chosen


def work_with(card: HelperCard, runtime: RuntimeSettings, work: Callable[[Florence2], Result], say: Say) -> Result:
    """Load the model in the best way that there is room for, and return what `work` returns.

    When memory runs out, `work` begins again with the model held in the next way. Raises ModelMissing, OutOfMemory
    when no way is left, and what `work` raises.
    """
    files = locate(card, runtime)
    machine = read_machine(runtime, Path())
    best = setups(card, machine.device)[0]
    with limited_gpu(machine, runtime), _kept_as_wanted(runtime):
        for setup in fitting(card, machine, runtime):
            if setup != best:
                say(f"{card.title} works {setup.where}: there is too little memory for it {best.where}.")
            try:
                return work(_loaded(files, LoadPlan(setup.device, setup.precision)))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                free(error)
            RESIDENT.release()
    need = setups(card, machine.device)[-1].ram_bytes / GB
    raise OutOfMemory(f"There is too little memory for {card.title}, which needs about {need:.1f} GB of main memory.")


@contextmanager
def _kept_as_wanted(runtime: RuntimeSettings) -> Iterator[None]:
    """Free the model at the end, unless it is to be kept for the next run."""
    try:
        yield
    finally:
        if not runtime.keep_model:
            RESIDENT.release()


def _loaded(files: ModelFiles, plan: LoadPlan) -> Florence2:
    model: Florence2 = RESIDENT.acquire((files.card.name, str(files.folder), plan), partial(load, files, plan))
    return model
