"""Wan 2.1 VACE: an image that moves as a driving video does, or as the prompt says.

Jiang et al., "VACE: All-in-One Video Creation and Editing" (2025). A film goes in with a mask: frames whose mask is
black stay as they are, and the others are made after what they show: a map of depth, edges or poses, or plain grey.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from PIL import Image

from pipeline.engines.diffusion.family import Request, Tensors
from pipeline.engines.diffusion.images import to_pil
from pipeline.engines.wan import TEXT_TOKENS, Wan
from pipeline.frames import Frame

if TYPE_CHECKING:
    import torch

FREE = (128, 128, 128)
"""What a frame shows of which nothing is known beforehand."""

KEEP, MAKE = 0, 255
"""Levels of the mask."""


class WanVACE(Wan):
    """The family of Wan VACE.

    Without a driving video the film begins with the image, and the prompt says how it goes on; it ends with the last
    image where there is one. With a driving video, the image is
    the reference as well, which holds its looks where a map pulls away from them; it is encoded as a latent frame of
    its own before those of the film.
    """

    pipeline_class = "WanVACEPipeline"

    def arguments(self, pipe: Any, request: Request) -> dict[str, Any]:  # noqa: ARG002
        """What the pipeline is called with."""
        film, mask = _conditions(request)
        arguments: dict[str, Any] = {
            "video": film,
            "mask": mask,
            "width": request.width,
            "height": request.height,
            "num_frames": request.num_frames,
            "num_inference_steps": request.animate.num_inference_steps,
            "guidance_scale": request.animate.guidance_scale,
            "max_sequence_length": TEXT_TOKENS,
        }
        if request.control is not None:
            arguments["reference_images"] = [to_pil(request.image)]
            arguments["conditioning_scale"] = request.animate.control.scale
        return arguments

    def decode_latents(self, pipe: Any, latents: Tensors, request: Request) -> "Iterator[torch.Tensor]":
        """Yield the film, without the reference before it."""
        film = latents["latents"][:, :, _references(request) :]
        return super().decode_latents(pipe, {"latents": film}, request)

    def glimpse(self, latents: "torch.Tensor", request: Request) -> Frame | None:
        """A small picture of the middle frame of the film."""
        return super().glimpse(latents[:, :, _references(request) :], request)


def _references(request: Request) -> int:
    """Latent frames before the film."""
    return 0 if request.control is None else 1


def _conditions(request: Request) -> tuple[list[Image.Image], list[Image.Image]]:
    """The film that goes in, and its mask: the images that it begins and ends with, between them maps or grey."""
    size = (request.width, request.height)
    if request.control is None:
        film = [Image.new("RGB", size, FREE)] * request.num_frames
    else:
        film = [to_pil(each) for each in request.control]
    mask = [Image.new("L", size, MAKE)] * len(film)
    if request.control is None or request.animate.control.first_frame:
        film[0], mask[0] = to_pil(request.image), Image.new("L", size, KEEP)
    if request.last_image is not None:
        film[-1], mask[-1] = to_pil(request.last_image), Image.new("L", size, KEEP)
    return film, mask
