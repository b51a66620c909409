"""The stage `align`: whether both images show one scene, and how the view of the first becomes that of the second."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.alignment import Alignment, KeptAlignments, align, draw_matches
from pipeline.cache import Cache, Recalled, cache_key
from pipeline.context import Context, FromCache, Way
from pipeline.environment import PIXEL_PACKAGES, package_version
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
        """Return how the first image maps to the second, or why it does not: as an earlier run has found, or anew.

        Raises Cancelled.
        """
        first, last = value
        recalled = self.recall((first.key, last.key), settings, context.cache)
        if recalled is None:
            answer, scales = align(first.plate, last.plate, settings.align, context.check_cancelled), _scales(value)
            key = aligned_key((first.key, last.key), settings)
            KeptAlignments(context.cache).keep(key, answer, {"scales": scales})
            aligned = _told(answer, scales)
        else:
            aligned = recalled.value
            if recalled.is_kept:
                context.keep(FromCache(self.name))
        found = aligned.alignment
        if found is None:
            return aligned
        if found.homography is None:
            context.note(self.name, f"The images are not aligned: {found.reason}")
        return replace(aligned, picture=lambda: draw_matches(first.plate, last.plate, found))

    def recall(
        self, keys: tuple[str | None, str | None], settings: Settings, cache: Cache | None
    ) -> Recalled[AlignedPair] | None:
        """What the stage returns of images with these keys, but for the picture, where no search is needed for it."""
        if not settings.align.enabled:
            off = Way("off", "The images were not aligned, as the settings ask.")
            return Recalled(AlignedPair(None, off), is_kept=False)
        kept = KeptAlignments(cache).find(aligned_key(keys, settings))
        return None if kept is None else Recalled(_told(kept[0], kept[1]["scales"]), is_kept=True)


def aligned_key(images: tuple[str | None, str | None], settings: Settings) -> str | None:
    """The digest of all that decides a search that has enough time; None where an image has no key.

    The time is left out: only a search that was not cut short is kept, and to that more of it makes no difference.
    """
    if None in images:
        return None
    decides = {
        "images": list(images),
        "settings": settings.align.model_dump(mode="json", exclude={"enabled", "seconds"}),
        "packages": {name: package_version(name) for name in PIXEL_PACKAGES},
    }
    return cache_key(Align.name, Align.version, decides)


def _told(found: Alignment, scales: Sequence[float]) -> AlignedPair:
    """What the aligner says of plates that are `scales` times as large as the video."""
    if found.homography is None:
        return AlignedPair(None, Way("refused", found.reason), found)
    return AlignedPair(rescaled(found.homography, *scales), Way(found.method, found.reason), found)


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


def _scales(pair: tuple[PreparedImage, PreparedImage]) -> list[float]:
    """How many times as large as the video each plate is."""
    return [float(image.plate.shape[1] / image.width) for image in pair]
