"""What is found out about two pictures before any frame between them is made, and the choice of the way to pass."""

from dataclasses import dataclass

import numpy as np

from pipeline.frames import Frame
from pipeline.morphing.camera_path import CameraPath, NoPath
from pipeline.morphing.colour import Field, colour_field
from pipeline.morphing.matrices import Matrix
from pipeline.morphing.plane import Motion, Plane
from pipeline.transition_settings import TransitionSettings

CAMERA, FLOW, DISSOLVE = "camera", "flow", "dissolve"
"""The ways to pass: a camera's move and the motion beside it, motion alone, or neither."""

MIN_CONSISTENT = 0.25
"""Share of what both see that must come back near its start, there by one flow and back by the other."""

LIGHT_BLUR, CONTENT_BLUR = 0.08, 0.03
"""Blur of the difference of colours, as a share of the longer side: for two pictures of one scene, and of two."""


@dataclass(frozen=True)
class Survey:
    """What is computed once for two pictures.

    `plane_from_first` and `plane_from_second` lead from pixels of the pictures to those of their plane, to which
    `motion` and `field` belong. `motion` is None where none is to be trusted.
    """

    method: str
    reason: str
    path: CameraPath
    plane_from_first: Matrix
    plane_from_second: Matrix
    plane_size: tuple[int, int]
    motion: Motion | None
    field: Field | None


def survey(frame0: Frame, frame1: Frame, homography: Matrix | None, options: TransitionSettings) -> Survey:
    """Measure motion and colours, and choose how to pass."""
    path, refusal = _path(frame0, homography, options)
    still = path is None
    if path is None:
        path = CameraPath(np.eye(3), frame0.shape[1], frame0.shape[0], options.common_crop)
    plane = Plane(frame0, frame1, path)
    measured = plane.motion()
    motion = measured if measured.consistent >= MIN_CONSISTENT else None
    method, reason = _verdict(still, refusal, motion is not None)
    field = _field(plane, motion, method) if options.match_colour or method == DISSOLVE else None
    return Survey(method, reason, path, plane.from_first, plane.from_second, plane.size, motion, field)


def _path(frame0: Frame, homography: Matrix | None, options: TransitionSettings) -> tuple[CameraPath | None, str]:
    if homography is None:
        return None, "no common view was found"
    try:
        return CameraPath(homography, frame0.shape[1], frame0.shape[0], options.common_crop), ""
    except NoPath as fault:
        return None, str(fault)


def _verdict(still: bool, refusal: str, moves: bool) -> tuple[str, str]:
    if not still:
        beside = "and what it does not explain moves along" if moves else "and what it does not explain dissolves"
        return CAMERA, f"The camera moves from one view of the scene to the other, {beside}."
    if moves:
        return (
            FLOW,
            f"Everything moves along the optical flow, because {refusal} but most of the picture was found again.",
        )
    return DISSOLVE, f"One picture dissolves into the other, because {refusal} and no motion leads between them."


def _field(plane: Plane, motion: Motion | None, method: str) -> Field:
    both = plane.seen[0] * plane.seen[1]
    if motion is None:
        blur = LIGHT_BLUR if method == CAMERA else CONTENT_BLUR
        return colour_field(*plane.pictures, None, both, blur)
    return colour_field(*plane.pictures, motion.forward, both * motion.trust0, LIGHT_BLUR)
