"""Wan 2.1 and 2.2: image to video, first and last frame to video, and the 5B model with an autoencoder of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.engines.diffusion.arrangement import all_but
from pipeline.engines.diffusion.family import Request, Tensors
from pipeline.engines.diffusion.images import to_pil
from pipeline.engines.diffusion.lora import loaded_lora
from pipeline.engines.diffusion.video_family import VideoFamily, decoded, for_vae, preview
from pipeline.frames import Frame

if TYPE_CHECKING:
    import torch

TEXT_TOKENS = 512
"""Length in tokens that texts are padded to, as in the published calls."""


class Wan(VideoFamily):
    """The family of Wan.

    Options of its cards: `last_image: still` for models that need a last frame, so that without one the film ends on
    its own first frame; `guidance_scale_2`, the guidance of the second transformer where it is not that of the first.
    """

    pipeline_class = "WanImageToVideoPipeline"
    ignores = all_but("animate.vae_tiling", "animate.encode_tiling")
    doubles_batch = False

    @property
    def ends_on_still(self) -> bool:
        """Whether the model needs a last frame, and takes the image itself where the user gives none: a loop."""
        return bool(self.card.options.get("last_image") == "still")

    def denoisers(self, pipe: Any) -> list[Any]:
        """Both transformers where there are two: one for the noisy steps, one for the rest."""
        return [each for each in (pipe.transformer, pipe.transformer_2) if each is not None]

    def arguments(self, pipe: Any, request: Request) -> dict[str, Any]:  # noqa: ARG002
        """What the pipeline is called with."""
        arguments: dict[str, Any] = {
            "image": to_pil(request.image),
            "width": request.width,
            "height": request.height,
            "num_frames": request.num_frames,
            "num_inference_steps": request.animate.num_inference_steps,
            "guidance_scale": request.animate.guidance_scale,
            "max_sequence_length": TEXT_TOKENS,
        }
        last = self._last_image(request)
        if last is not None:
            arguments["last_image"] = to_pil(last)
        if "guidance_scale_2" in self.card.options:
            arguments["guidance_scale_2"] = self.card.options["guidance_scale_2"]
        return arguments

    def encode(self, pipe: Any, request: Request) -> Tensors:
        """Embeddings of both texts, and CLIP's of the images for the models of Wan 2.1."""
        guided = request.animate.guidance_scale > 1.0
        positive, negative = pipe.encode_prompt(
            **self.texts(request),
            do_classifier_free_guidance=guided,
            max_sequence_length=TEXT_TOKENS,
            device=pipe._execution_device,
        )
        tensors = {"prompt_embeds": positive}
        if guided:
            tensors["negative_prompt_embeds"] = negative
        if pipe.transformer.config.image_dim is not None:
            last = self._last_image(request)
            image = to_pil(request.image)
            images = image if last is None else [image, to_pil(last)]
            tensors["image_embeds"] = pipe.encode_image(images, pipe._execution_device)
        return tensors

    def decode_latents(self, pipe: Any, latents: Tensors, request: Request) -> "Iterator[torch.Tensor]":  # noqa: ARG002
        """Yield the whole film: the causal autoencoder goes through it once, four frames at a time."""
        import torch

        scaled = for_vae(pipe.vae, latents["latents"])
        config = pipe.vae.config
        mean, deviation = (
            torch.tensor(values).view(1, -1, 1, 1, 1).to(scaled) for values in (config.latents_mean, config.latents_std)
        )
        # A product with the deviation would round differently from the published decoding, which divides.
        yield decoded(pipe.vae, scaled / (1.0 / deviation) + mean)

    @contextmanager
    def arrange(self, pipe: Any, request: Request) -> Iterator[None]:
        """As for all; a LoRA lies over the second transformer as well, where there are two."""
        animate = request.animate
        with ExitStack() as stack:
            if pipe.transformer_2 is not None and animate.lora is not None and self.card.can.lora:
                second = {"load_into_transformer_2": True}
                stack.enter_context(loaded_lora(pipe, animate.lora, animate.lora_scale, request.note, **second))
            stack.enter_context(super().arrange(pipe, request))
            yield

    def glimpse(self, latents: "torch.Tensor", request: Request) -> Frame | None:  # noqa: ARG002
        """A small picture of the middle frame, with the colours of the autoencoder that made the latents."""
        return preview(latents, "wan21" if latents.shape[1] == 16 else "wan22")

    def _last_image(self, request: Request) -> Frame | None:
        if request.last_image is not None or not self.ends_on_still:
            return request.last_image
        return request.image
