"""FramePack on HunyuanVideo: a film made section by section, each from what is known of the others.

Zhang and Agrawala, "Packing Input Frame Context in Next-Frame Prediction Models for Video Generation", 2025.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.engines.diffusion.arrangement import all_but
from pipeline.engines.diffusion.family import Request, Tensors
from pipeline.engines.diffusion.images import to_pil
from pipeline.engines.diffusion.video_family import VideoFamily, decoded, for_vae, preview
from pipeline.frames import Frame
from pipeline.models.files import ModelFiles
from pipeline.models.load import LoadPlan, load_component, load_pipeline, load_tokenizer

if TYPE_CHECKING:
    import torch

PARTS = {
    "transformer": "diffusers.HunyuanVideoFramepackTransformer3DModel",
    "image_encoder": "transformers.SiglipVisionModel",
    "feature_extractor": "transformers.SiglipImageProcessor",
}
"""Components that lie in other repositories, with their classes."""

BACKWARDS, FORWARDS = "inverted_anti_drifting", "vanilla"
"""Sections from the last to the first, as the first published weights want it, or from the first to the last."""


class FramePack(VideoFamily):
    """The family of FramePack.

    Options of its cards: `sampling_type`, the order of the sections (BACKWARDS where it is empty), and
    `latent_window_size`, latent frames of a section. A section adds 4 frames for each of them; one more frame, the
    still, begins the film. What the last section makes beyond the frames asked for is dropped.
    """

    pipeline_class = "HunyuanVideoFramepackPipeline"
    ignores = all_but("animate.vae_tiling", "animate.encode_tiling")
    doubles_batch = False

    def load(self, files: ModelFiles, plan: LoadPlan) -> Any:
        """Load the pipeline with its transformer and its image encoder from the repositories that they lie in.

        Its index names Llama's tokenizer, as which transformers 5 takes Llama 3's vocabulary for that of Llama 2: the
        text falls apart into other tokens without a word.
        """
        parts = {name: load_component(path, files, name, plan) for name, path in PARTS.items()}
        return load_pipeline(self.pipeline_class, files, plan, tokenizer=load_tokenizer(files, "tokenizer"), **parts)

    def arguments(self, pipe: Any, request: Request) -> dict[str, Any]:  # noqa: ARG002
        """What the pipeline is called with: as many frames as make it take as many sections as are needed."""
        arguments: dict[str, Any] = {
            "image": to_pil(request.image),
            "width": request.width,
            "height": request.height,
            "num_frames": self.sections(request) * self._overlap,
            "latent_window_size": self._window,
            "num_inference_steps": request.animate.num_inference_steps,
            "guidance_scale": request.animate.guidance_scale,
            "sampling_type": self._order,
        }
        if request.last_image is not None:
            arguments["last_image"] = to_pil(request.last_image)
        return arguments

    def encode(self, pipe: Any, request: Request) -> Tensors:
        """Embeddings of the text from both encoders, and of the images."""
        device = pipe._execution_device
        prompt, pooled, mask = pipe.encode_prompt(request.settings.prompt, device=device)
        tensors = {"prompt_embeds": prompt, "pooled_prompt_embeds": pooled, "prompt_attention_mask": mask}
        for name, image in (("image_embeds", request.image), ("last_image_embeds", request.last_image)):
            if image is not None:
                pixels = pipe.video_processor.preprocess(to_pil(image), request.height, request.width)
                tensors[name] = pipe.encode_image(pixels, device=device)
        return tensors

    def collected(self, made: Any) -> "torch.Tensor":
        """The film so far after the last section: all of it."""
        latents: torch.Tensor = made[-1]
        return latents

    def decode_latents(self, pipe: Any, latents: Tensors, request: Request) -> "Iterator[torch.Tensor]":
        """Yield the film section by section; each is decoded with its neighbour, and fades into what comes next."""
        import torch

        film = latents["latents"]
        spans = self._spans(self.sections(request))
        overlap, tail = self._overlap, None
        for number, (start, stop) in enumerate(spans, 1):
            piece = decoded(pipe.vae, for_vae(pipe.vae, film[:, :, start:stop]) / pipe.vae.config.scaling_factor)
            if tail is not None:
                fading = torch.linspace(1, 0, overlap).to(piece)[None, :, None, None]
                mixed = fading * tail + (1 - fading) * piece[:, :overlap]
                piece = torch.cat([mixed, piece[:, overlap:]], dim=1)
            if number == len(spans):
                yield piece
            else:
                tail = piece[:, -overlap:]
                yield piece[:, :-overlap]

    def steps(self, request: Request) -> int:
        """Steps of all sections together."""
        return self.sections(request) * request.animate.num_inference_steps

    def sections(self, request: Request) -> int:
        """How many sections the frames asked for take."""
        return max(-(-(request.num_frames - 1) // (self._window * self._stride)), 1)

    def glimpse(self, latents: "torch.Tensor", request: Request) -> Frame | None:  # noqa: ARG002
        """A small picture of the middle frame of the section that is being made."""
        return preview(latents, "hunyuan")

    @property
    def _order(self) -> str:
        return str(self.card.options.get("sampling_type", BACKWARDS))

    @property
    def _window(self) -> int:
        return int(self.card.options.get("latent_window_size", 9))

    @property
    def _stride(self) -> int:
        return self.card.memory.latent_frames

    @property
    def _overlap(self) -> int:
        """Frames over which two sections fade into each other: a window that is decoded by itself."""
        return (self._window - 1) * self._stride + 1

    def _spans(self, sections: int) -> list[tuple[int, int]]:
        """Which latent frames are decoded together, in the order of the film, of which the still is frame 0.

        It is two sections at a time, but one alone at the end of the film that is made first.
        """
        ends = [self._window * number + 1 for number in range(sections + 1)]
        if self._order == FORWARDS:
            return list(zip([0, *ends[:-2]], ends[1:], strict=True))
        return list(zip([0, *ends[1:-1]], [*ends[2:], ends[-1]], strict=True))
