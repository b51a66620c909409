"""A film painted over by a model: its key frames by Stable Diffusion, the frames between by the film's own motion."""

from pipeline.engines.style_painter.film import Grounds, given, painted_over
from pipeline.engines.style_painter.painter import KeyPainter, find_models

__all__ = ["Grounds", "KeyPainter", "find_models", "given", "painted_over"]
