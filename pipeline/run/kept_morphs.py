"""What is known of the pictures that key frames are painted over, without making them again."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.cache import Cache, cache_key
from pipeline.environment import PIXEL_PACKAGES, package_version
from pipeline.frames import PictureKey
from pipeline.transition_settings import TransitionSettings

Homography = NDArray[np.float64]

STAGE = "morphs"

VERSION = "1"


@dataclass(frozen=True)
class Morphs:
    """The pictures of a morph, by their pixels, and how each of all pictures on the way maps to the next.

    There is one homography more than there are pictures, for the two images stand around them.
    """

    digests: tuple[PictureKey, ...]
    homographies: tuple[Homography | None, ...]


@dataclass(frozen=True)
class KeptMorphs:
    """What a cache knows of morphs; without one nothing is found or kept."""

    cache: Cache | None

    def find(self, key: str | None) -> Morphs | None:
        """The morph of a key; None where there is none."""
        entry = self.cache.find(key) if self.cache and key else None
        if entry is None:
            return None
        steps = (None if each is None else np.array(each, np.float64) for each in entry.facts["homographies"])
        return Morphs(tuple(entry.facts["digests"]), tuple(steps))

    def keep(self, key: str | None, morphs: Morphs) -> None:
        """Keep what is known of a morph, where there is room."""
        if self.cache is None or key is None:
            return
        steps = [None if each is None else each.tolist() for each in morphs.homographies]
        facts = {"digests": list(morphs.digests), "homographies": steps}
        with contextlib.suppress(OSError), self.cache.adding(key, facts):
            pass


def morphs_key(
    images: tuple[str | None, str | None],
    homography: Homography | None,
    times: Sequence[float],
    settings: TransitionSettings,
) -> str | None:
    """The digest of all that decides the pictures at these times from 0 to 1; None where an image has no key."""
    if None in images:
        return None
    decides = {
        "images": list(images),
        "homography": None if homography is None else homography.tolist(),
        "times": list(times),
        "settings": settings.model_dump(mode="json", include={"common_crop", "match_colour"}),
        "packages": {name: package_version(name) for name in PIXEL_PACKAGES},
    }
    return cache_key(STAGE, VERSION, decides)
