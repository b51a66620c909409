"""One key frame: from a picture of the morph, a prompt and a seed to a painted frame."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.catalogue import FamilyName, Precision
from pipeline.control.edges import canny
from pipeline.engines.diffusion.casting import cast
from pipeline.engines.diffusion.images import STABLE_DIFFUSION_RGB, latent_preview, to_frames, to_pil
from pipeline.engines.diffusion.seeding import seeded
from pipeline.engines.stable_diffusion.adapter import as_argument
from pipeline.engines.stable_diffusion.prompts import Embedding, as_arguments
from pipeline.engines.stable_diffusion.schedule import Words, total_steps
from pipeline.engines.stable_diffusion.setup import Setup
from pipeline.frames import Frame
from pipeline.interpolation import enlarge
from pipeline.transition_settings import KeyframesSettings

if TYPE_CHECKING:
    import torch

_XL = np.array([[60, 60, 60], [-60, -5, 10], [25, 15, -5], [-70, -50, -35]]) / 127.5
_XL_BIAS = (150 / 127.5 - 1.0, 140 / 127.5 - 1.0, 130 / 127.5 - 1.0)
"""Red, green and blue in [-1, 1] for each latent channel of XL, after Timothy Alexis Vass, "Explaining the SDXL latent
space" (huggingface.co/blog/TimothyAlexisVass/explaining-the-sdxl-latent-space)."""

OnStep = Callable[[int, int, "torch.Tensor"], None]
"""Takes the steps done, from 1, how many there are, and the latents. What it raises ends painting."""


@dataclass(frozen=True)
class Order:
    """What is asked of key frame `number` (from 0), whatever picture it is painted over."""

    number: int
    strength: float
    words: Words
    seed: int

    def steps(self, asked: KeyframesSettings) -> int:
        """Denoising steps that are run, but for a sampler's own warming up."""
        return int(total_steps(self.strength, asked.num_inference_steps) * self.strength)


@dataclass(frozen=True)
class Task(Order):
    """What is to be painted over `morph`, a frame of the video's size."""

    morph: Frame


@dataclass(frozen=True)
class Brush:
    """A loaded pipeline and how it is asked to paint."""

    pipe: Any
    asked: KeyframesSettings
    setup: Setup
    shown: "torch.Tensor | None" = None
    """What a picture that an adapter shows is to the model; see `Adapter.embedding`."""

    def sample(self, task: Task, words: Embedding, negative: Embedding | None, on_step: OnStep) -> "torch.Tensor":
        """The painted picture as latents, shape (1, 4, height / 8, width / 8), in main memory."""
        picture = enlarge(task.morph, self.setup.width, self.setup.height)

        def listen(pipe: Any, done: int, _time: Any, given: dict[str, Any]) -> dict[str, Any]:
            on_step(done + 1, pipe.num_timesteps, given["latents"])
            return {}

        with seeded(task.seed, self.setup.device) as generator:
            made = self.pipe(
                image=self._encode(picture, generator),
                strength=task.strength,
                num_inference_steps=total_steps(task.strength, self.asked.num_inference_steps),
                guidance_scale=self.asked.guidance_scale,
                generator=generator,
                callback_on_step_end=listen,
                output_type="latent",
                **as_arguments(words, negative),
                **self._control(picture),
                **self._adapter(),
            )
        latents: torch.Tensor = made.images.cpu()
        return latents

    def _encode(self, picture: Frame, generator: "torch.Generator") -> "torch.Tensor":
        """The latents that the pipeline would make of a picture itself, with the same random numbers."""
        import torch

        pipe, vae = self.pipe, self.pipe.vae
        with torch.no_grad(), cast(vae, Precision.FLOAT32 if vae.config.force_upcast else None):
            placed = pipe.image_processor.preprocess(to_pil(picture)).to(pipe._execution_device, vae.dtype)
            drawn = vae.encode(placed).latent_dist.sample(generator)
        latents: torch.Tensor = drawn.to(pipe.unet.dtype)
        return _scaled(latents, vae.config)

    def _control(self, picture: Frame) -> dict[str, Any]:
        if self.pipe.components.get("controlnet") is None:
            return {}
        scale = float(self.asked.control_scale)
        return {"control_image": to_pil(canny(picture)), "controlnet_conditioning_scale": scale}

    def _adapter(self) -> dict[str, Any]:
        unet = self.pipe.unet
        return {} if self.shown is None else as_argument(self.shown.to(unet.dtype), self.setup.guided)

    def decode(self, latents: "torch.Tensor") -> Frame | None:
        """The picture of latents, at the size that was worked at; None where some of its numbers are none."""
        import torch

        vae = self.pipe.vae
        overflows = vae.config.force_upcast and vae.dtype == torch.float16
        try:
            with torch.no_grad(), cast(vae, Precision.FLOAT32 if overflows else None):
                placed = _unscaled(latents, vae.config).to(self.pipe._execution_device, vae.dtype)
                decoded = vae.decode(placed).sample
                return next(to_frames(decoded)) if torch.isfinite(decoded).all() else None
        finally:
            self.pipe.maybe_free_model_hooks()


def _scaled(latents: "torch.Tensor", config: Any) -> "torch.Tensor":
    """Latents of the autoencoder as the denoiser has them."""
    mean, spread = _statistics(latents, config)
    return (latents - mean) * float(config.scaling_factor) / spread


def _unscaled(latents: "torch.Tensor", config: Any) -> "torch.Tensor":
    """The way back."""
    mean, spread = _statistics(latents, config)
    return latents * spread / float(config.scaling_factor) + mean


def _statistics(latents: "torch.Tensor", config: Any) -> tuple["torch.Tensor", "torch.Tensor"]:
    """Mean and spread of the autoencoder's latents by channel. Only some checkpoints of XL state them."""
    mean, spread = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    stated = mean is not None and spread is not None
    values = (mean, spread) if stated else ([0.0], [1.0])
    first, second = (latents.new_tensor(each).view(1, -1, 1, 1) for each in values)
    return first, second


def preview(latents: "torch.Tensor", family: FamilyName) -> Frame:
    """A small picture from latents in the midst of sampling."""
    if family is FamilyName.STABLE_DIFFUSION_XL:
        return latent_preview(latents[0], _XL.tolist(), _XL_BIAS)
    return latent_preview(latents[0], STABLE_DIFFUSION_RGB)
