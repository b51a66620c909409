"""From RGB pictures to what the encoders take, and back."""

import math
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter

from pipeline.frames import Frame

BT709 = 1
"""ITU-T H.273's code of BT.709, the same for matrix, primaries and transfer; and swscale's code of the matrix."""

UNSPECIFIED = 2
"""H.273's code of a matrix that is not stated."""

HD_HEIGHT = 720
"""Untagged video of fewer lines is BT.601 by convention, and BT.709 from here on."""

PALETTE_SAMPLES = 40_000
"""About how many pixels of a frame its palette is made from: all of them cost twice the time for the same PSNR."""

# One colour sample is the mean of its 2 x 2 pixels; without ACCURATE_RND swscale rounds with a bias.
_TO_YUV = Interpolation.AREA | Interpolation.ACCURATE_RND
_TO_RGB = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


class YuvConverter:
    """Converts RGB frames to yuv420p: BT.709 matrix, limited range, colours within half a step of the exact value."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def convert(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        """Yield the picture in the encoder's format, with the time stamps and tags it needs."""
        yuv = self._reformatter.reformat(
            picture,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=_TO_YUV,
            threads=1,  # swscale gives other pixels for some sizes when it splits a picture
        )
        yuv.color_primaries, yuv.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        yield yuv

    def finish(self) -> Iterator[VideoFrame]:
        """Yield what is still held back: nothing."""
        return iter(())


class PaletteConverter:
    """Converts RGB frames to 256 colours, with a palette made for each frame.

    One palette for the whole film would need the whole film, and one of its first frames fails on a fade from black.
    Ordered (Bayer) dither stands still where the picture does; error diffusion is nearer to the colours but boils.
    """

    def __init__(self, width: int, height: int, time_base: Fraction) -> None:
        graph = Graph()
        source = graph.add_buffer(width=width, height=height, format=VideoFormat("rgb24"), time_base=time_base)
        split = graph.add("split")
        step = max(1, math.isqrt(width * height // PALETTE_SAMPLES))
        thin = graph.add("scale", f"{max(1, width // step)}:{max(1, height // step)}:flags=neighbor")
        make = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
        use = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=4")
        sink = graph.add("buffersink")
        source.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(thin, 1, 0)
        thin.link_to(make)
        make.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        self._graph = graph

    def convert(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        """Yield the pictures that are ready, each with the time stamp it came with."""
        self._graph.vpush(picture)
        return self._ready()

    def finish(self) -> Iterator[VideoFrame]:
        """Yield what the filters still hold back."""
        self._graph.vpush(None)
        return self._ready()

    def _ready(self) -> Iterator[VideoFrame]:
        while True:
            try:
                yield self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return


def to_rgb(picture: VideoFrame, reformatter: VideoReformatter) -> Frame:
    """A decoded picture as an RGB frame, by the matrix and range it is tagged with."""
    matrix = None
    if picture.colorspace == UNSPECIFIED:
        matrix = Colorspace.ITU709 if picture.height >= HD_HEIGHT else Colorspace.ITU601
    rgb = reformatter.reformat(
        picture,
        format="rgb24",
        src_colorspace=matrix,
        dst_color_range=ColorRange.JPEG,
        interpolation=_TO_RGB,
        threads=1,
    )
    return np.ascontiguousarray(rgb.to_ndarray())
