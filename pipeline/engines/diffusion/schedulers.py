"""The sampler of a pipeline, exchanged for a while."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pipeline.choices import Scheduler
from pipeline.errors import InvalidSetting

_DIFFUSION = {
    Scheduler.DDIM: "DDIMScheduler",
    Scheduler.EULER: "EulerDiscreteScheduler",
    Scheduler.DPMPP_2M: "DPMSolverMultistepScheduler",
    Scheduler.UNIPC: "UniPCMultistepScheduler",
}
_FLOW = {**_DIFFUSION, Scheduler.EULER: "FlowMatchEulerDiscreteScheduler"}
del _FLOW[Scheduler.DDIM]


@contextmanager
def exchanged(pipe: Any, scheduler: Scheduler) -> Iterator[None]:
    """Sample with another scheduler until left: same noise schedule, prediction type and spacing of timesteps.

    `Scheduler.PUBLISHED` leaves the pipeline as it is. Raises InvalidSetting for a sampler that does not exist for
    models of flow matching.
    """
    if scheduler is Scheduler.PUBLISHED:
        yield
        return
    published = pipe.scheduler
    pipe.scheduler = _convert(published, scheduler)
    try:
        yield
    finally:
        pipe.scheduler = published


def _convert(published: Any, scheduler: Scheduler) -> Any:
    import diffusers

    config = dict(published.config)
    flow = isinstance(published, diffusers.FlowMatchEulerDiscreteScheduler) or (
        config.get("prediction_type") == "flow_prediction"
    )
    names = _FLOW if flow else _DIFFUSION
    if scheduler not in names:
        raise InvalidSetting(
            f"animate.scheduler: '{scheduler}' does not exist for models of flow matching; "
            f"choose one of {', '.join(['published', *names])}."
        )
    kind = getattr(diffusers, names[scheduler])
    if flow:
        shift = config.get("flow_shift", config.get("shift", 1.0))
        config |= {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": shift, "shift": shift}
    return kind(**_known(kind, {"clip_sample": False, **config}))


def _known(kind: type, config: Mapping[str, Any]) -> dict[str, Any]:
    """The values that this kind of scheduler takes.

    `from_config` would drop those that the published configuration left at its class's defaults, and put the other
    class's in their place: another spacing of timesteps, for example. Latents have no bounds to be clipped to, which
    is why `clip_sample` is off where the configuration does not speak of it.
    """
    return {name: value for name, value in config.items() if name in inspect.signature(kind).parameters}
