"""Stable Video Diffusion (stabilityai/stable-video-diffusion-img2vid and its -xt form) with small networks."""

from pathlib import Path

from tests.tiny_models.encoders import add_clip_processor, clip_vision
from tests.tiny_models.hub import PLAIN, Repository, make, network


def build(folder: Path, num_frames: int) -> None:
    """Fill `folder`; `num_frames` is what the UNet was trained for: 14, or 25 for XT. Weights are plain and fp16."""
    variants = (PLAIN, "fp16")
    unet = network(
        "diffusers.UNetSpatioTemporalConditionModel",
        sample_size=96,
        block_out_channels=(32, 32, 32, 32),
        layers_per_block=1,
        addition_time_embed_dim=32,
        projection_class_embeddings_input_dim=96,
        cross_attention_dim=32,
        num_attention_heads=(2, 2, 4, 4),
        num_frames=num_frames,
    )
    vae = network(
        "diffusers.AutoencoderKLTemporalDecoder",
        down_block_types=("DownEncoderBlock2D",) * 4,
        block_out_channels=(32, 32, 32, 32),
        layers_per_block=1,
        latent_channels=4,
        sample_size=768,
        scaling_factor=0.18215,
        force_upcast=True,
    )
    scheduler = make(
        "diffusers.EulerDiscreteScheduler",
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        interpolation_type="linear",
        use_karras_sigmas=True,
        sigma_min=0.002,
        sigma_max=700.0,
        timestep_spacing="leading",
        timestep_type="continuous",
        steps_offset=1,
    )
    repository = Repository(folder)
    add_clip_processor(repository, "feature_extractor")
    repository.transformers("image_encoder", clip_vision("CLIPVisionModelWithProjection", 32), variants=variants)
    repository.scheduler(scheduler)
    repository.diffusers("unet", unet, variants=variants)
    repository.diffusers("vae", vae, variants=variants)
    repository.finish("StableVideoDiffusionPipeline")
