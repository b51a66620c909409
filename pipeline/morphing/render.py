"""One frame between two pictures, made in bands of rows.

Each pixel of the frame is looked up in both pictures, once: the camera's way leads into the plane where the pictures
meet, the motion there to its place in either, and back to the pictures themselves. Flow says where the pixels of a
picture go, but what is needed is where those of the frame come from, so each direction's flow is moved to the time in
between by fixed-point iteration. That gives two hypotheses, and a third that nothing moves beside the camera. The one
whose two ends look most alike counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.morphing.blend import Look, blended, completed
from pipeline.morphing.colour import Field, toned
from pipeline.morphing.matrices import Matrix
from pipeline.morphing.survey import DISSOLVE, Survey
from pipeline.optical_flow import Flow, pixel_places, sample

ITERATIONS = 2
"""Of the fixed point."""

UNLIKENESS = 4.0
"""Difference between the ends of two hypotheses, in 8-bit levels, at which one counts e times as much as the other."""

NEIGHBOURHOOD = 5
"""Side in pixels of the window in which the ends of a hypothesis are compared."""

APART = 1.0
"""The more pixels of the plane hypotheses differ by beyond this, the less they are averaged: the better is taken."""

STILL = 4.0
"""Levels by which it must look better that nothing moves."""

CHOICE = 9
"""Side in pixels of the window in which that is weighed: neighbours choose alike."""

SPECK = 5
"""Side in pixels of the median that removes what still chose otherwise than all around it."""

UNSEEN = np.float32(8.0)
"""Difference in levels that a hypothesis is charged with where one of its ends lies outside of its picture."""

FEATHER = 0.08
"""Share of the shorter side over which a picture gives way towards its border, where the other one goes on."""

OPENING = 0.25
"""Share of the way in which that grows from nothing: a picture's own end shows it up to its borders."""

_BAND = 96
"""Rows that are made at a time: memory stays small, and the work in the processor's cache."""

_MARGIN = 16
"""Rows beyond a band on which it depends."""

_Plane = NDArray[np.float32]


def render(frame0: Frame, frame1: Frame, survey: Survey, t: float) -> Frame:
    """The frame at time `t`, between 0 and 1, both excluded."""
    view = _View((frame0, frame1), survey, t)
    made = np.empty_like(frame0)
    for band in _bands(len(frame0)):
        mixed = blended(view.look(band.seen), t, survey.method == DISSOLVE)
        made[band.made] = mixed[band.inner]
    return made


def both_views(frame0: Frame, frame1: Frame, survey: Survey, t: float) -> tuple[Frame, Frame]:
    """What either picture shows from the camera at time `t`, between 0 and 1, in the light of that time.

    The two differ in what moves beside the camera. What lies outside of the one is taken from the other.
    """
    view = _View((frame0, frame1), replace(survey, motion=None), t)
    views = np.empty_like(frame0), np.empty_like(frame1)
    for band in _bands(len(frame0)):
        for made, shown in zip(views, completed(view.look(band.seen)), strict=True):
            made[band.made] = shown[band.inner]
    return views


@dataclass(frozen=True)
class _Band:
    """Rows that are made, those looked at for that, and where among these the ones made lie."""

    made: slice
    seen: range
    inner: slice


def _bands(height: int) -> Iterator[_Band]:
    """Bands of all rows of a frame, from the top."""
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        above, below = max(top - _MARGIN, 0), min(bottom + _MARGIN, height)
        yield _Band(slice(top, bottom), range(above, below), slice(top - above, bottom - above))


class _View:
    """What is seen at a time between two pictures, in either of them."""

    def __init__(self, frames: tuple[Frame, Frame], survey: Survey, t: float) -> None:
        self._frames = frames
        self._plane, self._motion, self._field = survey.plane, survey.motion, survey.field
        self._levels = survey.tones.first_at(t), survey.tones.second_at(t)
        # How far each picture is from the time of the view.
        self._away = t, 1.0 - t
        to_pictures = self._plane.from_first, self._plane.from_second
        self._to_plane = np.asarray(to_pictures[0] @ np.linalg.inv(survey.path.from_first(t)))
        self._to_pictures = [np.asarray(np.linalg.inv(matrix)) for matrix in to_pictures]

    def look(self, rows: range) -> Look:
        """What either picture shows in some rows of the view."""
        places = _moved(self._to_plane, pixel_places(rows, self._frames[0].shape[1]))
        difference = self._difference(places)
        ends = self._ends(places, self._flow(places, difference))
        ats = [_moved(matrix, end) for matrix, end in zip(self._to_pictures, ends, strict=True)]
        colours0, colours1 = (
            toned(sample(frame, at, cv2.INTER_LANCZOS4), levels)
            for frame, at, levels in zip(self._frames, ats, self._levels, strict=True)
        )
        colours0 += np.float32(self._away[0]) * difference
        colours1 -= np.float32(self._away[1]) * difference
        inside0, inside1 = (self._inside(at, away) for at, away in zip(ats, self._away, strict=True))
        return Look(colours0, colours1, inside0, inside1)

    def _ends(self, places: Flow, flow: Flow) -> tuple[Flow, Flow]:
        """The places of the plane in which either picture shows what is at `places` in the view."""
        return places - np.float32(self._away[0]) * flow, places + np.float32(self._away[1]) * flow

    def _flow(self, places: Flow, difference: Field) -> Flow:
        """The motion from the first picture to the second through places of the plane."""
        if self._motion is None:
            return np.zeros_like(places)
        light = np.asarray(cv2.cvtColor(difference, cv2.COLOR_RGB2GRAY), np.float32)
        forward = _arriving(self._motion.forward, self._away[0], places)
        backward = -_arriving(self._motion.backward, self._away[1], places)
        unlike0, unlike1 = (self._unlikeness(self._ends(places, flow), light) for flow in (forward, backward))
        apart = cv2.magnitude(*cv2.split(forward - backward)) / np.float32(APART)
        worse = cv2.blur(unlike1 - unlike0, (CHOICE, CHOICE)) * np.clip(apart, 1.0, UNLIKENESS)
        share = 1.0 / (1.0 + np.exp(np.clip(worse / np.float32(UNLIKENESS), -30.0, 30.0)))
        flow = np.asarray(forward + share[..., None] * (backward - forward), np.float32)
        gain = np.minimum(unlike0, unlike1) - self._unlikeness((places, places), light)
        still = np.clip(cv2.blur(gain, (CHOICE, CHOICE)) - STILL, 0.0, 1.0) * np.clip(apart - 1.0, 0.0, 1.0)
        return _without_specks(flow * (1.0 - still)[..., None])

    def _unlikeness(self, ends: tuple[Flow, Flow], light: _Plane) -> _Plane:
        """How much the two ends of a motion differ around each place, in 8-bit levels, but for the light."""
        luma0, luma1 = (sample(luma, end) for luma, end in zip(self._plane.lumas, ends, strict=True))
        seen0, seen1 = (sample(seen, end) for seen, end in zip(self._plane.seen, ends, strict=True))
        difference = cv2.absdiff(luma1 - luma0, light)
        charged = UNSEEN + seen0 * seen1 * (difference - UNSEEN)
        return np.asarray(cv2.blur(charged, (NEIGHBOURHOOD, NEIGHBOURHOOD)), np.float32)

    def _difference(self, places: Flow) -> Field:
        """The difference of light at places of the plane."""
        ratio = np.array(self._field.shape[1::-1]) / np.array(self._plane.size)
        return sample(self._field, ((places + 0.5) * ratio - 0.5).astype(np.float32))

    def _inside(self, places: Flow, away: float) -> _Plane:
        """1 inside of a picture, falling to 0 at its border."""
        height, width = self._frames[0].shape[:2]
        feather = max(FEATHER * min(width, height) * min(away / OPENING, 1.0), 0.5)
        nearest = np.minimum(places, np.array([width - 1, height - 1], np.float32) - places)
        depth = cv2.min(*cv2.split(nearest)) + np.float32(0.5)
        return np.asarray(np.clip(depth / np.float32(feather), 0.0, 1.0), np.float32)


def _moved(matrix: Matrix, places: Flow) -> Flow:
    """Where a homography takes places, shape (rows, width, 2)."""
    return np.asarray(cv2.perspectiveTransform(places, matrix), np.float32)


def _arriving(flow: Flow, reach: float, places: Flow) -> Flow:
    """The flow that arrives at each place after the part `reach` of its way: u(x) = flow(x - reach * u(x))."""
    arriving = sample(flow, places)
    for _ in range(ITERATIONS):
        arriving = sample(flow, places - np.float32(reach) * arriving)
    return arriving


def _without_specks(flow: Flow) -> Flow:
    """The flow with the median around each place; borders between surfaces stay where they are."""
    return np.dstack([cv2.medianBlur(np.ascontiguousarray(part, np.float32), SPECK) for part in cv2.split(flow)])
