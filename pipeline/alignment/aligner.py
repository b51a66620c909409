"""The aligner: a quick try with SIFT, a second one for strong changes of viewpoint, and a verdict on the evidence."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from pipeline.alignment.answer import Alignment, Homography, Matches, Points
from pipeline.alignment.evidence import AGREES, FEWEST, Evidence, fit, gather, weigh
from pipeline.alignment.features import Features, find_affine_features, find_features, in_pairs, match
from pipeline.alignment.geometry import common_crop, examine, inverse, residuals, transfer, zoom
from pipeline.alignment.refinement import refine
from pipeline.alignment.verdict import verdict
from pipeline.frames import Frame
from pipeline.optical_flow import Grey, luma
from pipeline.transition_settings import AlignSettings

WORKING = 1.0e6
"""Pixels that keypoints are looked for in; larger images are made smaller."""

TILTING = 0.5e6
"""The same for tilted views, of which there are many."""

SMALLEST = 32
"""Shortest side in pixels that is worth looking at."""

VIEWS = (
    (2.0, (0, 36, 72, 108, 144)),
    (4.0, (0, 18, 36, 54, 72, 90, 108, 126, 144, 162)),
    (6.0, (0, 12, 24, 36, 48, 60, 72, 84, 96, 108, 120, 132, 144, 156, 168)),
)
"""Tilts and turns in degrees of the second try: steps of 72 degrees by the tilt, as Morel and Yu have it."""

GUESSES = 4
"""Guesses of the second try that are looked at again, for each tilt."""

SPARSE = 60
"""Places that agree, below which a second look is worth its time also when the first one was enough."""

LOOKS = 2
"""Times that a guess is laid over the second image: each fit is nearer than the one before."""

PER_LOOK = 4000
"""Most keypoints of a picture that is laid over another."""

PER_VIEW = 2500
"""Most keypoints of one tilted view."""


@dataclass(frozen=True)
class _Working:
    """A picture in the size that it is worked at: `scale` times the image's own."""

    picture: Grey
    scale: tuple[float, float]


Pair = tuple[_Working, _Working]


def align(image0: Frame, image1: Frame, settings: AlignSettings, check: Callable[[], None] = lambda: None) -> Alignment:
    """Find the homography from the first image to the second, or say why there is none.

    Images are uint8 RGB of any two sizes. The same images give the same answer, as long as the time suffices.
    `check` is called between the steps, and may raise Cancelled.
    """
    return _Search(image0, image1, settings, check).run()


class _Search:
    """One search."""

    def __init__(self, image0: Frame, image1: Frame, settings: AlignSettings, check: Callable[[], None]) -> None:
        self.images, self.settings, self.check = (image0, image1), settings, check
        self.began = time.monotonic()
        self.keypoints = (0, 0)
        self.is_complete = True

    def run(self) -> Alignment:
        """Try, try again, and judge."""
        if self._are_identical():
            return self._identical()
        if min(min(image.shape[:2]) for image in self.images) < SMALLEST:
            return self._refused(f"an image with a side under {SMALLEST} pixels shows too little to be aligned")
        full = _working(self.images[0], WORKING), _working(self.images[1], WORKING)
        evidence, reason = self._first_try(full)
        if evidence is not None and evidence.evidence.cells < SPARSE:
            closer, _ = self._look_again(evidence.evidence.homography, full)
            if closer is not None and closer.evidence.cells >= evidence.evidence.cells:
                evidence = closer
        method = "sift"
        if evidence is None and self._are_mirrored(full):
            return self._refused("one image is the mirror image of the other, which no camera sees")
        if evidence is None and self.settings.second_try and self._has_time(0.3):
            evidence, again = self._second_try(full)
            method, reason = "affine-sift", reason if evidence is None and not again else again
        if evidence is None:
            return self._refused(reason)
        return self._aligned(evidence, reason, method, full)

    # --- tries --------------------------------------------------------------------------------------------------------

    def _first_try(self, full: Pair) -> tuple["_Found | None", str]:
        count = self.settings.max_keypoints
        features = in_pairs(lambda picture: find_features(picture, count), full[0].picture, full[1].picture)
        self.keypoints = (len(features[0]), len(features[1]))
        self.check()
        return self._judge(features, full)

    def _are_mirrored(self, full: Pair) -> bool:
        """Whether the first try succeeds with one image seen in a mirror."""
        flipped = _Working(np.ascontiguousarray(full[1].picture[:, ::-1]), full[1].scale)
        return self._first_try((full[0], flipped))[0] is not None

    def _second_try(self, full: Pair) -> tuple["_Found | None", str]:
        """One image as it is against the other tilted more and more, and the other way round, while there is time.

        Each view is judged by itself: what few right matches it has would drown in the wrong ones of all others.
        """
        small = _working(self.images[0], TILTING), _working(self.images[1], TILTING)
        straight = in_pairs(partial(find_features, count=PER_VIEW), small[0].picture, small[1].picture)
        reason = ""
        for tilt, rolls in VIEWS:
            guesses: list[tuple[int, Homography]] = []
            for roll in rolls:
                if not self._has_time(0.7):
                    break
                self.check()
                look = partial(find_affine_features, tilt=tilt, roll=roll, count=PER_VIEW)
                tilted = in_pairs(look, small[0].picture, small[1].picture)
                for first, second in ((straight[0], tilted[1]), (tilted[0], straight[1])):
                    points = match(first, second)
                    guesses += _guess(
                        _in_larger(points[0], small[0], full[0]), _in_larger(points[1], small[1], full[1])
                    )
            found, reason = self._best(guesses, full)
            if found is not None:
                return found, reason
        return None, reason

    def _best(self, guesses: list[tuple[int, Homography]], full: Pair) -> tuple["_Found | None", str]:
        """The first of the best guesses that a second look confirms."""
        reason = "too few places look alike, also from other points of view"
        for _, homography in sorted(guesses, key=lambda guess: -guess[0])[:GUESSES]:
            self.check()
            found, reason = self._look_again(homography, full)
            if found is not None:
                return found, reason
        return None, reason

    def _look_again(self, homography: Homography, full: Pair, looks: int = LOOKS) -> tuple["_Found | None", str]:
        """Lay each image over the other and match them once more: a right guess now has many matches."""
        there, back = self._laid_over(homography, full), self._laid_over(inverse(homography), full[::-1])
        points0, points1 = np.concatenate([there[0], back[1]]), np.concatenate([there[1], back[0]])
        found, reason = self._weigh(points0, points1, full)
        if found is None or looks <= 1:
            return found, reason
        closer, reason = self._look_again(found.evidence.homography, full, looks - 1)
        return (closer if closer.evidence.cells > found.evidence.cells else found) if closer else None, reason

    def _laid_over(self, homography: Homography, pair: Pair) -> tuple[Points, Points]:
        """Matches with the first picture laid over the second one, each in pixels of its own picture."""
        height, width = pair[1].picture.shape
        over = cv2.warpPerspective(pair[0].picture, homography, (width, height), flags=cv2.INTER_AREA)
        laid = np.asarray(over, np.uint8)
        points0, points1 = match(*in_pairs(partial(find_features, count=PER_LOOK), laid, pair[1].picture))
        return np.asarray(transfer(points0, inverse(homography)), np.float32), points1

    def _judge(self, features: tuple[Features, Features], full: Pair) -> tuple["_Found | None", str]:
        if min(map(len, features)) < 2:
            return None, "one of the images has nothing to hold on to: it is blank, hazy or out of focus"
        points = match(*features)
        self.check()
        return self._weigh(*points, full)

    def _weigh(self, points0: Points, points1: Points, full: Pair) -> tuple["_Found | None", str]:
        evidence = gather((full[0].picture, full[1].picture), points0, points1)
        if evidence is None:
            return None, "too few places look alike"
        accepted, reason = verdict(evidence)
        return (_Found(evidence, points0, points1) if accepted else None), reason

    # --- answers ------------------------------------------------------------------------------------------------------

    def _aligned(self, found: "_Found", reason: str, method: str, full: Pair) -> Alignment:
        homography = found.evidence.homography
        agreeing = found.evidence.inliers
        if self.settings.refine:
            pictures = full[0].picture, full[1].picture
            finer = refine(homography, *pictures, found.points0[agreeing], found.points1[agreeing])
            weighed = weigh(finer, pictures, found.points0, found.points1)
            holds, told = verdict(weighed)
            if holds:
                homography, agreeing, reason = finer, weighed.inliers, told
        scales = full[0].scale, full[1].scale
        matches = Matches(_original(found.points0, full[0]), _original(found.points1, full[1]), agreeing)
        return self._answer(_between_images(homography, *scales), reason, method, matches)

    def _identical(self) -> Alignment:
        return self._answer(np.eye(3), "Both images are the same.", "identical", Matches.none())

    def _answer(self, homography: Homography, reason: str, method: str, matches: Matches) -> Alignment:
        sizes = [(image.shape[1], image.shape[0]) for image in self.images]
        return Alignment(
            status="aligned",
            reason=reason,
            homography=homography,
            method=method,
            keypoints=self.keypoints,
            matches=matches,
            inlier_ratio=float(matches.inliers.mean()) if len(matches.inliers) else 1.0,
            overlap=examine(homography, sizes[0], sizes[1]).overlap,
            crop=common_crop(homography, sizes[0], sizes[1]),
            seconds=time.monotonic() - self.began,
            is_complete=self.is_complete,
        )

    def _refused(self, why: str) -> Alignment:
        return Alignment(
            status="refused",
            reason=f"{why[:1].upper()}{why[1:]}.",
            homography=None,
            method="none",
            keypoints=self.keypoints,
            matches=Matches.none(),
            inlier_ratio=0.0,
            overlap=0.0,
            crop=None,
            seconds=time.monotonic() - self.began,
            is_complete=self.is_complete,
        )

    def _are_identical(self) -> bool:
        first, last = self.images
        return first.shape == last.shape and bool((first == last).all())

    def _has_time(self, share: float) -> bool:
        """Whether less than this share of the time is spent; where not, something stays untried."""
        has_time = time.monotonic() - self.began < share * self.settings.seconds
        self.is_complete = self.is_complete and has_time
        return has_time


@dataclass(frozen=True)
class _Found:
    """A homography that was accepted, and the matches that it was fitted to."""

    evidence: Evidence
    points0: Points
    points1: Points


def _working(image: Frame, pixels: float) -> _Working:
    """The luma of an image, made smaller to at most so many pixels; never larger."""
    height, width = image.shape[:2]
    shrink = min(1.0, float(np.sqrt(pixels / (width * height))))
    size = max(round(width * shrink), 1), max(round(height * shrink), 1)
    grey = luma(image)
    if size != (width, height):
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    return _Working(grey, (size[0] / width, size[1] / height))


def _guess(points0: Points, points1: Points) -> list[tuple[int, Homography]]:
    """The homography that some matches suggest, with the number that agree; nothing where none would be plausible."""
    homography = fit(points0, points1)
    if homography is None:
        return []
    agreeing = int((residuals(homography, points0, points1) <= AGREES).sum())
    return [(agreeing, homography)] if agreeing >= FEWEST else []


def _in_larger(places: Points, small: _Working, full: _Working) -> Points:
    return _rescaled(places, (full.scale[0] / small.scale[0], full.scale[1] / small.scale[1]))


def _rescaled(places: Points, ratio: tuple[float, float]) -> Points:
    """Places in a picture that is `ratio` times as large. Pixel centres have whole coordinates."""
    return np.asarray((places + 0.5) * np.array(ratio) - 0.5, np.float32)


def _original(places: Points, working: _Working) -> Points:
    return _rescaled(places, (1 / working.scale[0], 1 / working.scale[1]))


def _between_images(homography: Homography, scale0: tuple[float, float], scale1: tuple[float, float]) -> Homography:
    """A homography between working pictures as one between the images themselves."""
    mapped = inverse(zoom(*scale1)) @ homography @ zoom(*scale0)
    return np.asarray(mapped / mapped[2, 2], np.float64)
