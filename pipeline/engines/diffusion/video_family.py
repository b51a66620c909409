"""What the families have in common that denoise the latents of a video autoencoder with a transformer."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.engines.diffusion.arrangement import arranged
from pipeline.engines.diffusion.family import Family, Request, Tensors
from pipeline.engines.diffusion.images import latent_preview, to_frames
from pipeline.engines.diffusion.seeding import seeded
from pipeline.frames import Frame
from pipeline.yaml_files import parse_yaml

if TYPE_CHECKING:
    import torch


IMAGE_EMBEDDINGS = ("image_embeds", "last_image_embeds")
"""Names of the conditions that stand for images, in the order in which the pipelines encode them."""


class VideoFamily(Family):
    """A transformer over the latents of a video autoencoder.

    Sampling draws its noise from a generator of the processor, so a seed gives the same film on every device. Encoding
    in tiles is asked for apart from decoding, so that latents never depend on a rung that only decoding takes.
    """

    doubles_batch: bool
    """Whether classifier-free guidance runs as one pass over a batch of two."""

    @abstractmethod
    def arguments(self, pipe: Any, request: Request) -> dict[str, Any]:
        """What the pipeline is called with, beside the texts, the generator and the kind of output."""

    @abstractmethod
    def encode(self, pipe: Any, request: Request) -> Tensors:
        """The embeddings of the texts, named as the pipeline takes them, and those of images, as IMAGE_EMBEDDINGS."""

    @abstractmethod
    def decode_latents(self, pipe: Any, latents: Tensors, request: Request) -> "Iterator[torch.Tensor]":
        """Yield the film piece by piece: tensors of shape (3, frames, height, width) in about [-1, 1]."""

    def collected(self, made: Any) -> "torch.Tensor":
        """The latents of the whole film, from what the pipeline returns of them."""
        latents: torch.Tensor = made
        return latents

    def denoisers(self, pipe: Any) -> list[Any]:
        """The networks that are called at every step."""
        return [getattr(pipe, self.denoiser)]

    def texts(self, request: Request) -> dict[str, str]:
        """The texts as the plain call takes them."""
        prompts = {"prompt": request.settings.prompt}
        if self.card.can.negative_prompt:
            prompts["negative_prompt"] = request.animate.negative_prompt
        return prompts

    def condition(self, pipe: Any, request: Request) -> Tensors:
        """Compute the embeddings of the texts and, where the model has an encoder for them, of the images."""
        import torch

        with torch.no_grad():
            tensors = {name: tensor.cpu() for name, tensor in self.encode(pipe, request).items()}
        pipe.maybe_free_model_hooks()
        return tensors

    def sample(self, pipe: Any, request: Request, conditions: Tensors) -> Tensors:
        """Denoise; return the latents and the state in which sampling left the generator."""
        device = pipe._execution_device  # where the pipelines themselves put what they are given
        embeddings = {name: tensor.to(device) for name, tensor in conditions.items()}
        images = [embeddings.pop(name) for name in IMAGE_EMBEDDINGS if name in embeddings]
        with (
            seeded(request.seed, request.device) as generator,
            encoded_images(pipe, images),
            in_tiles(pipe.vae, wanted=request.animate.encode_tiling),
        ):
            made = pipe(**self.arguments(pipe, request), **embeddings, generator=generator, output_type="latent").frames
        return {"latents": self.collected(made).cpu(), "generator": generator.get_state()}

    def decode(self, pipe: Any, latents: Tensors, request: Request) -> Iterator[Frame]:
        """Yield the frames in order, as many as were asked for."""
        try:
            with in_tiles(pipe.vae, wanted=request.animate.vae_tiling):
                pieces = self.decode_latents(pipe, latents, request)
                frames = (frame for piece in pieces for frame in to_frames(piece.transpose(0, 1)))
                yield from islice(frames, request.num_frames)
        finally:
            pipe.maybe_free_model_hooks()

    def bare(self, pipe: Any, request: Request) -> list[Frame]:
        """The plain call of the pipeline, which encodes and decodes in tiles or does neither."""
        call = {**self.arguments(pipe, request), **self.texts(request), "output_type": "pil"}
        tiles = request.animate.vae_tiling or request.animate.encode_tiling
        with seeded(request.seed, request.device) as generator, in_tiles(pipe.vae, wanted=tiles):
            pictures = pipe(**call, generator=generator).frames[0]
        return [np.asarray(picture) for picture in pictures[: request.num_frames]]

    @contextmanager
    def arrange(self, pipe: Any, request: Request) -> Iterator[None]:
        """Around sampling: guidance in two passes where it is one, a LoRA, a compiled transformer."""
        with fresh_scheduler(pipe), arranged(self.card, pipe, request, self.denoisers(pipe), self.doubles_batch):
            yield


@contextmanager
def fresh_scheduler(pipe: Any) -> Iterator[None]:
    """Sample with a copy of the scheduler: some keep the outputs of their last steps, on the device, for good."""
    published = pipe.scheduler
    pipe.scheduler = type(published).from_config(published.config)
    try:
        yield
    finally:
        pipe.scheduler = published


@contextmanager
def encoded_images(pipe: Any, embeddings: list["torch.Tensor"]) -> Iterator[None]:
    """Give the pipeline these embeddings, in order, when it goes to encode its images; none: let it do as it does.

    The pipelines want the images for their first frame and then refuse embeddings beside them.
    """
    if not embeddings:
        yield
        return
    made = iter(embeddings)
    pipe.encode_image = lambda *_, **__: next(made)
    try:
        yield
    finally:
        del pipe.encode_image


@contextmanager
def in_tiles(vae: Any, *, wanted: bool) -> Iterator[None]:
    """Let an autoencoder work in overlapping tiles, until left, where that is wanted.

    What it caches between frames is dropped on leaving: after an error it would be kept until the next call.
    """
    if wanted:
        vae.enable_tiling()
    try:
        yield
    finally:
        vae.disable_tiling()
        if hasattr(vae, "clear_cache"):
            vae.clear_cache()


def decoded(vae: Any, latents: "torch.Tensor", *arguments: Any) -> "torch.Tensor":
    """The film (3, frames, height, width), in about [-1, 1], from latents (1, channels, frames, height, width).

    `arguments` are what the autoencoder's `decode` takes beside them.
    """
    import torch

    with torch.no_grad():
        film: torch.Tensor = vae.decode(latents, *arguments, return_dict=False)[0][0]
    return film


def for_vae(vae: Any, latents: "torch.Tensor") -> "torch.Tensor":
    """Latents on the device and in the precision that the autoencoder works in, wherever its weights wait."""
    from diffusers.utils.torch_utils import get_module_execution_device

    return latents.to(device=get_module_execution_device(vae), dtype=vae.dtype)


def preview(latents: "torch.Tensor", space: str) -> Frame | None:
    """A small picture of the middle frame of latents (1, channels, frames, height, width) in a known latent space.

    None where the latents have another number of channels than that space: a checkpoint with an autoencoder of its own.
    """
    known = _latent_spaces()[space]
    if latents.shape[1] != len(known["factors"]):
        return None
    return latent_preview(latents[0, :, latents.shape[2] // 2], known["factors"], known["bias"])


@cache
def _latent_spaces() -> dict[str, dict[str, Any]]:
    path = Path(__file__).with_name("latent_rgb.yaml")
    spaces: dict[str, dict[str, Any]] = parse_yaml(path.read_text(encoding="utf-8"))
    return spaces
