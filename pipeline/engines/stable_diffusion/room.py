"""How a painter is held on this machine, or a smaller one where the largest has no room."""

from pipeline.catalogue import Precision
from pipeline.choices import Offload
from pipeline.context import Context
from pipeline.engines.stable_diffusion.ladder import fit
from pipeline.engines.stable_diffusion.models import Models, choose_models
from pipeline.engines.stable_diffusion.pace import STAGE
from pipeline.engines.stable_diffusion.schedule import working_size
from pipeline.engines.stable_diffusion.setup import Setup
from pipeline.errors import OutOfMemory
from pipeline.memory.machine import Machine
from pipeline.settings import Settings
from pipeline.transition_settings import AUTO


def with_room(
    models: Models, size: tuple[int, int], settings: Settings, machine: Machine, context: Context
) -> tuple[Models, Setup]:
    """The models, and a setup that they have room in here; a smaller model where any will do and the largest has none.

    `size` is the width and height in pixels of what is painted over. Every rung that is taken is said. Raises
    OutOfMemory when there is too little memory for all of them.
    """
    while True:
        try:
            setup, taken = fit(_wanted(models, size, settings, machine.device), models, machine, settings.runtime)
        except OutOfMemory:
            below = choose_models(settings, models.card) if settings.keyframes.model == AUTO else None
            if below is None:
                raise
            message = f"{below.card.title} paints: there is too little memory for {models.card.title}."
            context.note(STAGE, message, "warning")
            models = below
        else:
            for each in taken:
                context.keep(each)
            return models, setup


def _wanted(models: Models, size: tuple[int, int], settings: Settings, device: str) -> Setup:
    """How the painter is held where there is room enough."""
    width, height = working_size(*size, models.native)
    runtime = settings.runtime
    return Setup(
        device=device,
        precision=models.card.precision if device == "cuda" else Precision.FLOAT32,
        width=width,
        height=height,
        native=models.native,
        guided=settings.keyframes.guidance_scale > 1.0,
        offload=Offload.NONE if runtime.offload is Offload.NONE or device == "cpu" else Offload.MODEL,
        guidance_passes=runtime.guidance_passes,
    )
