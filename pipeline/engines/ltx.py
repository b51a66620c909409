"""LTX-Video: the first model, and the later ones that take images at any frame, among them the distilled form."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.engines.diffusion.arrangement import all_but
from pipeline.engines.diffusion.family import Request, Tensors
from pipeline.engines.diffusion.images import to_pil
from pipeline.engines.diffusion.video_family import VideoFamily, decoded, for_vae, preview
from pipeline.frames import Frame
from pipeline.models.files import ModelFiles
from pipeline.models.load import LoadPlan, load_pipeline

if TYPE_CHECKING:
    import torch

CONDITION_PIPELINE = "LTXConditionPipeline"
"""Class of the models from 0.9.5 on, as their model_index.json names it."""

CALL_OPTIONS = ("image_cond_noise_scale", "guidance_rescale")
"""Options of a card that the pipeline of the later models takes as they are."""


class LTXVideo(VideoFamily):
    """The family of LTX-Video.

    Options of its cards: `timesteps`, the published schedule of a distilled model; `decode_timestep` and
    `decode_noise_scale`, the noise that a decoder which was trained with some is given; and CALL_OPTIONS.
    """

    pipeline_class = "LTXImageToVideoPipeline"
    ignores = all_but("animate.target_fps", "animate.vae_tiling", "animate.encode_tiling", "runtime.guidance_passes")
    doubles_batch = True

    def load(self, files: ModelFiles, plan: LoadPlan) -> Any:
        """Load the pipeline that takes images at any frame where the repository is made for it, else the first one."""
        takes_conditions = _published_class(files.folder) == CONDITION_PIPELINE
        return load_pipeline(CONDITION_PIPELINE if takes_conditions else self.pipeline_class, files, plan)

    def arguments(self, pipe: Any, request: Request) -> dict[str, Any]:
        """What the pipeline is called with."""
        animate = request.animate
        arguments: dict[str, Any] = {
            "width": request.width,
            "height": request.height,
            "num_frames": request.num_frames,
            "frame_rate": animate.target_fps,
            "num_inference_steps": animate.num_inference_steps,
            "guidance_scale": animate.guidance_scale,
            "decode_timestep": self._decode_timestep,
            "decode_noise_scale": self._decode_noise_scale,
        }
        if type(pipe).__name__ != CONDITION_PIPELINE:
            return arguments | {"image": to_pil(request.image)}
        if "timesteps" in self.card.options:
            arguments["timesteps"] = spaced(self.card.options["timesteps"], animate.num_inference_steps)
        chosen = {name: self.card.options[name] for name in CALL_OPTIONS if name in self.card.options}
        return arguments | chosen | {"conditions": _conditions(request)}

    def encode(self, pipe: Any, request: Request) -> Tensors:
        """Embeddings of the texts with their masks."""
        guided = request.animate.guidance_scale > 1.0
        names = ("prompt_embeds", "prompt_attention_mask", "negative_prompt_embeds", "negative_prompt_attention_mask")
        made = pipe.encode_prompt(
            **{"negative_prompt": None, **self.texts(request)},
            do_classifier_free_guidance=guided,
            device=pipe._execution_device,
        )
        return {name: tensor for name, tensor in zip(names, made, strict=True) if tensor is not None}

    def decode_latents(self, pipe: Any, latents: Tensors, request: Request) -> "Iterator[torch.Tensor]":
        """Yield the whole film. A decoder that expects noise gets what the generator draws next after sampling."""
        import torch
        from diffusers.utils.torch_utils import randn_tensor

        vae = pipe.vae
        scaled = self._unpacked(latents["latents"], request)
        mean, deviation = (values.view(1, -1, 1, 1, 1).to(scaled) for values in (vae.latents_mean, vae.latents_std))
        clean = for_vae(vae, scaled * deviation / vae.config.scaling_factor + mean)
        if not vae.config.timestep_conditioning:
            yield decoded(vae, clean, None)
            return
        generator = torch.Generator("cpu")
        generator.set_state(latents["generator"])
        noise = randn_tensor(clean.shape, generator=generator, device=clean.device, dtype=clean.dtype)
        timestep, share = (
            torch.tensor([value]).to(clean) for value in (self._decode_timestep, self._decode_noise_scale)
        )
        yield decoded(vae, (1 - share) * clean + share * noise, timestep)

    def glimpse(self, latents: "torch.Tensor", request: Request) -> Frame | None:
        """A small picture of the middle frame; of those that are being denoised where the first is held."""
        return preview(self._unpacked(latents, request), "ltx")

    @property
    def _decode_timestep(self) -> float:
        return float(self.card.options.get("decode_timestep", 0.0))

    @property
    def _decode_noise_scale(self) -> float:
        return float(self.card.options.get("decode_noise_scale", self._decode_timestep))

    def _unpacked(self, latents: "torch.Tensor", request: Request) -> "torch.Tensor":
        """Latents as (1, channels, frames, height, width), also from a row of positions (1, positions, channels).

        Positions of images at other frames than the first stand before those of the film, and are left out.
        """
        if latents.ndim == 5:
            return latents
        memory = self.card.memory
        frames = (request.num_frames - 1) // memory.latent_frames + 1
        height, width = request.height // memory.latent_stride, request.width // memory.latent_stride
        film = latents[:, -frames * height * width :].transpose(1, 2)
        return film.reshape(1, -1, frames, height, width)


def spaced(published: list[float], steps: int) -> list[float]:
    """A published schedule of timesteps, or one of another length along the same curve."""
    if steps == len(published):
        return published
    places = np.linspace(0.0, len(published) - 1.0, steps)
    return [float(value) for value in np.interp(places, np.arange(len(published)), published)]


def _published_class(folder: Path) -> str | None:
    """The class of pipeline that the repository names. A folder without is reported when it is loaded."""
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(index.get("_class_name")) if isinstance(index, dict) else None


def _conditions(request: Request) -> list[Any]:
    from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

    conditions = [LTXVideoCondition(image=to_pil(request.image), frame_index=0)]
    if request.last_image is not None:
        conditions.append(LTXVideoCondition(image=to_pil(request.last_image), frame_index=request.num_frames - 1))
    return conditions
