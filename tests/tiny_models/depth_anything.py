"""Depth Anything V2 (depth-anything/Depth-Anything-V2-Small-hf and -Base-hf) with small networks."""

from pathlib import Path
from typing import Any

from tests.tiny_models.hub import make, network, published_weights, write_config, write_json, write_weights


def build(folder: Path, width: int) -> None:
    """Fill `folder` with a model whose states are `width` wide."""
    import torch

    model = network("transformers.DepthAnythingForDepthEstimation", _config(width), seed=str(width))
    with torch.no_grad():
        model.head.conv3.bias.fill_(1.0)  # what is below 0 is cut off, which would be all of it
    write_config(folder, model)
    write_weights(folder, "model", published_weights(model))
    write_json(folder / "preprocessor_config.json", _processor())


def _config(width: int) -> Any:
    backbone = make(
        "transformers.Dinov2Config",
        image_size=518,
        patch_size=14,
        hidden_size=width,
        num_attention_heads=2,
        num_hidden_layers=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
        apply_layernorm=True,
        initializer_range=0.2,
    )
    return make(
        "transformers.DepthAnythingConfig",
        backbone_config=backbone,
        reassemble_hidden_size=width,
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=8,
        head_hidden_size=8,
        initializer_range=0.2,
    )


def _processor() -> dict[str, Any]:
    """Preprocessing as published."""
    return {
        "image_processor_type": "DPTImageProcessor",
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "ensure_multiple_of": 14,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "keep_aspect_ratio": True,
        "resample": 3,
        "rescale_factor": 0.00392156862745098,
        "size": {"height": 518, "width": 518},
    }
