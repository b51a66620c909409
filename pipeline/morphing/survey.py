"""What is found out about two pictures before any frame between them is made, and the choice of the way to pass."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.context import MIXED
from pipeline.frames import Frame
from pipeline.morphing.camera_path import CameraPath, NoPath
from pipeline.morphing.colour import Field, Tones, measure_field, measure_tones, no_field, same_tones, toned
from pipeline.morphing.matrices import Matrix
from pipeline.morphing.plane import Motion, Plane
from pipeline.optical_flow import pixel_places, sample
from pipeline.transition_settings import TransitionSettings

CAMERA, FLOW, DISSOLVE = "camera", "flow", "dissolve"
"""The ways to pass: a camera's move and the motion beside it, motion alone, or neither."""

MIN_CONSISTENT = 0.2
"""Share of what both pictures see that must come back to its start, there by one flow and back by the other, and look
alike. Of pairs that were not aligned, two views of one scene had 0.21 and more, 120 pairs of unrelated photos 0.06 and
less. Of 17 photos and their mirror images one had 0.22, a cup seen from above, which passes well; the others less."""

LIGHT_BLUR, CONTENT_BLUR = 0.08, 0.03
"""Blur of the difference of colours as a share of the longer side: of the light on one scene, and of two pictures."""

_FAINT_TRUST = np.float32(0.1)
"""How much a pixel whose motion is not known tells of light: a blank sky has none to be found, and is seen all the
same."""


@dataclass(frozen=True)
class Survey:
    """What is computed once for two pictures. `motion` is in pixels of `plane`, and None where none is to be trusted.

    `tones` and `field` are how colours are led over: curves first, then what is added.
    """

    method: str
    reason: str
    path: CameraPath
    plane: Plane
    motion: Motion | None
    tones: Tones
    field: Field


def survey(frame0: Frame, frame1: Frame, homography: Matrix | None, options: TransitionSettings) -> Survey:
    """Measure motion and colours, and choose how to pass."""
    path, refusal = _path(frame0, homography, options.common_crop)
    moves = path is not None
    if path is None:
        path = CameraPath(np.eye(3), frame0.shape[1], frame0.shape[0], crop=False)
    plane = Plane(frame0, frame1, path)
    measured = plane.motion()
    motion = measured if measured.consistent >= MIN_CONSISTENT else None
    method, reason = _verdict(moves, refusal, motion is not None)
    tones, field = _colours(plane, motion, method, options.match_colour)
    return Survey(method, reason, path, plane, motion, tones, field)


def joined_verdict(verdicts: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The method and the reason of several passages in a row, from those of each."""
    counts = Counter(verdicts)
    if len(counts) == 1:
        return verdicts[0]
    methods = {method for method, _ in counts}
    told = " ".join(f"{count} of {len(verdicts)} parts: {reason}" for (_, reason), count in counts.most_common())
    return (methods.pop() if len(methods) == 1 else MIXED), told


def _path(frame: Frame, homography: Matrix | None, crop: bool) -> tuple[CameraPath | None, str]:
    """The camera's path, or why there is none, as a clause."""
    if homography is None:
        return None, "the two pictures were not aligned"
    try:
        return CameraPath(homography, frame.shape[1], frame.shape[0], crop), ""
    except NoPath as fault:
        return None, str(fault)


def _verdict(camera_moves: bool, refusal: str, flows: bool) -> tuple[str, str]:
    """The method and its reason."""
    if camera_moves:
        beside = "what moves beside it follows the optical flow" if flows else "what differs beside it dissolves"
        return CAMERA, f"The camera moves from one view of the scene to the other, and {beside}."
    if flows:
        return FLOW, f"Everything follows the optical flow: {refusal}, but much of the one is found in the other."
    return DISSOLVE, f"One picture dissolves into the other: {refusal}, and no optical flow leads between them."


def _colours(plane: Plane, motion: Motion | None, method: str, matched: bool) -> tuple[Tones, Field]:
    """How colours are led over. A dissolve leads its coarse content over in this way, wanted or not."""
    both = plane.seen[0] * plane.seen[1]
    picture0, picture1 = plane.pictures
    if method == DISSOLVE:
        tones = same_tones()
        return tones, measure_field(picture0.astype(np.float32), picture1.astype(np.float32), both, CONTENT_BLUR)
    if not matched:
        return same_tones(), no_field()
    if motion is not None:
        picture1 = sample(picture1, pixel_places(range(plane.size[1]), plane.size[0]) + motion.forward)
        both = both * (motion.trust0 + _FAINT_TRUST)
    tones = measure_tones(picture0, picture1, both)
    field = measure_field(toned(picture0, tones.forward), picture1.astype(np.float32), both, LIGHT_BLUR)
    return tones, field
