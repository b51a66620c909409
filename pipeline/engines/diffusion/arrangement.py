"""How a run wants its sampling arranged, for all families, and undone whatever happens."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from pipeline.catalogue import ModelCard
from pipeline.engines.diffusion.family import Request
from pipeline.engines.diffusion.forward import compiled
from pipeline.engines.diffusion.guidance import two_passes
from pipeline.engines.diffusion.lora import loaded_lora
from pipeline.engines.diffusion.schedulers import exchanged

_SPECIAL = {
    "animate.target_fps": "does not take a frame rate to imagine",
    "animate.motion_bucket_id": "takes no amount of motion",
    "animate.noise_aug_strength": "takes no noise on its image",
    "animate.decode_chunk_size": "decodes the clip as a whole",
    "animate.vae_tiling": "has a decoder that cannot work in tiles",
    "animate.encode_tiling": "encodes its picture as a whole",
    "runtime.chunk_feed_forward": "has no input transformer whose layers could run in chunks",
    "runtime.guidance_passes": "runs guidance in two passes already, or has none",
}
"""Settings that only some families use, with the reason why the others do not."""


def all_but(*used: str) -> Mapping[str, str]:
    """What a family ignores that uses only these of the special settings: full names with the reason."""
    return {name: f"This model {reason}." for name, reason in _SPECIAL.items() if name not in used}


@contextmanager
def arranged(
    card: ModelCard, pipe: Any, request: Request, denoisers: Sequence[Any], doubles_batch: bool
) -> Iterator[None]:
    """Exchange the sampler, lay a LoRA over the model, compile and split the denoisers, as the request asks.

    `doubles_batch` says whether guidance runs as one pass over a batch of two, which `runtime.guidance_passes` can
    split. What the card does not allow is left alone. Everything is undone on leaving.
    """
    animate, runtime = request.animate, request.runtime
    split = doubles_batch and runtime.guidance_passes == 2 and animate.guidance_scale > 1.0
    with ExitStack() as stack:
        if card.can.scheduler:
            stack.enter_context(exchanged(pipe, animate.scheduler))
        if card.can.lora and animate.lora is not None:
            stack.enter_context(loaded_lora(pipe, animate.lora, animate.lora_scale, request.note))
        for denoiser in denoisers:
            if runtime.compile:
                stack.enter_context(compiled(denoiser))
            if split:
                stack.enter_context(two_passes(denoiser))
        yield
