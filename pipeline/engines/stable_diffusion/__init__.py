"""Stable Diffusion 1.5 and XL: they paint key frames over the pictures of a morph (image to image)."""

from pipeline.engines.stable_diffusion.keyframes import PaintedFrames, paint, recall
from pipeline.engines.stable_diffusion.models import choose_models

__all__ = ["PaintedFrames", "choose_models", "paint", "recall"]
