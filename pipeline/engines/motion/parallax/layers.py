"""A picture with depth, taken apart into layers that lie behind each other.

The cuts are put at those depths at which most of the picture's steps lie and the fewest slopes: a person before a wall
is cut out, a floor is left whole where it can be. Layers are lifted off from near to far. What is behind a layer is
filled in (fill.py), and the layer gets the colours that must be laid over it to give the picture again, so the layers
together are the picture. Within a layer the depth is continuous and its slopes are limited, so nothing
folds when the layer is bent.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.depth.depth_map import JUMP, Nearness
from pipeline.engines.motion.parallax.fill import Bools, Floats, fill, spread
from pipeline.frames import Frame

MOST_CUTS = 3
"""Cuts at most: every layer costs a warp a frame."""

LOOK_SIDE = 320
"""Longer side, in pixels, of the map in which the cuts are looked for."""

LEVELS = 64
"""Depths that are considered for a cut."""

SLOPE_COUNTS = 0.25
"""How much a pair of pixels on a slope counts against a cut, of what a pair across a step counts for it."""

LEAST_EDGE = 0.1
"""Length of the steps at a cut, in shorter sides of the picture, from which it is worth a layer."""

MATTE_RADIUS = 0.004
"""Half the width of a layer's soft edge, as a fraction of the picture's longer side."""

MATTE_CONTRAST = 1e-4
"""The guided filter's epsilon for soft edges: much smaller than for depth, to follow hair and grass."""

LEAST_ALPHA = 4
"""Alpha, of 255, from which the colour of a pixel of a layer can be told from what it adds to the picture."""

CELL = 4
"""Pixels of the plate for each value of a layer's depth."""

GENTLE = 0.5
"""Most that the displacement may change from pixel to pixel within a layer: below 1 nothing folds."""


@dataclass(frozen=True)
class Layer:
    """One layer: `pixels` is uint8 (height, width, 4), RGB and alpha, or (height, width, 3) for the last one.

    The colours go on where alpha is 0, so that both can be sharpened and enlarged without a rim.

    `nearness` has a value for every CELL x CELL pixels.
    """

    pixels: NDArray[np.uint8]
    nearness: Nearness


def find_cuts(nearness: Nearness) -> tuple[float, ...]:
    """The nearness of each cut, falling; empty where the picture has no steps in depth."""
    factor = min(LOOK_SIDE / max(nearness.shape), 1.0)
    size = (max(round(nearness.shape[1] * factor), 2), max(round(nearness.shape[0] * factor), 2))
    small = cv2.resize(nearness, size, interpolation=cv2.INTER_NEAREST)
    pairs = [(small[:, :-2], small[:, 2:]), (small[:-2], small[2:])]
    low = np.concatenate([np.minimum(*pair).ravel() for pair in pairs])
    high = np.concatenate([np.maximum(*pair).ravel() for pair in pairs])
    steps = high - low > JUMP
    against = SLOPE_COUNTS * _straddled(low[~steps], high[~steps])
    low, high = low[steps], high[steps]
    cuts: list[float] = []
    while len(cuts) < MOST_CUTS:
        gained = _straddled(low, high)
        worth = np.where(gained >= 2 * LEAST_EDGE * min(small.shape), gained - against, -1.0)
        if worth.max() <= 0:
            break
        best = np.flatnonzero(worth > 0.95 * worth.max())
        run = best[: _first_run(best)]
        cuts.append((float(run.mean()) + 0.5) / LEVELS)
        left = (low > cuts[-1]) | (high <= cuts[-1])
        low, high = low[left], high[left]
    return tuple(sorted(cuts, reverse=True))


def _first_run(numbers: NDArray[np.intp]) -> int:
    """How many numbers follow each other from the first one on."""
    gaps = np.flatnonzero(np.diff(numbers) > 1)
    return int(gaps[0]) + 1 if gaps.size else len(numbers)


def _straddled(low: Floats, high: Floats) -> NDArray[np.float64]:
    """For each of LEVELS, from the middle of the lowest to that of the highest, how many pairs it lies between."""
    first = np.clip(np.ceil(low * LEVELS - 0.5), 0, LEVELS).astype(np.intp)
    past = np.clip(np.ceil(high * LEVELS - 0.5), 0, LEVELS).astype(np.intp)
    change = np.bincount(first, minlength=LEVELS + 1) - np.bincount(past, minlength=LEVELS + 1)
    return np.asarray(np.cumsum(change)[:LEVELS], np.float64)


def take_apart(plate: Frame, nearness: Nearness, reach: float, seed: int = 0) -> tuple[Layer, ...]:
    """The layers of a plate from near to far, one more than there are cuts.

    `reach` is the way in pixels of the plate that a difference of 1 in nearness moves things by over the clip.
    """
    layers = []
    lifted = np.zeros(nearness.shape, np.bool_)
    for number, cut in enumerate(find_cuts(nearness)):
        mask = nearness > cut
        if not mask.any() or mask.all():
            continue
        away = _from_steps(nearness, mask)
        alpha = np.where(mask | (away <= 2 * _matte_radius(plate)), soft_edge(mask, plate), np.uint8(0))
        hidden = alpha > 0
        lifted |= hidden
        uncovered = float(np.ptp(nearness)) * reach + 2 * _matte_radius(plate)
        filled = fill(plate, hidden & (away <= 1.3 * uncovered), uncovered, seed + number, lifted)
        behind = _explaining(plate, filled, alpha)
        layers.append(Layer(_lifted(plate, behind, alpha), _continued(nearness, mask, reach)))
        farther = np.minimum(spread(nearness, ~hidden), cut).astype(np.float32)
        plate, nearness = behind, np.where(hidden, farther, nearness)
    layers.append(Layer(plate, _continued(nearness, np.ones(nearness.shape, np.bool_), reach)))
    return tuple(layers)


def _from_steps(nearness: Nearness, mask: Bools) -> Floats:
    """How far each pixel is from where the mask's outline is a step in depth; infinite where it is none.

    Where a floor runs on from one layer to the next both move alike: nothing is uncovered, and nothing needs filling.
    """
    kernel = np.ones((5, 5), np.uint8)
    step = cv2.dilate(nearness, kernel) - cv2.erode(nearness, kernel) > JUMP / 2
    outline = (cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~mask & step
    if not outline.any():
        return np.full(nearness.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 5), np.float32)


def soft_edge(mask: Bools, image: Frame) -> NDArray[np.uint8]:
    """The mask with an edge as soft as the image's own (0 to 255): outwards, in a narrow band, by a guided filter.

    Inside the mask nothing shines through: what is behind would have to have the foreground's colours there.
    """
    radius = _matte_radius(image)
    hard = mask.astype(np.float32)
    if min(mask.shape) <= 4 * radius:
        return np.asarray(mask.astype(np.uint8) * 255, np.uint8)
    matte = cv2.ximgproc.guidedFilter(image.astype(np.float32) / 255, hard, radius, MATTE_CONTRAST)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    band = (cv2.dilate(hard, kernel) > 0) & ~mask
    return np.asarray(np.rint(np.where(band, np.clip(matte * 1.2 - 0.1, 0, 1), hard) * 255), np.uint8)


def _matte_radius(image: Frame) -> int:
    height, width = image.shape[:2]
    return max(round(MATTE_RADIUS * max(int(height), int(width))), 2)


def _explaining(plate: Frame, behind: Frame, alpha: NDArray[np.uint8]) -> Frame:
    """What is behind, changed as little as possible so that some colour laid over it by `alpha` gives the plate."""
    through = (255 - alpha.astype(np.float32))[..., None] / 255
    low = (plate - 255 * (1 - through)) / np.maximum(through, 1e-6)
    high = plate / np.maximum(through, 1e-6)
    fitting = np.clip(behind.astype(np.float32), np.ceil(low - 1e-3), np.floor(high + 1e-3))
    return np.asarray(np.where(through > 0, np.clip(fitting, 0, 255), behind), np.uint8)


def _lifted(plate: Frame, behind: Frame, alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colours that give the plate where they lie over `behind` by `alpha`, continued where there are none."""
    share = alpha.astype(np.float32)[..., None] / 255
    under = behind.astype(np.float32)
    own = under + (plate - under) / np.maximum(share, 1 / 255)
    colours = np.where(share == 1, plate, spread(np.clip(own, 0, 255), alpha >= LEAST_ALPHA))
    return np.asarray(np.dstack([np.rint(colours), alpha]), np.uint8)


def dimmed(picture: Frame, alpha: NDArray[np.uint8]) -> Frame:
    """What is left of a picture under a layer of this alpha."""
    return np.asarray(cv2.multiply(picture, cv2.merge([255 - alpha] * 3), scale=1 / 255), np.uint8)


def _continued(nearness: Nearness, mask: Bools, reach: float) -> Nearness:
    """The depth of a layer beyond its own mask, in cells: continued from its edge, smoothed, its slopes limited."""
    height, width = nearness.shape
    size = (max(-(-width // CELL), 2), max(-(-height // CELL), 2))
    share = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    summed = cv2.resize(np.where(mask, nearness, 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    own = np.where(share > 0, summed / np.maximum(share, 1e-6), 0).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(spread(own, share > 0), (0, 0), 2.0), np.float32)
    return _limited(smooth, GENTLE * CELL / max(reach, 1e-6))


def _limited(values: Floats, step: float) -> Floats:
    """The least map above `values` that changes by at most `step` from cell to cell."""
    rounds = min(int(np.ptp(values) / step) + 1, max(values.shape))
    straight, kernel = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)), np.ones((3, 3), np.uint8)
    for number in range(rounds):
        # Crosses and squares in turn make octagons, which are rounder than either.
        grown = cv2.dilate(values, kernel if number % 2 else straight) - step
        values = np.maximum(values, grown)
    return np.asarray(values, np.float32)
