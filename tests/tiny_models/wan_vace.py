"""The Wan VACE family (repositories Wan-AI/Wan2.1-VACE-*-diffusers) with small networks."""

from pathlib import Path
from typing import Any

from tests.tiny_models.encoders import t5
from tests.tiny_models.hub import Repository, make, network
from tests.tiny_models.tokenizers import write_t5
from tests.tiny_models.wan import WIDTH, plain_vae

MASK_CHANNELS = 8 * 8
"""The mask of a latent position: that of each pixel which it stands for."""


def build(folder: Path, layers: int, shards: int = 2) -> None:
    """Fill `folder`: a denoiser of so many layers, of which every other one is guided, in so many files."""
    repository = Repository(folder)
    flow = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}
    repository.scheduler(make("diffusers.UniPCMultistepScheduler", **flow))
    repository.transformers("text_encoder", t5("UMT5EncoderModel", WIDTH), 3)
    write_t5(repository.place("tokenizer", "transformers", "T5TokenizerFast"), "T5TokenizerFast", fast=True)
    vae = plain_vae()
    repository.diffusers("transformer", transformer(vae.config.z_dim, layers), shards)
    repository.diffusers("vae", vae)
    repository.finish("WanVACEPipeline")


def transformer(latent_channels: int, layers: int) -> Any:
    """The denoiser. What guides it are the latents of what is kept and of what is free, and the mask."""
    return network(
        "diffusers.WanVACETransformer3DModel",
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=latent_channels,
        out_channels=latent_channels,
        text_dim=WIDTH,
        freq_dim=32,
        ffn_dim=48,
        num_layers=layers,
        vace_layers=list(range(0, layers, 2)),
        vace_in_channels=2 * latent_channels + MASK_CHANNELS,
    )
