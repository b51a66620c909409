"""The Wan family (repositories Wan-AI/Wan2.*-Diffusers) with small networks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tiny_models.encoders import add_clip_processor, clip_vision, t5
from tests.tiny_models.hub import Repository, make, network
from tests.tiny_models.tokenizers import write_t5

WIDTH = 32
"""Width of all embeddings."""

CLIP_TOKENS = 50
"""Tokens of the image encoder: 7 x 7 patches and one for the class."""


@dataclass(frozen=True)
class Kind:
    """In what the models of the family differ; shards are counted for the transformer and the text encoder."""

    flow_shift: float
    shards: tuple[int, int]
    image_tokens: int | None = None
    """Positions of the image embedding where a last image has its own; empty where there are no positions."""
    image_encoder: bool = False
    two_stages: bool = False
    expand_timesteps: bool = False


IMAGE_TO_VIDEO = Kind(3.0, (14, 5), image_encoder=True)
FIRST_LAST = Kind(16.0, (14, 3), image_encoder=True, image_tokens=2 * CLIP_TOKENS)
TWO_STAGES = Kind(3.0, (12, 3), two_stages=True)
TEXT_IMAGE = Kind(5.0, (5, 3), expand_timesteps=True)


def build(folder: Path, kind: Kind) -> None:
    """Fill `folder`."""
    repository = Repository(folder)
    repository.scheduler(
        make(
            "diffusers.UniPCMultistepScheduler",
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            flow_shift=kind.flow_shift,
        )
    )
    repository.transformers("text_encoder", t5("UMT5EncoderModel", WIDTH), kind.shards[1])
    write_t5(repository.place("tokenizer", "transformers", "T5TokenizerFast"), "T5TokenizerFast", fast=True)
    vae = residual_vae() if kind.expand_timesteps else plain_vae()
    repository.diffusers("transformer", transformer(kind, vae.config.z_dim), kind.shards[0])
    repository.diffusers("vae", vae)
    if kind.image_encoder:
        repository.transformers("image_encoder", clip_vision("CLIPVisionModel", WIDTH))
        add_clip_processor(repository, "image_processor")
        repository.finish("WanImageToVideoPipeline")
    elif kind.two_stages:
        repository.diffusers("transformer_2", transformer(kind, vae.config.z_dim, seed="low noise"), kind.shards[0])
        absent = {"image_encoder": [None, None], "image_processor": [None, None]}
        repository.finish("WanImageToVideoPipeline", boundary_ratio=0.9, **absent)
    else:
        # Published as a pipeline for text; the one for images takes it as it is.
        repository.finish("WanPipeline", boundary_ratio=None, expand_timesteps=True, transformer_2=[None, None])


def transformer(kind: Kind, latent_channels: int, seed: str = "") -> Any:
    """The denoiser. Where the image is not laid over the latents, it comes in as latents and 4 channels of mask."""
    heads, head = 2, 12
    return network(
        "diffusers.WanTransformer3DModel",
        seed=seed,
        num_attention_heads=heads,
        attention_head_dim=head,
        in_channels=latent_channels if kind.expand_timesteps else 2 * latent_channels + 4,
        out_channels=latent_channels,
        text_dim=WIDTH,
        freq_dim=32,
        ffn_dim=48,
        num_layers=2,
        image_dim=WIDTH if kind.image_encoder else None,
        added_kv_proj_dim=heads * head if kind.image_encoder else None,
        pos_embed_seq_len=kind.image_tokens,
    )


def plain_vae() -> Any:
    """The VAE of stride 4 x 8 x 8, whose published mean and deviation of latents are the defaults of diffusers."""
    return network("diffusers.AutoencoderKLWan", base_dim=8, dim_mult=[1, 1, 1, 1], num_res_blocks=1)


def residual_vae() -> Any:
    """The VAE of stride 4 x 16 x 16 of Wan 2.2 5B, with its published mean and deviation of latents."""
    return network(
        "diffusers.AutoencoderKLWan",
        base_dim=8,
        decoder_base_dim=8,
        z_dim=len(RESIDUAL_MEAN),
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        latents_mean=list(RESIDUAL_MEAN),
        latents_std=list(RESIDUAL_STD),
        is_residual=True,
        in_channels=12,
        out_channels=12,
        patch_size=2,
        scale_factor_temporal=4,
        scale_factor_spatial=16,
    )


# fmt: off
RESIDUAL_MEAN = (
    -0.2289, -0.0052, -0.1323, -0.2339, -0.2799, 0.0174, 0.1838, 0.1557, -0.1382, 0.0542, 0.2813, 0.0891,
    0.1570, -0.0098, 0.0375, -0.1825, -0.2246, -0.1207, -0.0698, 0.5109, 0.2665, -0.2108, -0.2158, 0.2502,
    -0.2055, -0.0322, 0.1109, 0.1567, -0.0729, 0.0899, -0.2799, -0.1230, -0.0313, -0.1649, 0.0117, 0.0723,
    -0.2839, -0.2083, -0.0520, 0.3748, 0.0152, 0.1957, 0.1433, -0.2944, 0.3573, -0.0548, -0.1681, -0.0667,
)
RESIDUAL_STD = (
    0.4765, 1.0364, 0.4514, 1.1677, 0.5313, 0.4990, 0.4818, 0.5013, 0.8158, 1.0344, 0.5894, 1.0901,
    0.6885, 0.6165, 0.8454, 0.4978, 0.5759, 0.3523, 0.7135, 0.6804, 0.5833, 1.4146, 0.8986, 0.5659,
    0.7069, 0.5338, 0.4889, 0.4917, 0.4069, 0.4999, 0.6866, 0.4093, 0.5709, 0.6065, 0.6415, 0.4944,
    0.5726, 1.2042, 0.5458, 1.6887, 0.3971, 1.0600, 0.3943, 0.5537, 0.5444, 0.4089, 0.7468, 0.7744,
)
# fmt: on
