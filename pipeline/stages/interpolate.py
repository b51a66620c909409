"""The stage `interpolate`: from pictures along the way to all frames of a transition."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipeline.context import Context, Way
from pipeline.frames import Frame, FrameStream
from pipeline.morphing import Film, positions
from pipeline.settings import Settings


@dataclass(frozen=True)
class Anchors:
    """Pictures at equal steps of the way, the two images first and last, and how each maps to the next.

    Homographies lead from pixels of a picture to pixels of the next; None where that is not known.
    """

    pictures: tuple[Frame, ...]
    homographies: tuple[NDArray[np.float64] | None, ...]
    are_cropped: bool = False
    """Whether the pictures between the images show the common crop already."""


@dataclass(frozen=True)
class Moved:
    """The frames of a transition, and which way they are made."""

    stream: FrameStream
    way: Way


class Interpolate:
    """Moves from each picture to the next one, in the timing of settings.transition."""

    name = "interpolate"
    version = "1"

    def __call__(self, value: Anchors, settings: Settings, context: Context) -> Moved:
        """Return the frames, which are made while they are read; the first and the last are the images themselves."""
        wanted = settings.transition
        times = positions(wanted.num_frames, wanted.curve, wanted.hold)
        height, width = value.pictures[0].shape[:2]
        film = Film(
            value.pictures,
            value.homographies,
            wanted.model_copy(update={"common_crop": wanted.common_crop and not value.are_cropped}),
        )
        made = partial(film.frames, times, context.threads, context.check_cancelled)
        count = len(times)
        stream = FrameStream(made(), width, height, settings.encode.fps, count, made, frozenset({0, count - 1}))
        return Moved(stream, Way(film.method, film.reason))
