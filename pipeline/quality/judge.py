"""What the measures of a film mean: which of several is best, and a verdict in words for each measure."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import NamedTuple

FAITHFUL_SSIM, STRANGE_SSIM = 0.9, 0.6
"""Similarity of the first frame to the input from which it is faithful, and below which it shows something else.

A blur of sigma 2 pixels at 512 x 512 leaves 0.91, one of 5 pixels 0.66; two unrelated photos have 0.1 to 0.3.
"""

STILL_MOTION, LITTLE_MOTION, STRONG_MOTION = 0.15, 0.5, 8.0
"""Pixels per frame: a still with grain has 0.1 to 0.15, a slow camera 0.5, and 8 are hard to follow with the eye."""

FROZEN_SHARE = 0.5
"""Share of frames that equal the one before, from which a film counts as frozen."""

SLIGHT_FLICKER, STRONG_FLICKER = 1.0, 3.0
"""8-bit levels: one can just be seen on plain areas, three everywhere."""

SHARP, BLURRED = 0.9, 0.7
"""Share of the input's detail: a blur of sigma 0.5 pixels leaves about 0.89, one of 1 pixel 0.68."""

NOTICED_DRIFT, STRONG_DRIFT = 2.3, 6.0
"""Delta E (CIE 1976): 2.3 can just be noticed side by side (Mahy et al., 1994); 6 is seen at a glance."""

Measures = Mapping[str, float]


class _Term(NamedTuple):
    """One term of the score: its weight, and how good a value is, from 0 to 1."""

    weight: float
    goodness: Callable[[float], float]


def _rises_to(best: float) -> Callable[[float], float]:
    return lambda value: min(max(value, 0.0) / best, 1.0)


def _falls_by_half_at(value: float) -> Callable[[float], float]:
    return lambda found: 1.0 / (1.0 + max(found, 0.0) / value)


_TERMS = {
    "first_frame_psnr": _Term(1.0, _rises_to(40.0)),
    "first_frame_ssim": _Term(1.0, _rises_to(1.0)),
    "sharpness": _Term(1.0, _rises_to(1.0)),
    "sharpness_min": _Term(0.5, _rises_to(1.0)),
    "motion": _Term(1.0, _rises_to(2.0)),
    "motion_share": _Term(0.5, _rises_to(0.5)),
    "frozen": _Term(1.0, lambda share: 1.0 - share),
    "flicker": _Term(1.0, _falls_by_half_at(STRONG_FLICKER)),
    "colour_drift": _Term(0.5, _falls_by_half_at(STRONG_DRIFT)),
}
"""Motion counts up to what a viewer sees without effort, and no more: a wild film is not a better one."""

_RUINED = ("black_frames", "constant_frames")


def score(quality: Measures) -> float:
    """How good a film is beside another of the same picture and length: the larger, the better.

    The weighted mean of how good each measure is, from 0 to 1, less one for every frame that is black or of one colour:
    a film with such frames comes after all without. Never falls when the first frame gets more faithful, the film
    sharper, livelier (up to 2 pixels a frame), steadier in light and colour, or less frozen. Measures that are left out
    do not count.
    """
    known = {name: term for name, term in _TERMS.items() if name in quality}
    total = sum(term.weight for term in known.values())
    mean = sum(term.weight * term.goodness(quality[name]) for name, term in known.items()) / total if total else 0.0
    return mean - sum(quality.get(name, 0.0) for name in _RUINED)


def describe_quality(quality: Measures) -> list[tuple[str, str, str]]:
    """What the page shows: for each measure its label, its value with its unit, and a verdict in words."""
    rows = []
    if "first_frame_psnr" in quality:
        ssim = quality["first_frame_ssim"]
        text = f"PSNR {quality['first_frame_psnr']:.1f} dB, SSIM {ssim:.2f}"
        words = ("differs from the image", "resembles the image", "faithful")
        verdict = _verdict(ssim, (STRANGE_SSIM, FAITHFUL_SSIM), words)
        rows.append(("First frame", text, verdict))
    if "motion" in quality:
        text = f"{quality['motion']:.1f} px per frame, in {quality['motion_share']:.0%} of the picture"
        rows.append(("Motion", text, _motion_verdict(quality)))
    if "flicker" in quality:
        verdict = _verdict(quality["flicker"], (SLIGHT_FLICKER, STRONG_FLICKER), ("steady", "slight", "strong"))
        rows.append(("Flicker", f"{quality['flicker']:.1f} of 255 levels", verdict))
    if "sharpness" in quality:
        text = f"{quality['sharpness']:.0%} of the image's, at least {quality['sharpness_min']:.0%}"
        verdict = _verdict(quality["sharpness"], (BLURRED, SHARP), ("blurred", "a little softer", "sharp"))
        rows.append(("Sharpness", text, verdict))
    if "colour_drift" in quality:
        words = ("kept", "change a little", "change")
        verdict = _verdict(quality["colour_drift"], (NOTICED_DRIFT, STRONG_DRIFT), words)
        rows.append(("Colours", f"Delta E {quality['colour_drift']:.1f} from beginning to end", verdict))
    if "black_frames" in quality:
        black, plain = (round(quality[name]) for name in _RUINED)
        rows.append(("Empty frames", f"{black} black, {plain} of one colour", "some" if black + plain else "none"))
    return rows


def is_still(quality: Measures) -> bool:
    """Whether hardly anything moves, in a film that has more than one frame."""
    return "motion" in quality and (quality["motion"] < STILL_MOTION or quality["frozen"] >= FROZEN_SHARE)


def _motion_verdict(quality: Measures) -> str:
    if quality["frozen"] >= FROZEN_SHARE:
        return f"frozen: {quality['frozen']:.0%} of the frames equal the one before"
    bounds = (STILL_MOTION, LITTLE_MOTION, STRONG_MOTION)
    return _verdict(quality["motion"], bounds, ("still", "little", "lively", "wild"))


def _verdict(value: float, bounds: tuple[float, ...], words: tuple[str, ...]) -> str:
    """The word for the range that a value lies in; ranges begin at their lower bound."""
    return words[bisect_right(bounds, value)]
