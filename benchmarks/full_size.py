"""The networks of the catalogue's models in full size, from their published configurations: no weights are needed.

On the meta device they tell sizes and activations (benchmarks/memory_model.py); with random weights on a disk they run
on a GPU as the real ones would, apart from the picture (benchmarks/gpu.py).
"""

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Network:
    """One network: where its class is, and the values of its configuration that differ from the class's own."""

    module: str
    kind: str
    config: dict[str, Any] = field(default_factory=dict)


_CLIP_VIT_H = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 16,
    "patch_size": 14,
    "image_size": 224,
    "projection_dim": 1024,
    "hidden_act": "gelu",
}
_IMAGE_VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "sample_size": 512,
}
_SVD_VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "sample_size": 768,
}
_T5_XXL = {"d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64}
_WAN = {"num_attention_heads": 40, "attention_head_dim": 128, "num_layers": 40, "ffn_dim": 13824}
_LTX_VAE_BLOCKS = {
    "block_out_channels": (128, 256, 512, 1024, 2048),
    "down_block_types": ("LTXVideo095DownBlock3D",) * 4,
    "decoder_block_out_channels": (256, 512, 1024),
    "layers_per_block": (4, 6, 6, 2, 2),
    "decoder_layers_per_block": (5, 5, 5, 5),
    "spatio_temporal_scaling": (True, True, True, True),
    "decoder_spatio_temporal_scaling": (True, True, True),
    "decoder_inject_noise": (False, False, False, False),
    "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
    "upsample_residual": (True, True, True),
    "upsample_factor": (2, 2, 2),
    "timestep_conditioning": True,
}

_IMAGE_ENCODER = Network("transformers", "CLIPVisionModelWithProjection", _CLIP_VIT_H)
_WAN_IMAGE_ENCODER = Network("transformers", "CLIPVisionModel", _CLIP_VIT_H)
_T5 = Network("transformers", "T5EncoderModel", {**_T5_XXL, "vocab_size": 32128, "feed_forward_proj": "gated-gelu"})
_UMT5 = Network(
    "transformers", "UMT5EncoderModel", {**_T5_XXL, "vocab_size": 256384, "feed_forward_proj": "gated-gelu"}
)
_WAN_VAE = Network("diffusers", "AutoencoderKLWan")
_SVD = {
    "unet": Network("diffusers", "UNetSpatioTemporalConditionModel"),
    "vae": Network("diffusers", "AutoencoderKLTemporalDecoder", _SVD_VAE),
    "image_encoder": _IMAGE_ENCODER,
}

NETWORKS: dict[str, dict[str, Network]] = {
    "i2vgen-xl": {
        "unet": Network("diffusers", "I2VGenXLUNet"),
        "vae": Network("diffusers", "AutoencoderKL", _IMAGE_VAE),
        "text_encoder": Network(
            "transformers",
            "CLIPTextModel",
            {
                "hidden_size": 1024,
                "intermediate_size": 4096,
                "num_hidden_layers": 24,
                "num_attention_heads": 16,
                "hidden_act": "gelu",
            },
        ),
        "image_encoder": _IMAGE_ENCODER,
    },
    "svd": _SVD,
    "svd-xt": _SVD,
    "wan2.1-i2v-14b-480p": {
        "transformer": Network(
            "diffusers",
            "WanTransformer3DModel",
            {**_WAN, "in_channels": 36, "image_dim": 1280, "added_kv_proj_dim": 5120},
        ),
        "vae": _WAN_VAE,
        "text_encoder": _UMT5,
        "image_encoder": _WAN_IMAGE_ENCODER,
    },
    "wan2.1-flf2v-14b-720p": {
        "transformer": Network(
            "diffusers",
            "WanTransformer3DModel",
            {**_WAN, "in_channels": 36, "image_dim": 1280, "added_kv_proj_dim": 5120, "pos_embed_seq_len": 514},
        ),
        "vae": _WAN_VAE,
        "text_encoder": _UMT5,
        "image_encoder": _WAN_IMAGE_ENCODER,
    },
    "wan2.2-i2v-a14b": {
        "transformer": Network("diffusers", "WanTransformer3DModel", {**_WAN, "in_channels": 36}),
        "transformer_2": Network("diffusers", "WanTransformer3DModel", {**_WAN, "in_channels": 36}),
        "vae": _WAN_VAE,
        "text_encoder": _UMT5,
    },
    "wan2.2-ti2v-5b": {
        "transformer": Network(
            "diffusers",
            "WanTransformer3DModel",
            {
                "in_channels": 48,
                "out_channels": 48,
                "num_attention_heads": 24,
                "attention_head_dim": 128,
                "num_layers": 30,
                "ffn_dim": 14336,
            },
        ),
        "vae": Network(
            "diffusers",
            "AutoencoderKLWan",
            {
                "base_dim": 160,
                "decoder_base_dim": 256,
                "z_dim": 48,
                "is_residual": True,
                "in_channels": 12,
                "out_channels": 12,
                "patch_size": 2,
                "scale_factor_spatial": 16,
                "latents_mean": [0.0] * 48,
                "latents_std": [1.0] * 48,
            },
        ),
        "text_encoder": _UMT5,
    },
    "wan2.1-vace-1.3b": {
        "transformer": Network(
            "diffusers",
            "WanVACETransformer3DModel",
            {
                "num_attention_heads": 12,
                "attention_head_dim": 128,
                "num_layers": 30,
                "ffn_dim": 8960,
                "vace_layers": list(range(0, 30, 2)),
            },
        ),
        "vae": _WAN_VAE,
        "text_encoder": _UMT5,
    },
    "wan2.1-vace-14b": {
        "transformer": Network(
            "diffusers", "WanVACETransformer3DModel", {**_WAN, "vace_layers": list(range(0, 40, 5))}
        ),
        "vae": _WAN_VAE,
        "text_encoder": _UMT5,
    },
    "ltx-video": {
        "transformer": Network("diffusers", "LTXVideoTransformer3DModel"),
        "vae": Network("diffusers", "AutoencoderKLLTXVideo"),
        "text_encoder": _T5,
    },
    "ltx-video-distilled": {
        "transformer": Network(
            "diffusers",
            "LTXVideoTransformer3DModel",
            {"num_layers": 48, "num_attention_heads": 32, "attention_head_dim": 128, "cross_attention_dim": 4096},
        ),
        "vae": Network("diffusers", "AutoencoderKLLTXVideo", _LTX_VAE_BLOCKS),
        "text_encoder": _T5,
    },
    "cogvideox-5b-i2v": {
        "transformer": Network(
            "diffusers",
            "CogVideoXTransformer3DModel",
            {
                "num_attention_heads": 48,
                "num_layers": 42,
                "in_channels": 32,
                "out_channels": 16,
                "use_rotary_positional_embeddings": True,
                "use_learned_positional_embeddings": True,
            },
        ),
        "vae": Network(
            "diffusers",
            "AutoencoderKLCogVideoX",
            {
                "block_out_channels": (128, 256, 256, 512),
                "down_block_types": ("CogVideoXDownBlock3D",) * 4,
                "up_block_types": ("CogVideoXUpBlock3D",) * 4,
                "latent_channels": 16,
                "layers_per_block": 3,
                "sample_height": 480,
                "sample_width": 720,
                "scaling_factor": 0.7,
                "invert_scale_latents": True,
            },
        ),
        "text_encoder": _T5,
    },
    "framepack-i2v-hy": {
        "transformer": Network(
            "diffusers",
            "HunyuanVideoFramepackTransformer3DModel",
            {"has_image_proj": True, "has_clean_x_embedder": True},
        ),
        "vae": Network("diffusers", "AutoencoderKLHunyuanVideo"),
        "text_encoder": Network(
            "transformers",
            "LlamaModel",
            {
                "hidden_size": 4096,
                "intermediate_size": 14336,
                "num_hidden_layers": 32,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "vocab_size": 128320,
            },
        ),
        "text_encoder_2": Network(
            "transformers",
            "CLIPTextModel",
            {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
        ),
        "image_encoder": Network(
            "transformers",
            "SiglipVisionModel",
            {
                "hidden_size": 1152,
                "intermediate_size": 4304,
                "num_hidden_layers": 27,
                "num_attention_heads": 16,
                "image_size": 384,
                "patch_size": 14,
            },
        ),
    },
}
"""Networks by model and component."""


def build(network: Network, dtype: "torch.dtype | None" = None, device: str = "meta") -> Any:
    """Build a network in evaluation mode, of which nothing but sizes is meant: on a real device its weights are random.

    On a device the weights are drawn there in the precision asked for, so that nothing larger ever exists.
    """
    import torch

    library = importlib.import_module(network.module)
    kind = getattr(library, network.kind)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype or before)
    try:
        with torch.device(device):
            if network.module == "diffusers":
                built = kind.from_config({**network.config, "_class_name": network.kind})
            else:
                built = kind(kind.config_class(**network.config))
    finally:
        torch.set_default_dtype(before)
    # A few parameters are made in ways that the default device does not reach.
    return built.to(device).eval().requires_grad_(requires_grad=False)


def parameters(network: Any) -> int:
    """Number of parameters, and of values in buffers that are saved with them; shared ones count once."""
    saved = {id(each): int(each.numel()) for each in network.state_dict(keep_vars=True).values()}
    return sum(saved.values())


def largest_layer(network: Any) -> int:
    """Parameters of the largest single layer: what group offload moves at once."""
    return max(sum(int(each.numel()) for each in module.parameters(recurse=False)) for module in network.modules())
