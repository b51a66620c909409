"""The engines by name. An adapter is imported when its engine is first asked for."""

import difflib
from functools import cache
from importlib import import_module

from pipeline.engines.base import Capabilities, Engine
from pipeline.errors import InvalidSetting

__all__ = ["Capabilities", "Engine", "engine_names", "get_engine"]

_ADAPTERS = {"motion": ("pipeline.engines.motion", "MotionEngine")}


def engine_names() -> list[str]:
    """Names of all engines, the embedded one first."""
    return list(_ADAPTERS)


@cache
def get_engine(name: str) -> Engine:
    """Return the engine of this name. Raises InvalidSetting when there is none."""
    if name not in _ADAPTERS:
        near = difflib.get_close_matches(name, _ADAPTERS, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"choose one of {', '.join(_ADAPTERS)}."
        raise InvalidSetting(f"animate.engine: there is no engine '{name}': {hint}")
    module, adapter = _ADAPTERS[name]
    engine: Engine = getattr(import_module(module), adapter)()
    return engine
