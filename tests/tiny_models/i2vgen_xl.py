"""I2VGen-XL (ali-vilab/i2vgen-xl) with small networks, in two sizes."""

from dataclasses import dataclass
from pathlib import Path

from tests.tiny_models.encoders import add_clip_processor, clip_text, clip_vision
from tests.tiny_models.hub import PLAIN, Repository, make, network
from tests.tiny_models.tokenizers import write_clip


@dataclass(frozen=True)
class Size:
    """How large the networks are; `context` is the width of all embeddings."""

    context: int
    unet_channels: tuple[int, ...]
    head: int
    vae_channels: tuple[int, ...]
    groups: int
    layers: int
    variants: tuple[str, ...]


SIZES = {
    "tiny": Size(32, (16, 16, 32, 32), 8, (8, 8, 16, 16), 4, 1, (PLAIN, "fp16")),
    "middle": Size(128, (32, 64, 128, 128), 32, (32, 32, 64, 64), 16, 1, ("fp16",)),
}
"""middle, for measurements: on two cores a step with guidance takes about two seconds at 256x256x16, and at 512x512x16
its activations take about 2.8 GB, 2 of them in the feed-forward layer of the input transformer."""


def build(folder: Path, size: str = "tiny") -> None:
    """Fill `folder`; the repository has all weights plain and as fp16."""
    shape = SIZES[size]
    unet = network(
        "diffusers.I2VGenXLUNet",
        sample_size=32,
        block_out_channels=shape.unet_channels,
        layers_per_block=shape.layers,
        norm_num_groups=shape.groups,
        cross_attention_dim=shape.context,
        attention_head_dim=shape.head,
    )
    vae = network(
        "diffusers.AutoencoderKL",
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=shape.vae_channels,
        layers_per_block=shape.layers,
        norm_num_groups=shape.groups,
        latent_channels=4,
        sample_size=768,
        scaling_factor=0.18215,
    )
    scheduler = make(
        "diffusers.DDIMScheduler",
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="squaredcos_cap_v2",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
        prediction_type="v_prediction",
        timestep_spacing="leading",
        rescale_betas_zero_snr=True,
    )
    repository = Repository(folder)
    add_clip_processor(repository, "feature_extractor")
    encoder = clip_vision("CLIPVisionModelWithProjection", shape.context)
    repository.transformers("image_encoder", encoder, variants=shape.variants)
    repository.scheduler(scheduler)
    repository.transformers("text_encoder", clip_text(shape.context), variants=shape.variants)
    write_clip(repository.place("tokenizer", "transformers", "CLIPTokenizer"))
    repository.diffusers("unet", unet, variants=shape.variants)
    repository.diffusers("vae", vae, variants=shape.variants)
    repository.finish("I2VGenXLPipeline")
