"""CogVideoX 5B image to video (zai-org/CogVideoX-5b-I2V) with small networks."""

from pathlib import Path

from tests.tiny_models.encoders import t5
from tests.tiny_models.hub import Repository, make, network
from tests.tiny_models.tokenizers import write_t5

WIDTH = 32
"""Width of the text embeddings."""


def build(folder: Path) -> None:
    """Fill `folder`. As published, its learned positions fit 720x480 alone, hence the smallest VAE that there can be.

    Even so a run takes seconds.
    """
    scheduler = make(
        "diffusers.CogVideoXDDIMScheduler",
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        set_alpha_to_one=True,
        snr_shift_scale=1.0,
        timestep_spacing="trailing",
    )
    transformer = network(
        "diffusers.CogVideoXTransformer3DModel",
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=32,
        time_embed_dim=32,
        text_embed_dim=WIDTH,
        num_layers=2,
        use_rotary_positional_embeddings=True,
        use_learned_positional_embeddings=True,
    )
    vae = network(
        "diffusers.AutoencoderKLCogVideoX",
        block_out_channels=(2, 2, 2, 2),
        layers_per_block=0,
        norm_num_groups=2,
        scaling_factor=0.7,
    )
    repository = Repository(folder)
    repository.scheduler(scheduler)
    repository.transformers("text_encoder", t5("T5EncoderModel", WIDTH), shards=2)
    write_t5(repository.place("tokenizer", "transformers", "T5Tokenizer"), "T5Tokenizer", fast=False)
    repository.diffusers("transformer", transformer, shards=3)
    repository.diffusers("vae", vae)
    repository.finish("CogVideoXImageToVideoPipeline")
