"""Which model helps with a stage of the transition: the one that was named, the best one that is here, or none."""

from collections.abc import Callable

from pipeline.catalogue import HelperCard, Role, get_helper, helper_names
from pipeline.models.files import locate
from pipeline.models.status import model_status
from pipeline.settings import RuntimeSettings
from pipeline.transition_settings import AUTO, NONE


def choose(
    role: Role, wanted: str, runtime: RuntimeSettings, suits: Callable[[HelperCard], bool] = lambda _: True
) -> HelperCard | None:
    """The model that a stage works with, or None where it works without one.

    `wanted` is the stage's setting: `auto` takes the largest model of the role that is on this machine and suits,
    `none` takes none, and a name asks for that model. Raises InvalidSetting when there is no such model, and
    ModelMissing, with the command that gets it, when it is named and not here.
    """
    if wanted == NONE:
        return None
    if wanted == AUTO:
        found = [card for card in (get_helper(name, role) for name in helper_names(role)) if suits(card)]
        return next((card for card in reversed(found) if model_status(card, runtime).state == "ready"), None)
    card = get_helper(wanted, role)
    locate(card, runtime)
    return card
