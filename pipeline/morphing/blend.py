"""Two pictures of what is seen at one place become one, without a double image and without a loss of contrast."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame

UNLIKENESS = 8.0
"""Difference of two pictures, in 8-bit levels, of which 1/e still counts as agreement."""

DECISION = 4.0
"""Where two pictures disagree, one gives way to the other so many times as fast as where they agree."""

NEIGHBOURHOOD = 5
"""Side in pixels of the window in which two pictures are compared."""

FINE = 5
"""Side in pixels of the Gaussian that fine detail stands out from."""

WINDOW = 9
"""Side in pixels of the window in which its energy is measured."""

LARGEST_GAIN = 2.0
"""Detail that a blend has weakened is strengthened by this at most."""

_FLAT = np.float32(0.1)
"""Energy of detail, in squared levels, below which there is nothing to strengthen."""

_FAINTEST = np.float32(1e-6)

_Plane = NDArray[np.float32]
_Colours = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """The same part of a view as two pictures show it.

    Colours are in 8-bit levels, shape (rows, width, 3), led over to the time of the view; `inside0` and `inside1` are 1
    where a picture is to be shown as it is and 0 from its border on, shape (rows, width).
    """

    colours0: _Colours
    colours1: _Colours
    inside0: _Plane
    inside1: _Plane


def blended(look: Look, t: float, salient: bool) -> Frame:
    """One picture of both, at time `t`, as much in detail as they are.

    `salient`: the pictures have nothing in common; both are seen, and what has more detail comes sooner and stays
    longer (after Grundland et al., "Cross dissolve without cross fade", 2006). Otherwise they show the same, and where
    they do not, each place passes quickly from one to the other.
    """
    detail0, detail1 = _detail(look.colours0), _detail(look.colours1)
    share = _salient_share(t, detail0, detail1) if salient else _decided_share(t, _unlikeness(look))
    share = _within(share, look)
    mixed = look.colours0 + _on_colours(share) * (look.colours1 - look.colours0)
    along = np.float32(t) if salient else share
    return _strengthened(mixed, (1.0 - along) * detail0 + along * detail1)


def completed(look: Look) -> tuple[Frame, Frame]:
    """Either picture, with the other one from its border on if that goes on there."""
    shares = (_within(np.full_like(look.inside0, share), look) for share in (0.0, 1.0))
    first, second = (look.colours0 + _on_colours(share) * (look.colours1 - look.colours0) for share in shares)
    return _to_frame(np.asarray(first, np.float32)), _to_frame(np.asarray(second, np.float32))


def _unlikeness(look: Look) -> _Plane:
    """How much two pictures differ around each pixel, in 8-bit levels; not at all where one shows nothing."""
    difference = cv2.cvtColor(cv2.absdiff(look.colours0, look.colours1), cv2.COLOR_RGB2GRAY)
    known = np.minimum(look.inside0, look.inside1)
    return np.asarray(cv2.blur(difference * known, (NEIGHBOURHOOD, NEIGHBOURHOOD)), np.float32)


def _decided_share(t: float, unlike: _Plane) -> _Plane:
    """The share of the second picture: `t` where they agree, and from one to the other around the middle elsewhere."""
    speed = DECISION - (DECISION - 1.0) * np.exp(-unlike / np.float32(UNLIKENESS))
    return np.asarray(1.0 / (1.0 + ((1.0 - t) / t) ** speed), np.float32)


def _salient_share(t: float, detail0: _Plane, detail1: _Plane) -> _Plane:
    """The share of the second picture, by the square root of the contrast of detail."""
    weight0, weight1 = (np.sqrt(np.sqrt(detail + 1.0)) for detail in (detail0, detail1))
    return np.asarray(t * weight1 / ((1.0 - t) * weight0 + t * weight1), np.float32)


def _within(share: _Plane, look: Look) -> _Plane:
    """The share of the second picture, such that towards the border of one the other takes over, if it goes on."""
    farther = np.maximum(np.maximum(look.inside0, look.inside1), _FAINTEST)
    inside0, inside1 = look.inside0 / farther, look.inside1 / farther
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
    return _to_frame(np.asarray(stronger, np.float32))


def _to_frame(colours: _Colours) -> Frame:
    return np.asarray(np.clip(np.rint(colours), 0, 255), np.uint8)


def _on_colours(weights: _Plane) -> _Colours:
    return np.asarray(cv2.merge((weights, weights, weights)), np.float32)
