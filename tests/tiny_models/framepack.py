"""FramePack on HunyuanVideo with small networks, in the three repositories that it is published in.

hunyuanvideo-community/HunyuanVideo comes without its transformer, which FramePack replaces.
"""

import json
from pathlib import Path

from tests.tiny_models.encoders import clip_text
from tests.tiny_models.hub import Repository, make, network, write_json, write_weights
from tests.tiny_models.tokenizers import llama_vocabulary_size, write_clip, write_llama

WIDTH = 32
"""Width of all embeddings."""

TRANSFORMER = "lllyasviel--FramePackI2V_HY"
IMAGE_ENCODER = "lllyasviel--flux_redux_bfl"


def build(folder: Path) -> None:
    """Fill `folder`, and the folders of the other two repositories beside it."""
    _fill_transformer(folder.parent / TRANSFORMER)
    _fill_image_encoder(folder.parent / IMAGE_ENCODER)
    vae = network(
        "diffusers.AutoencoderKLHunyuanVideo",
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        norm_num_groups=4,
        scaling_factor=0.476986,
    )
    llama = make(
        "transformers.LlamaConfig",
        vocab_size=llama_vocabulary_size(),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        bos_token_id=0,
        eos_token_id=1,
        rope_theta=500000.0,
    )
    repository = Repository(folder)
    repository.scheduler(make("diffusers.FlowMatchEulerDiscreteScheduler", shift=7.0))
    repository.transformers("text_encoder", network("transformers.LlamaModel", llama), shards=4)
    repository.transformers("text_encoder_2", clip_text(WIDTH))
    write_llama(repository.place("tokenizer", "transformers", "LlamaTokenizerFast"))
    write_clip(repository.place("tokenizer_2", "transformers", "CLIPTokenizer"))
    repository.diffusers("vae", vae)
    repository.finish("HunyuanVideoPipeline", transformer=["diffusers", "HunyuanVideoTransformer3DModel"])


def _fill_transformer(folder: Path) -> None:
    """The denoiser at the top of its repository; its config names the class of FramePack's own program."""
    transformer = network(
        "diffusers.HunyuanVideoFramepackTransformer3DModel",
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=1,
        num_single_layers=1,
        num_refiner_layers=1,
        text_embed_dim=WIDTH,
        pooled_projection_dim=WIDTH,
        rope_axes_dim=(4, 6, 6),
        has_image_proj=True,
        image_proj_dim=WIDTH,
        has_clean_x_embedder=True,
    )
    folder.mkdir()
    transformer.save_config(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    write_json(folder / "config.json", config | {"_class_name": "HunyuanVideoTransformer3DModelPacked"})
    write_weights(folder, "diffusion_pytorch_model", transformer.state_dict(), 3)


def _fill_image_encoder(folder: Path) -> None:
    """A SigLIP image encoder and its preprocessing, of 144 patches."""
    siglip = make(
        "transformers.SiglipVisionConfig",
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=384,
        patch_size=32,
    )
    repository = Repository(folder)
    repository.transformers("image_encoder", network("transformers.SiglipVisionModel", siglip))
    config = {
        "image_processor_type": "SiglipImageProcessor",
        "do_convert_rgb": None,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"height": 384, "width": 384},
    }
    processor = repository.place("feature_extractor", "transformers", "SiglipImageProcessor")
    write_json(processor / "preprocessor_config.json", config)
    repository.finish("FluxPriorReduxPipeline")
