"""Finished frames made steadier, larger and sharper.

The order of operations, and why:

1. Flicker and drift of the colours are measured on the frames as they come and corrected first, both by one curve for
   each channel, so that each frame is rounded to 8 bits once. A network that enlarges would turn flicker into detail
   that comes and goes, and here the frames are still small.
2. Frames are enlarged, by a super-resolution network or by Lanczos resampling, and brought to the exact size.
3. Sharpening comes last, at the final size: its radius is one of the pixels that are seen, and a network before it
   would make its edges stronger.
"""

from pipeline.enhancement.sharpen import sharpened
from pipeline.enhancement.size import enlarged_size
from pipeline.enhancement.steady import Steadied, steadied
from pipeline.enhancement.upscaler import Upscaler
from pipeline.enhancement.weights import find_weights, load_network

__all__ = [
    "Steadied",
    "Upscaler",
    "enlarged_size",
    "find_weights",
    "load_network",
    "sharpened",
    "steadied",
]
