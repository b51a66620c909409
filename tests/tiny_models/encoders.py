"""Text and image encoders that several families share, small."""

from typing import Any

from tests.tiny_models.hub import Repository, make, network, write_json
from tests.tiny_models.tokenizers import clip_vocabulary, t5_vocabulary_size

CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
"""Published with CLIP: mean and standard deviation of the colours that it is given."""


def clip_text(width: int) -> Any:
    """A CLIP text encoder whose states are `width` wide; `eos_token_id` 2 stands in the published configs."""
    config = make(
        "transformers.CLIPTextConfig",
        vocab_size=len(clip_vocabulary()),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=4,
        projection_dim=width,
        hidden_act="gelu",
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
    )
    return network("transformers.CLIPTextModel", config)


def clip_vision(class_name: str, width: int) -> Any:
    """A CLIP image encoder of one of transformers' two classes: states and projection are `width` wide, 50 tokens."""
    config = make(
        "transformers.CLIPVisionConfig",
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=width,
        image_size=224,
        patch_size=32,
        hidden_act="gelu",
    )
    return network(f"transformers.{class_name}", config)


def t5(class_name: str, width: int) -> Any:
    """A T5 or UMT5 encoder whose states are `width` wide."""
    config = make(
        f"transformers.{class_name.removesuffix('EncoderModel')}Config",
        vocab_size=t5_vocabulary_size(),
        d_model=width,
        d_kv=width // 4,
        num_heads=4,
        d_ff=2 * width,
        num_layers=2,
        feed_forward_proj="gated-gelu",
    )
    return network(f"transformers.{class_name}", config)


def add_clip_processor(repository: Repository, component: str) -> None:
    """Add the preprocessing of images for CLIP, with the class that the hub's model_index.json names."""
    config = {
        "image_processor_type": "CLIPImageProcessor",
        "crop_size": {"height": 224, "width": 224},
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"shortest_edge": 224},
    }
    write_json(repository.place(component, "transformers", "CLIPImageProcessor") / "preprocessor_config.json", config)
