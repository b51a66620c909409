"""Decoding with an image autoencoder, a few frames at a time, for the families that have one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.catalogue import ModelCard
from pipeline.engines.diffusion.family import Request
from pipeline.engines.diffusion.images import STABLE_DIFFUSION_RGB, latent_preview, to_frames
from pipeline.frames import Frame

if TYPE_CHECKING:
    import torch

TILE = 512
"""Side in pixels of a tile: the forecast counts on it, and published configurations differ."""


def decode_chunk(card: ModelCard, request: Request) -> int:
    """How many frames are decoded at once: as the settings say, else as the forecast of the model assumes."""
    return min(request.animate.decode_chunk_size or card.memory.decode_chunk, request.num_frames)


def decode_chunks(pipe: Any, latents: "torch.Tensor", size: int, temporal: bool = False) -> Iterator[Frame]:
    """Yield the frames of latents of shape (frames, channels, height / 8, width / 8), decoded `size` at a time.

    `temporal`: the decoder looks at the frames of a chunk together. Chunks that were read are forgotten before the next
    one is decoded; at the end the autoencoder goes back to where it waits.
    """
    try:
        # Once for all chunks: a pipeline looks through all its layers for where it runs.
        placed = latents.to(pipe._execution_device, pipe.vae.dtype)
        for start in range(0, len(latents), size):
            yield from to_frames(_decode(pipe, placed[start : start + size], temporal))
    finally:
        pipe.maybe_free_model_hooks()


def _decode(pipe: Any, chunk: "torch.Tensor", temporal: bool) -> "torch.Tensor":
    import torch

    together = {"num_frames": len(chunk)} if temporal else {}
    with torch.no_grad():
        decoded: torch.Tensor = pipe.vae.decode(1 / pipe.vae.config.scaling_factor * chunk, **together).sample
    return decoded


@contextmanager
def tiled(vae: Any, wanted: bool) -> Iterator[None]:
    """Decode in overlapping tiles of `TILE` pixels a side until left, if wanted."""
    if not wanted:
        yield
        return
    before = {name: getattr(vae, name) for name in ("use_tiling", "tile_sample_min_size", "tile_latent_min_size")}
    stride = 2 ** (len(vae.config.block_out_channels) - 1)
    vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size = True, TILE, TILE // stride
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(vae, name, value)


def preview(latents: "torch.Tensor", frames_dim: int) -> Frame:
    """A small picture of the middle one of the frames along `frames_dim`; dimensions of one before it are dropped."""
    middle = latents.select(frames_dim, latents.shape[frames_dim] // 2)
    return latent_preview(middle.reshape(middle.shape[-3:]), STABLE_DIFFUSION_RGB)
