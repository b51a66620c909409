"""The engines by name: the embedded one, and one for each model of the catalogue.

An adapter is imported when its engine is first asked for.
"""

import difflib
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from pipeline.catalogue import FamilyName, ModelCard, get_card, model_names
from pipeline.engines.base import Capabilities, Engine
from pipeline.engines.embedded import embedded_capabilities
from pipeline.errors import InvalidSetting

if TYPE_CHECKING:
    from pipeline.engines.diffusion.family import Family

__all__ = ["EMBEDDED", "Capabilities", "Engine", "engine_names", "get_capabilities", "get_engine", "get_family"]

EMBEDDED = "motion"
"""Name of the engine that needs no model."""

_ADAPTERS = {
    FamilyName.I2VGEN_XL: ("pipeline.engines.i2vgen_xl", "I2VGenXL"),
    FamilyName.SVD: ("pipeline.engines.svd", "StableVideoDiffusion"),
    FamilyName.WAN: ("pipeline.engines.wan", "Wan"),
    FamilyName.WAN_VACE: ("pipeline.engines.wan_vace", "WanVACE"),
    FamilyName.LTX: ("pipeline.engines.ltx", "LTXVideo"),
    FamilyName.COGVIDEOX: ("pipeline.engines.cogvideox", "CogVideoX"),
    FamilyName.FRAMEPACK: ("pipeline.engines.framepack", "FramePack"),
}


def engine_names() -> list[str]:
    """Names of all engines, the embedded one first."""
    return [EMBEDDED, *model_names()]


@cache
def get_engine(name: str) -> Engine:
    """Return the engine of this name. Raises InvalidSetting when there is none, or its card is wrong."""
    if name == EMBEDDED:
        from pipeline.engines.motion import MotionEngine

        return MotionEngine()
    if name not in model_names():
        near = difflib.get_close_matches(name, engine_names(), 1)
        hint = f"did you mean '{near[0]}'?" if near else f"choose one of {', '.join(engine_names())}."
        raise InvalidSetting(f"animate.engine: there is no engine '{name}': {hint}")
    from pipeline.engines.diffusion.engine import DiffusionEngine

    card = get_card(name)
    return DiffusionEngine(card, get_family(card))


def get_capabilities(name: str) -> Capabilities:
    """What the engine of this name takes; the embedded one is not loaded for it. Raises as `get_engine` does."""
    return embedded_capabilities() if name == EMBEDDED else get_engine(name).capabilities


def get_family(card: ModelCard) -> "Family":
    """The adapter of a model's family."""
    module, adapter = _ADAPTERS[card.family]
    family: Family = getattr(import_module(module), adapter)(card)
    return family
