"""One frame between two pictures, made in bands of rows."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.morphing.blend import Look, blended
from pipeline.morphing.colour import Field, toned
from pipeline.morphing.matrices import Matrix
from pipeline.morphing.survey import DISSOLVE, Survey
from pipeline.optical_flow import Flow, pixel_places, sample

ITERATIONS = 2
"""Of the fixed point that moves a flow to the time in between."""

FEATHER = 0.08
"""Pixels over which a picture fades out towards its border, where the other one goes on."""

UNLIKENESS = 4.0
APART = 1.0
UNSEEN = np.float32(8.0)
STILL = 4.0
NEIGHBOURHOOD = 5
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
        band = blended(view.look(range(above, below)), t, survey.method == DISSOLVE)
        made[top:bottom] = band[top - above : bottom - above]
    return made


class _View:
    """What is seen at a time between two pictures, in either of them."""

    def __init__(self, frame0: Frame, frame1: Frame, survey: Survey, t: float) -> None:
        self._frames = frame0, frame1
        self._survey = survey
        self._t = t
        self._levels = survey.tones.first_at(t), survey.tones.second_at(t)
        self._to_plane: Matrix = np.asarray(survey.plane_from_first @ np.linalg.inv(survey.path.from_first(t)))
        self._from_plane: tuple[Matrix, Matrix] = (
            np.asarray(np.linalg.inv(survey.plane_from_first)),
            np.asarray(np.linalg.inv(survey.plane_from_second)),
        )

    def look(self, rows: range) -> Look:
        """What either picture shows in some rows of the view."""
        places = _moved_places(self._to_plane, pixel_places(rows, self._frames[0].shape[1]))
        difference = self._difference(places)
        flow = self._flow(places, difference)
        ats = self._ats(places, flow)
        t = np.float32(self._t)
        colours = [
            toned(sample(frame, at, cv2.INTER_LANCZOS4), levels)
            for frame, at, levels in zip(self._frames, ats, self._levels, strict=True)
        ]
        colours[0] += t * difference
        colours[1] -= (np.float32(1.0) - t) * difference
        # At its own end, a picture is shown up to its borders.
        widths = [
            FEATHER * min(places.shape[1], len(self._frames[0])) * min(4.0 * away, 1.0)
            for away in (self._t, 1 - self._t)
        ]
        insides = [_inside(at, self._frames[0].shape, width) for at, width in zip(ats, widths, strict=True)]
        return Look(colours[0], colours[1], insides[0], insides[1])

    def _flow(self, places: Flow, difference: Field) -> Flow:
        """The motion from the first picture to the second through places of the plane."""
        motion = self._survey.motion
        if motion is None:
            return np.zeros_like(places)
        forward = _arriving(motion.forward, self._t, places)
        backward = -_arriving(motion.backward, 1.0 - self._t, places)
        light = np.asarray(cv2.cvtColor(difference, cv2.COLOR_RGB2GRAY), np.float32)
        unlike = [self._unlikeness(places, flow, light) for flow in (forward, backward)]
        share = np.float32(1.0) / (1.0 + np.exp((unlike[1] - unlike[0]) / np.float32(UNLIKENESS)))
        apart = cv2.magnitude(*cv2.split(forward - backward))
        share = np.where(apart > APART, np.round(share), share)
        flow = forward + share[..., None] * (backward - forward)
        still = self._unlikeness(places, np.zeros_like(flow), light) + STILL
        flow[(still < np.minimum(*unlike)) & (apart > APART)] = 0.0
        return np.asarray(flow, np.float32)

    def _ats(self, places: Flow, flow: Flow) -> tuple[Flow, Flow]:
        """Where either picture is looked at, for places of the plane and the motion through them."""
        t = np.float32(self._t)
        return (
            _moved_places(self._from_plane[0], places - t * flow),
            _moved_places(self._from_plane[1], places + (np.float32(1.0) - t) * flow),
        )

    def _unlikeness(self, places: Flow, flow: Flow, light: _Plane) -> _Plane:
        """How much the two ends of a motion differ around each place, in 8-bit levels."""
        t = np.float32(self._t)
        ats = places - t * flow, places + (1 - t) * flow
        luma0, luma1 = (sample(luma, at) for luma, at in zip(self._survey.lumas, ats, strict=True))
        seen0, seen1 = (sample(seen, at) for seen, at in zip(self._survey.seen, ats, strict=True))
        difference = luma1.astype(np.float32) - luma0
        difference -= light
        difference = np.abs(difference)
        difference = UNSEEN + seen0 * seen1 * (difference - UNSEEN)
        return np.asarray(cv2.blur(difference, (NEIGHBOURHOOD, NEIGHBOURHOOD)), np.float32)

    def _difference(self, places: Flow) -> Field:
        """The difference of colours at places of the plane."""
        field = self._survey.field
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


def _inside(places: Flow, shape: tuple[int, ...], feather: float) -> _Plane:
    """1 inside of a picture, falling to 0 at its border over `feather` pixels."""
    last = np.array([shape[1] - 1, shape[0] - 1], np.float32)
    depth = cv2.min(*cv2.split(np.minimum(places, last - places)))
    return np.asarray(np.clip((depth + 0.5) / np.float32(max(feather, 1.0)), 0.0, 1.0), np.float32)
