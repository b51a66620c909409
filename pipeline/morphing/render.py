"""One frame between two pictures, made in bands of rows."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.morphing.blend import Look, blended
from pipeline.morphing.colour import Field
from pipeline.morphing.matrices import Matrix
from pipeline.morphing.survey import DISSOLVE, Survey
from pipeline.optical_flow import Flow, pixel_places, sample

ITERATIONS = 2
"""Of the fixed point that moves a flow to the time in between."""

FEATHER = 12.0
"""Pixels over which a picture fades out towards its border, where the other one goes on."""

_LEAST = 0.01
"""Weight of a picture outside of its borders, so that there is a colour where neither shows anything."""

_BAND = 96
"""Rows that are made at a time: memory stays small, and the work in the processor's cache."""

_MARGIN = 16
"""Rows beyond a band on which it depends."""

_Plane = NDArray[np.float32]


def render(frame0: Frame, frame1: Frame, survey: Survey, t: float) -> Frame:
    """The frame at time `t`, between 0 and 1, both excluded."""
    height = len(frame0)
    view = _View(frame0, frame1, survey, t)
    made = np.empty_like(frame0)
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        above, below = max(top - _MARGIN, 0), min(bottom + _MARGIN, height)
        band = blended(view.looks(range(above, below)), t, survey.method == DISSOLVE)
        made[top:bottom] = band[top - above : bottom - above]
    return made


class _View:
    """What is seen at a time between two pictures, in either of them."""

    def __init__(self, frame0: Frame, frame1: Frame, survey: Survey, t: float) -> None:
        self._frames = frame0, frame1
        self._survey = survey
        self._t = t
        self._to_plane: Matrix = np.asarray(survey.plane_from_first @ np.linalg.inv(survey.path.from_first(t)))
        self._from_plane: tuple[Matrix, Matrix] = (
            np.asarray(np.linalg.inv(survey.plane_from_first)),
            np.asarray(np.linalg.inv(survey.plane_from_second)),
        )

    def looks(self, rows: range) -> list[Look]:
        """What each hypothesis of the motion shows in some rows of the view."""
        places = _moved_places(self._to_plane, pixel_places(rows, self._frames[0].shape[1]))
        difference = self._difference(places)
        motion = self._survey.motion
        if motion is None:
            return [self._look(places, np.zeros_like(places), difference)]
        forward = _arriving(motion.forward, self._t, places)
        backward = -_arriving(motion.backward, 1.0 - self._t, places)
        return [self._look(places, flow, difference) for flow in (forward, backward)]

    def _look(self, places: Flow, flow: Flow, difference: Field | None) -> Look:
        """Both pictures through the motion from the first to the second, `flow`, at places of the plane."""
        t = np.float32(self._t)
        ats = (
            _moved_places(self._from_plane[0], places - t * flow),
            _moved_places(self._from_plane[1], places + (np.float32(1.0) - t) * flow),
        )
        colours = [
            sample(frame, at, cv2.INTER_CUBIC).astype(np.float32) for frame, at in zip(self._frames, ats, strict=True)
        ]
        if difference is not None:
            colours[0] += t * difference
            colours[1] -= (np.float32(1.0) - t) * difference
        insides = [_inside(at, self._frames[0].shape) for at in ats]
        return Look(colours[0], colours[1], insides[0], insides[1])

    def _difference(self, places: Flow) -> Field | None:
        """The difference of colours at places of the plane."""
        field = self._survey.field
        if field is None:
            return None
        ratio = np.array(field.shape[1::-1]) / np.array(self._survey.plane_size)
        return sample(field, ((places + 0.5) * ratio - 0.5).astype(np.float32))


def _moved_places(matrix: Matrix, places: Flow) -> Flow:
    """Where a homography takes places, shape (rows, width, 2)."""
    return np.asarray(cv2.perspectiveTransform(places, matrix), np.float32)


def _arriving(flow: Flow, reach: float, places: Flow) -> Flow:
    """The flow that arrives at each place after the part `reach` of its way: u(x) = flow(x - reach * u(x))."""
    arriving = sample(flow, places)
    for _ in range(ITERATIONS):
        arriving = sample(flow, places - np.float32(reach) * arriving)
    return arriving


def _inside(places: Flow, shape: tuple[int, ...]) -> _Plane:
    """1 well inside of a picture, falling to next to nothing at its border."""
    last = np.array([shape[1] - 1, shape[0] - 1], np.float32)
    depth = np.minimum(places, last - places)
    return np.asarray(np.clip((cv2.min(*cv2.split(depth)) + 0.5) / np.float32(FEATHER), _LEAST, 1.0), np.float32)
