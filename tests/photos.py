"""Photographs for tests: those of scikit-image's wheel that are in the public domain or CC0."""

import numpy as np
from skimage import data

from pipeline.frames import Frame

ASTRONAUT, COFFEE, CHELSEA, ROCKET = "astronaut", "coffee", "chelsea", "rocket"


def photo(name: str) -> Frame:
    """One of the photos as an RGB frame: astronaut 512x512, coffee 600x400, chelsea 451x300, rocket 640x427."""
    return np.ascontiguousarray(getattr(data, name)())
