"""The stage `align`: whether both images show one scene, and how the view of the first becomes that of the second."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.alignment import Alignment, align, draw_matches
from pipeline.context import Context, Way
from pipeline.frames import Frame, PreparedImage
from pipeline.settings import Settings

Homography = NDArray[np.float64]
"""A 3x3 matrix from pixels of one picture to pixels of another; pixel centres have whole coordinates."""


@dataclass(frozen=True)
class AlignedPair:
    """What the aligner found out about two prepared images.

    `homography` leads from pixels of the first picture of the video to those of the last; None when it was refused.
    `alignment` tells of the plates, which may be larger. It is None where the user asked for no alignment. `picture`
    shows the matches.
    """

    homography: Homography | None
    way: Way
    alignment: Alignment | None = None
    picture: Callable[[], Frame] | None = None


class Align:
    """Looks for one scene in both images, in all the detail that they were prepared with."""

    name = "align"
    version = "1"

    def __call__(self, value: tuple[PreparedImage, PreparedImage], settings: Settings, context: Context) -> AlignedPair:
        """Return how the first image maps to the second, or why it does not. Raises Cancelled."""
        if not settings.align.enabled:
            return AlignedPair(None, Way("off", "The images were not aligned, as the settings ask."))
        first, last = value
        found = align(first.plate, last.plate, settings.align, context.check_cancelled)
        if found.homography is None:
            message = f"The images are not aligned: {found.reason}"
            context.note(self.name, message)
            return AlignedPair(None, Way("refused", found.reason), found, lambda: _picture(value, found))
        homography = rescaled(found.homography, _scale(first), _scale(last))
        return AlignedPair(homography, Way(found.method, found.reason), found, lambda: _picture(value, found))


def rescaled(homography: Homography, scale0: float, scale1: float) -> Homography:
    """The same map between pictures that are `scale0` and `scale1` times smaller, with H[2, 2] = 1.

    Pixel centres have whole coordinates, so that x becomes (x + 0.5) / scale - 0.5.
    """
    up, down = _zoom(scale0), _zoom(1 / scale1)
    mapped = down @ homography @ up
    return np.asarray(mapped / mapped[2, 2], np.float64)


def _zoom(scale: float) -> Homography:
    shift = (scale - 1) / 2
    return np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]], np.float64)


def _scale(image: PreparedImage) -> float:
    return float(image.plate.shape[1] / image.width)


def _picture(pair: tuple[PreparedImage, PreparedImage], found: Alignment) -> Frame:
    return draw_matches(pair[0].plate, pair[1].plate, found)
