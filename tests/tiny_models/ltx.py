"""LTX-Video (Lightricks/LTX-Video and Lightricks/LTX-Video-0.9.7-distilled) with small networks."""

from pathlib import Path
from typing import Any

from tests.tiny_models.encoders import t5
from tests.tiny_models.hub import Repository, make, network
from tests.tiny_models.tokenizers import write_t5

WIDTH = 32
"""Width of the text embeddings."""


def build(folder: Path) -> None:
    """Fill `folder` as version 0.9, whose schedule shifts with the size of the video."""
    scheduler = make(
        "diffusers.FlowMatchEulerDiscreteScheduler",
        use_dynamic_shifting=True,
        base_shift=0.95,
        max_shift=2.05,
        base_image_seq_len=1024,
        max_image_seq_len=4096,
        shift_terminal=0.1,
    )
    vae = network(
        "diffusers.AutoencoderKLLTXVideo",
        block_out_channels=(8, 16, 16, 16),
        decoder_block_out_channels=(8, 16, 16, 16),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
    )
    _fill(folder, "LTXPipeline", scheduler, vae, shards=2)


def build_distilled(folder: Path) -> None:
    """Fill `folder` as version 0.9.7 distilled, whose VAE is told how much noise there is in the latents."""
    vae = network(
        "diffusers.AutoencoderKLLTXVideo",
        block_out_channels=(8, 8, 16, 16, 32),
        down_block_types=("LTXVideo095DownBlock3D",) * 4,
        decoder_block_out_channels=(8, 16, 32),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, True, True),
        decoder_spatio_temporal_scaling=(True, True, True),
        decoder_inject_noise=(False, False, False, False),
        downsample_type=("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
        upsample_residual=(True, True, True),
        upsample_factor=(2, 2, 2),
        timestep_conditioning=True,
        spatial_compression_ratio=32,
        temporal_compression_ratio=8,
    )
    _fill(folder, "LTXConditionPipeline", make("diffusers.FlowMatchEulerDiscreteScheduler"), vae, shards=6)


def _fill(folder: Path, class_name: str, scheduler: Any, vae: Any, shards: int) -> None:
    import torch

    transformer = network(
        "diffusers.LTXVideoTransformer3DModel",
        num_attention_heads=2,
        attention_head_dim=16,
        cross_attention_dim=32,
        num_layers=2,
        caption_channels=WIDTH,
    )
    channels = vae.config.latent_channels
    vae.latents_mean.copy_(torch.linspace(-0.2, 0.2, channels))  # not 0 and 1, so that forgetting them shows
    vae.latents_std.copy_(torch.linspace(0.8, 1.2, channels))
    repository = Repository(folder)
    repository.scheduler(scheduler)
    repository.transformers("text_encoder", t5("T5EncoderModel", WIDTH), shards=4)
    write_t5(repository.place("tokenizer", "transformers", "T5Tokenizer"), "T5Tokenizer", fast=False)
    repository.diffusers("transformer", transformer, shards)
    repository.diffusers("vae", vae)
    repository.finish(class_name)
