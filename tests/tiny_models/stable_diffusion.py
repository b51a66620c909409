"""Stable Diffusion 1.5 and XL, their ControlNets for edges and their IP-Adapters, with small networks."""

from pathlib import Path
from typing import Any

from tests.tiny_models.encoders import CLIP_MEAN, CLIP_STD, clip_text, clip_vision
from tests.tiny_models.hub import (
    PLAIN,
    Repository,
    make,
    network,
    published_weights,
    write_config,
    write_json,
    write_weights,
)
from tests.tiny_models.tokenizers import write_clip

VARIANTS = (PLAIN, "fp16")

WIDTH = 32
"""Of the states of each text encoder."""

SIDE = 64
"""Pixels of a side that the models are at their best with: eight for each latent position of `sample_size`."""

_BLOCKS: dict[str, Any] = {
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
}
"""What UNet and ControlNet have in common."""

_SMALL = {**_BLOCKS, "cross_attention_dim": WIDTH, "attention_head_dim": 2}

_LARGE = {
    **_BLOCKS,
    "cross_attention_dim": 2 * WIDTH,
    "attention_head_dim": (2, 4),
    "transformer_layers_per_block": (1, 2),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 6 * 8 + WIDTH,
}
"""XL is also told sizes: six numbers of 8 values each, beside the pooled text."""

_UP = ("CrossAttnUpBlock2D", "UpBlock2D")

_NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}


def build_small(folder: Path) -> None:
    """Fill `folder` as stable-diffusion-v1-5/stable-diffusion-v1-5; without the safety checker, which is not loaded."""
    repository = Repository(folder)
    _add_text(repository, "", clip_text(WIDTH))
    _add_networks(repository, _SMALL, scaling_factor=0.18215)
    repository.scheduler(
        make("diffusers.PNDMScheduler", **_NOISE, skip_prk_steps=True, steps_offset=1, set_alpha_to_one=False)
    )
    preprocessor = repository.place("feature_extractor", "transformers", "CLIPImageProcessor")
    write_json(preprocessor / "preprocessor_config.json", {"image_mean": CLIP_MEAN, "image_std": CLIP_STD})
    checker = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    repository.finish("StableDiffusionPipeline", safety_checker=checker)


def build_large(folder: Path) -> None:
    """Fill `folder` as stabilityai/stable-diffusion-xl-base-1.0: of its two text encoders, one has a projection."""
    repository = Repository(folder)
    first = clip_text(WIDTH)
    _add_text(repository, "", first)
    _add_text(repository, "_2", network("transformers.CLIPTextModelWithProjection", first.config))
    _add_networks(repository, _LARGE, scaling_factor=0.13025, force_upcast=True)
    scheduler = make("diffusers.EulerDiscreteScheduler", **_NOISE, timestep_spacing="leading", steps_offset=1)
    repository.scheduler(scheduler)
    repository.finish("StableDiffusionXLPipeline", force_zeros_for_empty_prompt=True)


def build_control(folder: Path, large: bool) -> None:
    """Fill `folder` with a ControlNet, which lies at the top of its repository."""
    control = network(
        "diffusers.ControlNetModel", **(_LARGE if large else _SMALL), conditioning_embedding_out_channels=(8, 8, 8, 8)
    )
    control.save_config(folder)
    write_weights(folder, "diffusion_pytorch_model", control.state_dict(), variants=VARIANTS)


def build_adapter(folder: Path, large: bool) -> None:
    """Fill `folder` as h94/IP-Adapter, with the adapter of one model and the network that sees."""
    name = "sdxl_models/ip-adapter_sdxl_vit-h" if large else "models/ip-adapter_sd15"
    (folder / name).parent.mkdir(parents=True)
    encoder = folder / "models" / "image_encoder"
    encoder.mkdir(parents=True)
    seeing = clip_vision("CLIPVisionModelWithProjection", WIDTH)
    write_config(encoder, seeing)
    write_weights(encoder, "model", published_weights(seeing))
    write_weights(folder, name, _adapter_weights(2 * WIDTH if large else WIDTH, large), variants=(PLAIN,))


def _adapter_weights(states: int, large: bool) -> dict[str, Any]:
    """A projection to 4 tokens, and keys and values of them for each cross-attention, at odd numbers as published.

    `states` is the width of what the UNet takes of the text.
    """
    unet = network(
        "diffusers.UNet2DConditionModel", sample_size=SIDE // 8, up_block_types=_UP, **(_LARGE if large else _SMALL)
    )
    weights = {}
    for number, name in enumerate(name for name in unet.attn_processors if "attn2" in name):
        width = unet.get_submodule(name.removesuffix(".processor")).to_q.out_features
        for kind in "kv":
            made = network("torch.nn.Linear", states, width, bias=False, seed=f"{number}{kind}")
            weights[f"ip_adapter.{2 * number + 1}.to_{kind}_ip.weight"] = made.weight.detach()
    projection = network("torch.nn.Linear", WIDTH, 4 * states)
    norm = network("torch.nn.LayerNorm", states)
    for part, module in (("proj", projection), ("norm", norm)):
        weights |= {f"image_proj.{part}.{key}": value for key, value in module.state_dict().items()}
    return weights


def _add_text(repository: Repository, ending: str, encoder: Any) -> None:
    repository.transformers(f"text_encoder{ending}", encoder, variants=VARIANTS)
    write_clip(repository.place(f"tokenizer{ending}", "transformers", "CLIPTokenizer"))


def _add_networks(repository: Repository, shape: dict[str, Any], **values: Any) -> None:
    unet = network("diffusers.UNet2DConditionModel", sample_size=SIDE // 8, up_block_types=_UP, **shape)
    vae = network(
        "diffusers.AutoencoderKL",
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 16, 16),
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
        sample_size=SIDE,
        **values,
    )
    repository.diffusers("unet", unet, variants=VARIANTS)
    repository.diffusers("vae", vae, variants=VARIANTS)
