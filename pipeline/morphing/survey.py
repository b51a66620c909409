"""What is found out about two pictures before any frame between them is made, and the choice of the way to pass."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.morphing.camera_path import CameraPath, NoPath
from pipeline.morphing.colour import Field, Tones, measure_field, measure_tones, same_tones, toned
from pipeline.morphing.matrices import Matrix
from pipeline.morphing.plane import Motion, Plane
from pipeline.optical_flow import Grey, luma, pixel_places, sample
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
    lumas: tuple[Grey, Grey]
    seen: tuple[NDArray[np.float32], NDArray[np.float32]]
    motion: Motion | None
    tones: Tones
    field: Field


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
    tones, field = _colours(plane, motion, method, options.match_colour)
    return Survey(
        method,
        reason,
        path,
        plane.from_first,
        plane.from_second,
        plane.size,
        (luma(plane.pictures[0]), luma(plane.pictures[1])),
        plane.seen,
        motion,
        tones,
        field,
    )


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


def _colours(plane: Plane, motion: Motion | None, method: str, matched: bool) -> tuple[Tones, Field]:
    """How colours are led over. A dissolve leads over its coarse content in this way."""
    both = plane.seen[0] * plane.seen[1]
    picture0, picture1 = plane.pictures
    if method == DISSOLVE:
        return same_tones(), measure_field(picture0.astype(np.float32), picture1.astype(np.float32), both, CONTENT_BLUR)
    if not matched:
        return same_tones(), np.zeros((1, 1, 3), np.float32)
    if motion is not None:
        picture1 = sample(picture1, pixel_places(range(plane.size[1]), plane.size[0]) + motion.forward)
        both = both * (motion.trust0 + np.float32(0.1))
    tones = measure_tones(picture0, picture1, both)
    field = measure_field(toned(picture0, tones.forward), picture1.astype(np.float32), both, LIGHT_BLUR)
    return tones, field
