"""Between frames and what the pipelines take and give."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from pipeline.frames import Frame

if TYPE_CHECKING:
    import torch

PREVIEW_SIDE = 256
"""Longest side in pixels of a preview."""

STABLE_DIFFUSION_RGB = ((0.298, 0.207, 0.208), (0.187, 0.286, 0.173), (-0.158, 0.189, 0.264), (-0.184, -0.271, -0.473))
"""Red, green and blue in [-1, 1] for each of the four latent channels of Stable Diffusion's autoencoder, scaled as the
denoiser sees them. Fitted by Kevin Turner for version 1.4 (discuss.huggingface.co/t/23204); the models of version 2
share that latent space."""


def to_pil(frame: Frame) -> Image.Image:
    """The frame as PIL image, in the mode RGB."""
    return Image.fromarray(frame)


def to_tensor(frame: Frame) -> "torch.Tensor":
    """The frame as float32 tensor of shape (1, 3, height, width) in [-1, 1], on the processor."""
    import torch

    unit = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float() / 255.0
    return 2.0 * unit - 1.0


def to_frames(decoded: "torch.Tensor") -> Iterator[Frame]:
    """Yield the frames of a tensor of shape (frames, 3, height, width) in about [-1, 1], rounded as diffusers does.

    Numbers that are none become black, which the quality measures report.
    """
    for image in decoded:
        unit = (image.float() * 0.5 + 0.5).clamp(0.0, 1.0).nan_to_num(0.0)
        yield (unit * 255.0).round().byte().permute(1, 2, 0).contiguous().cpu().numpy()


def latent_preview(
    latents: "torch.Tensor", factors: Sequence[Sequence[float]], bias: Sequence[float] = (0.0, 0.0, 0.0)
) -> Frame:
    """A small picture from latents of shape (channels, height, width), by a linear map of each position.

    `factors` holds red, green and blue in [-1, 1] for each channel, `bias` what is added to them. Latents that still
    hold noise beyond unit variance, as some samplers keep them, are scaled down to it. A side longer than
    `PREVIEW_SIDE` pixels is reduced by averaging.
    """
    import torch
    import torch.nn.functional as F  # noqa: N812 - the name that everybody knows it by

    with torch.no_grad():
        small = latents.detach().float()
        reduction = -(-max(small.shape[1:]) // PREVIEW_SIDE)
        if reduction > 1:
            small = F.avg_pool2d(small[None], reduction, ceil_mode=True)[0]
        small = small / small.std().clamp(min=1.0)
        matrix = torch.tensor(factors, dtype=small.dtype, device=small.device)
        offset = torch.tensor(bias, dtype=small.dtype, device=small.device)
        rgb = torch.einsum("chw,cr->rhw", small, matrix) + offset[:, None, None]
        return next(to_frames(rgb[None]))
