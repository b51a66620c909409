"""The way from one picture to another."""

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from pipeline.frames import Frame
from pipeline.morphing.matrices import Matrix
from pipeline.morphing.render import both_views, render
from pipeline.morphing.survey import CAMERA, DISSOLVE, Survey, survey
from pipeline.transition_settings import TransitionSettings

Maker = Callable[[Frame, Frame, float], Frame]
"""Makes the frame between two of one size, at a time strictly between 0 and 1."""


class Passage:
    """The way from one picture to another of the same size.

    `homography` leads from pixels of the first to pixels of the second picture, or is None where they were not aligned.
    Motion is measured once, on first use. A `maker` makes the frames instead of what is built in: from what both
    pictures show of the scene from where the camera is, so that only what moves beside the camera is left to it. May be
    used from several threads at once. Raises ValueError when the sizes differ.
    """

    def __init__(
        self,
        frame0: Frame,
        frame1: Frame,
        homography: Matrix | None,
        options: TransitionSettings,
        maker: Maker | None = None,
    ) -> None:
        if frame0.shape != frame1.shape:
            raise ValueError(f"pictures of one size are needed, but these are {frame0.shape} and {frame1.shape}")
        self._ends = frame0, frame1
        self._homography = homography
        self._options = options
        self._maker = maker
        self._lock = threading.Lock()
        self._surveyed: Survey | None = None

    @property
    def method(self) -> str:
        """How the pictures are led over: "camera", "flow" or "dissolve"."""
        return self._survey().method

    @property
    def reason(self) -> str:
        """One sentence that says why this method."""
        return self._survey().reason

    def at(self, t: float) -> Frame:
        """The frame at time `t`, from 0 (the first picture itself) to 1 (the second); new memory on each call.

        Raises ValueError when `t` is outside of that.
        """
        if not 0.0 <= t <= 1.0:
            raise ValueError(f"a time between two pictures is from 0 to 1, but {t} was given")
        if t in (0.0, 1.0) or (np.array_equal(*self._ends) and self._survey().method != CAMERA):
            return self._ends[int(t)].copy()
        found = self._survey()
        if self._maker is None:
            return render(*self._ends, found, t)
        # The light of pictures that have nothing in common is no light, but what they show.
        views = self._ends if found.method == DISSOLVE else both_views(*self._ends, found, t)
        return self._maker(*views, t)

    def between(self, times: Sequence[float]) -> tuple[Matrix | None, ...]:
        """For each two consecutive times, the homography from pixels of the one frame to pixels of the other.

        None each where no camera leads from picture to picture.
        """
        if self._survey().method != CAMERA:
            return (None,) * max(len(times) - 1, 0)
        views = [self._survey().path.from_first(t) for t in times]
        steps = (after @ np.linalg.inv(before) for before, after in pairwise(views))
        return tuple(np.asarray(step / step[2, 2]) for step in steps)

    def _survey(self) -> Survey:
        with self._lock:
            if self._surveyed is None:
                self._surveyed = survey(*self._ends, self._homography, self._options)
            return self._surveyed
