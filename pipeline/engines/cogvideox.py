"""CogVideoX: image to video, versions 1.0 and 1.5."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.engines.diffusion.arrangement import all_but
from pipeline.engines.diffusion.family import Request, Tensors
from pipeline.engines.diffusion.images import to_pil
from pipeline.engines.diffusion.video_family import VideoFamily, decoded, for_vae
from pipeline.errors import InvalidSetting
from pipeline.frames import Frame

if TYPE_CHECKING:
    import torch


class CogVideoX(VideoFamily):
    """The family of CogVideoX.

    Option of its cards: `use_dynamic_cfg`, guidance that changes from step to step. It was published together with the
    DPM sampler, and to be left off with DDIM, so it applies to repositories that come with the former.
    """

    pipeline_class = "CogVideoXImageToVideoPipeline"
    ignores = all_but("animate.vae_tiling", "animate.encode_tiling", "runtime.guidance_passes")
    doubles_batch = True

    def arguments(self, pipe: Any, request: Request) -> dict[str, Any]:
        """What the pipeline is called with."""
        from diffusers import CogVideoXDPMScheduler

        dynamic = self.card.options.get("use_dynamic_cfg", False) and isinstance(pipe.scheduler, CogVideoXDPMScheduler)
        return {
            "image": to_pil(request.image),
            "width": request.width,
            "height": request.height,
            "num_frames": request.num_frames,
            "num_inference_steps": request.animate.num_inference_steps,
            "guidance_scale": request.animate.guidance_scale,
            "use_dynamic_cfg": dynamic,
        }

    def encode(self, pipe: Any, request: Request) -> Tensors:
        """Embeddings of both texts. Raises InvalidSetting for a size that the model has no positions for."""
        _check_size(pipe, request, self.card.title)
        guided = request.animate.guidance_scale > 1.0
        positive, negative = pipe.encode_prompt(
            **{"negative_prompt": None, **self.texts(request)},
            do_classifier_free_guidance=guided,
            device=pipe._execution_device,
        )
        return {"prompt_embeds": positive, **({"negative_prompt_embeds": negative} if guided else {})}

    def decode_latents(self, pipe: Any, latents: Tensors, request: Request) -> "Iterator[torch.Tensor]":
        """Yield the whole film. The frames with which version 1.5 fills up its patches stand before it: left out."""
        frames = (request.num_frames - 1) // pipe.vae_scale_factor_temporal + 1
        film = for_vae(pipe.vae, latents["latents"][:, -frames:]).permute(0, 2, 1, 3, 4)
        yield decoded(pipe.vae, 1 / pipe.vae_scaling_factor_image * film)

    def glimpse(self, latents: "torch.Tensor", request: Request) -> Frame | None:  # noqa: ARG002
        """None: no colours are published for the latents of this autoencoder."""
        return None


def _check_size(pipe: Any, request: Request, title: str) -> None:
    """The positions of version 1.0 were learned, and are known for the size that it was trained at alone."""
    positions, stride = pipe.transformer.patch_embed, pipe.vae_scale_factor_spatial
    width, height = positions.sample_width * stride, positions.sample_height * stride
    if positions.use_learned_positional_embeddings and (request.width, request.height) != (width, height):
        raise InvalidSetting(
            f"animate.sample_width: {title} works at {width} x {height} pixels only, not at {request.width} x "
            f"{request.height}; choose that as the size of the video, or to be scaled up from."
        )
