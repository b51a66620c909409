"""I2VGen-XL (Zhang et al., "I2VGen-XL: High-Quality Image-to-Video Synthesis via Cascaded Diffusion Models", 2023)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.engines.diffusion.arrangement import all_but, arranged
from pipeline.engines.diffusion.family import Family, Request, Tensors
from pipeline.engines.diffusion.image_vae import decode_chunk, decode_chunks, preview, tiled
from pipeline.engines.diffusion.images import to_pil
from pipeline.engines.diffusion.seeding import seeded
from pipeline.frames import Frame

if TYPE_CHECKING:
    import torch


class I2VGenXL(Family):
    """Adapter of I2VGenXLPipeline.

    The pipeline draws the noise of the video from its generator, but that of the image's latents from torch's global
    state, so both are seeded. It is given the image in exactly the size of the video: its own crop rounds down and
    leaves a black edge in every third size. What its image encoder sees, a square cut out of the image, is still cut
    by the pipeline, and has such an edge of one pixel in some landscape sizes.
    """

    pipeline_class = "I2VGenXLPipeline"
    denoiser = "unet"
    ignores = all_but(
        "animate.target_fps",
        "animate.decode_chunk_size",
        "animate.vae_tiling",
        "runtime.chunk_feed_forward",
        "runtime.guidance_passes",
    )

    def condition(self, pipe: Any, request: Request) -> Tensors:
        """Embed the prompts, each of shape (1, tokens, width); the negative one is there without guidance as well."""
        embeddings = {
            "prompt_embeds": _embed(pipe, request.settings.prompt, request.note).cpu(),
            "negative_prompt_embeds": _embed(pipe, request.animate.negative_prompt, request.note).cpu(),
        }
        pipe.maybe_free_model_hooks()
        return embeddings

    def sample(self, pipe: Any, request: Request, conditions: Tensors) -> Tensors:
        """Return the latents of shape (1, 4, frames, height / 8, width / 8)."""
        return {"latents": self._call(pipe, request, conditions, output_type="latent")}

    def decode(self, pipe: Any, latents: Tensors, request: Request) -> Iterator[Frame]:
        """Yield the frames. The autoencoder sees each one alone, so chunks of any size give the same."""
        by_frame = latents["latents"][0].transpose(0, 1)
        with tiled(pipe.vae, request.animate.vae_tiling):
            yield from decode_chunks(pipe, by_frame, decode_chunk(self.card, request))

    def bare(self, pipe: Any, request: Request) -> list[Frame]:
        """The frames of the pipeline alone, seeded in the same way, with the embeddings of `condition`."""
        import numpy as np

        with tiled(pipe.vae, request.animate.vae_tiling):
            images = self._call(pipe, request, self.condition(pipe, request), output_type="pil")[0]
        return [np.array(image) for image in images]

    @contextmanager
    def arrange(self, pipe: Any, request: Request) -> Iterator[None]:
        """What all families share, and the feed-forward layers of the UNet's input transformer in chunks."""
        with (
            arranged(self.card, pipe, request, [pipe.unet], doubles_batch=True),
            _chunked(pipe.unet.transformer_in, request.runtime.chunk_feed_forward),
        ):
            yield

    def glimpse(self, latents: "torch.Tensor", request: Request) -> Frame | None:  # noqa: ARG002
        """The middle frame of latents of shape (frames, 4, height / 8, width / 8), as this scheduler steps them."""
        return preview(latents, frames_dim=0)

    def _call(self, pipe: Any, request: Request, conditions: Tensors, output_type: str) -> Any:
        with seeded(request.seed, request.device) as generator:
            return pipe(
                image=to_pil(request.image),
                width=request.width,
                height=request.height,
                num_frames=request.num_frames,
                num_inference_steps=request.animate.num_inference_steps,
                guidance_scale=request.animate.guidance_scale,
                target_fps=request.animate.target_fps,
                decode_chunk_size=decode_chunk(self.card, request),
                generator=generator,
                output_type=output_type,
                **conditions,
            ).frames


def _embed(pipe: Any, text: str, note: Callable[[str], None]) -> "torch.Tensor":
    """Embed a text as the pipeline means to: the last layer but one, through the encoder's final normalisation.

    The pipeline itself looks for that normalisation where transformers kept it until version 5.5, and fails with later
    ones; its alternative, the last layer, gives other embeddings than the model was trained with.
    """
    import torch

    encoder, device, length = pipe.text_encoder, pipe._execution_device, pipe.tokenizer.model_max_length
    tokens = pipe.tokenizer(text, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    if len(pipe.tokenizer(text).input_ids) > length:
        note(f"The model reads {length} tokens of a text, so the end of this one is left out: {text}")
    masked = getattr(encoder.config, "use_attention_mask", False)
    with torch.no_grad():
        hidden = encoder(
            tokens.input_ids.to(device),
            attention_mask=tokens.attention_mask.to(device) if masked else None,
            output_hidden_states=True,
        ).hidden_states[-2]
        embeddings: torch.Tensor = getattr(encoder, "text_model", encoder).final_layer_norm(hidden)
    return embeddings


@contextmanager
def _chunked(transformer: Any, wanted: bool) -> Iterator[None]:
    """Run the feed-forward layers of a temporal transformer one frame at a time until left, if wanted.

    Its sequences are the positions of the picture: chunks of those, as the UNet's own switch makes them, are single
    positions, and hundreds of times slower.
    """
    blocks = transformer.transformer_blocks if wanted else ()
    for block in blocks:
        block.set_chunk_feed_forward(chunk_size=1, dim=1)
    try:
        yield
    finally:
        for block in blocks:
            block.set_chunk_feed_forward(chunk_size=None, dim=0)
