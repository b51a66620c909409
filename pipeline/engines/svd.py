"""Stable Video Diffusion (Blattmann et al., "Stable Video Diffusion", 2023)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from pipeline.engines.diffusion.arrangement import all_but, arranged
from pipeline.engines.diffusion.family import Family, Request, Tensors
from pipeline.engines.diffusion.image_vae import decode_chunk, decode_chunks, preview
from pipeline.engines.diffusion.images import to_pil
from pipeline.engines.diffusion.seeding import seeded
from pipeline.frames import Frame

if TYPE_CHECKING:
    import torch


class StableVideoDiffusion(Family):
    """Adapter of StableVideoDiffusionPipeline: the image alone decides, beside how much is to move.

    Guidance grows along the video, from none at the first frame to the scale asked for at the last. The decoder looks
    at the frames of a chunk together, so chunks of another size give slightly other frames.
    """

    pipeline_class = "StableVideoDiffusionPipeline"
    denoiser = "unet"
    ignores = all_but(
        "animate.target_fps",
        "animate.motion_bucket_id",
        "animate.noise_aug_strength",
        "animate.decode_chunk_size",
        "runtime.guidance_passes",
    )

    def condition(self, pipe: Any, request: Request) -> Tensors:  # noqa: ARG002
        """Nothing: there is no prompt, and the image is embedded while sampling, with noise that the seed decides."""
        return {}

    def sample(self, pipe: Any, request: Request, conditions: Tensors) -> Tensors:  # noqa: ARG002
        """Return the latents of shape (1, frames, 4, height / 8, width / 8)."""
        return {"latents": self._call(pipe, request, output_type="latent")}

    def decode(self, pipe: Any, latents: Tensors, request: Request) -> Iterator[Frame]:
        """Yield the frames, chunk by chunk."""
        return decode_chunks(pipe, latents["latents"][0], decode_chunk(self.card, request), temporal=True)

    def bare(self, pipe: Any, request: Request) -> list[Frame]:
        """The frames of the pipeline alone, seeded in the same way."""
        import numpy as np

        return [np.array(image) for image in self._call(pipe, request, output_type="pil")[0]]

    def arrange(self, pipe: Any, request: Request) -> AbstractContextManager[None]:
        """What all families share."""
        return arranged(self.card, pipe, request, [pipe.unet], doubles_batch=True)

    def glimpse(self, latents: "torch.Tensor", request: Request) -> Frame | None:  # noqa: ARG002
        """The middle frame of latents of shape (1, frames, 4, height / 8, width / 8)."""
        return preview(latents, frames_dim=1)

    def _call(self, pipe: Any, request: Request, output_type: str) -> Any:
        precision = pipe.vae.dtype
        try:
            with seeded(request.seed, request.device) as generator:
                return pipe(
                    image=to_pil(request.image),
                    width=request.width,
                    height=request.height,
                    num_frames=request.num_frames,
                    num_inference_steps=request.animate.num_inference_steps,
                    min_guidance_scale=1.0,
                    max_guidance_scale=request.animate.guidance_scale,
                    fps=request.animate.target_fps,
                    motion_bucket_id=request.animate.motion_bucket_id,
                    noise_aug_strength=request.animate.noise_aug_strength,
                    decode_chunk_size=decode_chunk(self.card, request),
                    generator=generator,
                    output_type=output_type,
                ).frames
        finally:
            # The pipeline encodes the image in float32, and an error on the way leaves the autoencoder in it.
            if pipe.vae.dtype != precision:
                pipe.vae.to(dtype=precision)
