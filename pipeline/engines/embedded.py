"""What the settings of models mean to the embedded engine, told without loading it."""

from functools import cache

from pipeline.engines.base import Capabilities
from pipeline.options import options

NO_SAMPLING = "No effect: motion renders its plan directly, without a diffusion model."

MEANT_FOR_IT = (
    "animate.engine",
    "animate.num_frames",
    "animate.seconds",
    "animate.segments",
    "animate.overlap",
    "animate.hold_colour",
    "animate.motion.",
    "runtime.threads",
    "runtime.models_dir",
    "runtime.offline",
    "runtime.device",
    "runtime.vram_limit_gb",
    "runtime.allow_downgrades",
    "runtime.keep_model",
    "runtime.cache_gb",
)
"""Settings of animate and runtime that concern this engine, or the models that see depth for it, make frames between
its own, enlarge or paint them; or the beginnings of their names."""


@cache
def embedded_capabilities() -> Capabilities:
    """What the embedded engine takes: settings that belong to diffusion models alone have no effect with it."""
    names = [option.name for option in options() if option.section in ("animate", "animate.control", "runtime")]
    return Capabilities(ignores={name: NO_SAMPLING for name in names if not name.startswith(MEANT_FOR_IT)})
