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

LARGEST_GAIN = 2.0
"""Detail that a blend has weakened is strengthened by this at most."""

WINDOW = 9
"""Side in pixels of the window in which detail is measured."""

_NEIGHBOURHOOD = 5
FINE = 5
_FLAT = np.float32(0.1)
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


def blended(look: Look, t: float, salient: bool) -> Frame:
    """One picture of what both pictures show at time `t`.

    `salient`: the pictures have nothing in common, and in each place the one with more detail counts more.
    """
    detail0, detail1 = _detail(look.colours0), _detail(look.colours1)
    insides = look.inside0, look.inside1
    share = _share(t, insides, _unlikeness(look), (detail0, detail1) if salient else None)
    mixed = look.colours0 + _on_colours(share) * (look.colours1 - look.colours0)
    kept = (1.0 - share) * detail0 + share * detail1
    return _strengthened(mixed, kept)


def _unlikeness(look: Look) -> _Plane:
    """How much both ends differ around each pixel, in 8-bit levels; nothing is known where one lies outside."""
    difference = cv2.cvtColor(cv2.absdiff(look.colours0, look.colours1), cv2.COLOR_RGB2GRAY)
    known = np.minimum(look.inside0, look.inside1)
    return np.asarray(cv2.blur(difference * known, (_NEIGHBOURHOOD, _NEIGHBOURHOOD)), np.float32)


def _share(t: float, insides: tuple[_Plane, _Plane], unlike: _Plane, details: tuple[_Plane, _Plane] | None) -> _Plane:
    """The share of the second picture, 0 to 1."""
    if details is None:
        speed = DECISION - (DECISION - 1.0) * np.exp(-unlike / np.float32(UNLIKENESS))
        odds0, odds1 = (1.0 - t) ** speed, t**speed
    else:
        odds0, odds1 = (1.0 - t) * np.sqrt(details[0] + 1.0), t * np.sqrt(details[1] + 1.0)
    share = odds1 / (odds0 + odds1)
    # Towards the border of one picture, the other takes over if it goes on there.
    farther = np.maximum(np.maximum(*insides), _FAINTEST)
    inside0, inside1 = insides[0] / farther, insides[1] / farther
    to_second, to_first = inside1 * (1.0 - inside0), inside0 * (1.0 - inside1)
    return np.asarray(share + (1.0 - share) * to_second - share * to_first, np.float32)


def _detail(colours: _Colours) -> _Plane:
    """Energy of the luma's fine detail around each pixel."""
    luma = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
    fine = luma - cv2.GaussianBlur(luma, (FINE, FINE), 0.0)
    return np.asarray(cv2.blur(fine * fine, (WINDOW, WINDOW)), np.float32)


def _strengthened(mixed: _Colours, kept: _Plane) -> Frame:
    """The picture with detail of the energy `kept`, where it has less."""
    gain = np.sqrt((kept + _FLAT) / (_detail(mixed) + _FLAT)).clip(1.0, LARGEST_GAIN)
    base = cv2.GaussianBlur(mixed, (FINE, FINE), 0.0)
    stronger = base + _on_colours(gain) * (mixed - base)
    return np.asarray(np.clip(np.rint(stronger), 0, 255), np.uint8)


def _on_colours(weights: _Plane) -> _Colours:
    return np.asarray(cv2.merge((weights, weights, weights)), np.float32)
