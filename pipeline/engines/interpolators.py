"""The ways to make frames between two by name: the embedded one, and one for each network of the catalogue."""

import difflib
from collections.abc import Callable

from pipeline.catalogue import Role, helper_names
from pipeline.errors import InvalidSetting
from pipeline.interpolation.method import FlowMethod, Method
from pipeline.settings import RuntimeSettings


def method_names() -> tuple[str, ...]:
    """Names of all methods, the embedded one first."""
    return (FlowMethod.name, *helper_names(Role.INTERPOLATE))


def get_method(name: str, runtime: RuntimeSettings, say: Callable[[str], None]) -> Method:
    """The method of this name. `say` takes a sentence on what it does otherwise than best.

    Raises InvalidSetting when there is none, and ModelMissing when its weights are not here. No network is loaded yet.
    """
    if name == FlowMethod.name:
        return FlowMethod()
    if name not in method_names():
        near = difflib.get_close_matches(name, method_names(), 1)
        hint = f"did you mean '{near[0]}'?" if near else f"choose one of {', '.join(method_names())}."
        raise InvalidSetting(f"There is no way to interpolate called '{name}': {hint}")
    if name == "film":
        from pipeline.engines.film import load_film

        return load_film(runtime, say)
    from pipeline.engines.rife import load_rife

    return load_rife(runtime, say)
