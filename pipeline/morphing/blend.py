"""Two pictures of what is seen at one place become one, without a double image and without a loss of contrast."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame

UNLIKENESS = 8.0
"""Difference of the two ends of a motion, in 8-bit levels, at which its weight has fallen to 1/e."""

DECISION = 4.0
"""Where two pictures disagree, one passes to the other so many times as fast as where they agree."""

LARGEST_GAIN = 1.5
"""Detail that a blend has weakened is strengthened by this at most."""

WINDOW = 9
"""Side in pixels of the window in which detail is measured."""

_NEIGHBOURHOOD = 5
_FAINTEST = np.float32(1e-6)

_Plane = NDArray[np.float32]
_Colours = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """What one hypothesis of the motion shows: colours from either picture, and how far inside of it they lie."""

    colours0: _Colours
    colours1: _Colours
    inside0: _Plane
    inside1: _Plane


def blended(looks: list[Look], t: float, salient: bool) -> Frame:
    """One picture of what several hypotheses show at time `t`.

    `salient`: the pictures have nothing in common, and in each place the one with more detail counts more.
    """
    unlike = [_unlikeness(look) for look in looks]
    weights = [np.exp(-each / np.float32(UNLIKENESS)) + _FAINTEST for each in unlike]
    colours0, colours1, inside0, inside1, least = (
        _weighted(values, weights)
        for values in (
            [look.colours0 for look in looks],
            [look.colours1 for look in looks],
            [look.inside0 for look in looks],
            [look.inside1 for look in looks],
            unlike,
        )
    )
    detail0, detail1 = _detail(colours0), _detail(colours1)
    share = _share(t, (inside0, inside1), least, (detail0, detail1) if salient else None)
    mixed = colours0 + _on_colours(share) * (colours1 - colours0)
    kept = (1.0 - share) * detail0 + share * detail1
    return _strengthened(mixed, kept)


def _unlikeness(look: Look) -> _Plane:
    """How much both ends differ around each pixel, in 8-bit levels; nothing is known where one lies outside."""
    difference = cv2.cvtColor(cv2.absdiff(look.colours0, look.colours1), cv2.COLOR_RGB2GRAY)
    known = np.minimum(look.inside0, look.inside1)
    return np.asarray(cv2.blur(difference * known, (_NEIGHBOURHOOD, _NEIGHBOURHOOD)), np.float32)


def _weighted(values: list[_Plane], weights: list[_Plane]) -> _Plane:
    """The mean of what hypotheses say, each as heavy as it is likely."""
    if len(values) == 1:
        return values[0]
    total, known = np.zeros_like(values[0]), np.zeros_like(weights[0])
    for value, weight in zip(values, weights, strict=True):
        total += value * (_on_colours(weight) if value.ndim == 3 else weight)
        known += weight
    return total / (_on_colours(known) if total.ndim == 3 else known)


def _share(t: float, insides: tuple[_Plane, _Plane], unlike: _Plane, details: tuple[_Plane, _Plane] | None) -> _Plane:
    """The share of the second picture, 0 to 1."""
    if details is None:
        speed = DECISION - (DECISION - 1.0) * np.exp(-unlike / np.float32(UNLIKENESS))
        odds0, odds1 = (1.0 - t) ** speed, t**speed
    else:
        odds0, odds1 = (1.0 - t) * np.sqrt(details[0] + 1.0), t * np.sqrt(details[1] + 1.0)
    odds0, odds1 = odds0 * insides[0], odds1 * insides[1]
    return np.asarray(odds1 / (odds0 + odds1), np.float32)


def _detail(colours: _Colours) -> _Plane:
    """Variance of the luma around each pixel."""
    luma = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
    mean = cv2.blur(luma, (WINDOW, WINDOW))
    return np.maximum(cv2.blur(luma * luma, (WINDOW, WINDOW)) - mean * mean, 0.0)


def _strengthened(mixed: _Colours, kept: _Plane) -> Frame:
    """The picture with detail of the variance `kept`, where it has less."""
    gain = np.sqrt((kept + 1.0) / (_detail(mixed) + 1.0)).clip(1.0, LARGEST_GAIN)
    base = cv2.blur(mixed, (WINDOW, WINDOW))
    stronger = base + _on_colours(gain) * (mixed - base)
    return np.asarray(np.clip(np.rint(stronger), 0, 255), np.uint8)


def _on_colours(weights: _Plane) -> _Colours:
    return np.asarray(cv2.merge((weights, weights, weights)), np.float32)
