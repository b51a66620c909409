"""What lies behind: the picture goes on where something is taken out of it.

Far from the edge of the hole the colours around it spread smoothly, for that is seldom seen. Near the edge, where the
moving foreground uncovers it, the hole is filled with texture: every patch that touches it becomes like its nearest
patch among the known ones (Wexler, Shechtman and Irani, "Space-Time Completion of Video", 2007), found by random
search and spread to neighbours (Barnes et al., "PatchMatch", 2009), from coarse to fine. The correspondence that the
finest of these levels ends with is then followed at full size, so the texture is as sharp as the picture.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame

Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]
Floats = NDArray[np.float32]

SEARCH_SIDE = 320
"""Longer side, in pixels, of the finest level that patches are searched on."""

LEVELS = 3
"""Levels of the search, each half the size of the next."""

ROUNDS = 4
"""Rounds of search and reconstruction on a level."""

REACH = 3
"""Half the side of a patch, without its centre: patches of 7 x 7."""

PATCH = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)

NEARBY = 24.0
"""Difference of colour (of 255) that a source half the picture away must make up for: what is near is likelier."""

FEWEST = 16
"""Whole patches that there must be for a search."""

TRUST = 1.3
"""How much less a patch counts for every pixel that it lies deeper in the hole (Wexler et al., section 3.2)."""


def spread(values: Floats, known: Bools) -> Floats:
    """Values at the known places as they are, elsewhere a smooth continuation (push and pull over a pyramid).

    `values` has the shape (height, width) or (height, width, channels). Without a known place, all zeros.
    """
    weight = known.astype(np.float32)
    shaped = weight if values.ndim == 2 else weight[..., None]
    filled = _pulled(np.where(shaped > 0, values, 0).astype(np.float32), weight)
    return np.asarray(np.where(shaped > 0, values, filled), np.float32)


def _pulled(summed: Floats, weight: Floats) -> Floats:
    """Weighted sums divided by their weights, the missing ones from coarser levels."""
    shaped = weight if summed.ndim == 2 else weight[..., None]
    own = summed / np.maximum(shaped, 1e-6)
    if max(weight.shape) <= 1 or weight.min() > 0.99:
        return np.asarray(own, np.float32)
    below = np.asarray(cv2.pyrDown(summed), np.float32), np.asarray(cv2.pyrDown(weight), np.float32)
    coarse = _pulled(*below)
    size = (weight.shape[1], weight.shape[0])
    beyond = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR).reshape(summed.shape)
    share = np.clip(shaped, 0, 1)
    return np.asarray(own * share + beyond * (1 - share), np.float32)


def fill(image: Frame, hole: Bools, band: float, seed: int = 0, shunned: Bools | None = None) -> Frame:
    """The image with `hole` filled from what is around it: sharp up to `band` pixels from its edge, else coarsely.

    `shunned` is what must lend neither colour nor texture: the foreground itself, of which the hole is the part near
    its outline; depth in the hole is counted from its outside. The same arguments give the same picture. A hole that
    leaves no whole patch is filled smoothly.
    """
    closed = hole if shunned is None else hole | shunned
    if not hole.any() or closed.all():
        return image
    start = np.rint(spread(image.astype(np.float32), ~closed)).astype(np.uint8)
    inside = cv2.distanceTransform(closed.astype(np.uint8), cv2.DIST_L2, 5)
    wanted = hole & (inside <= band)
    field, colours = _search(start, closed, hole, wanted, seed)
    if field is None:
        return np.where(hole[..., None], start, image)
    height, width = hole.shape
    base = cv2.resize(colours, (width, height), interpolation=cv2.INTER_CUBIC)
    detail = _followed(image, wanted, field)
    return np.asarray(np.where(hole[..., None], np.rint(np.clip(base + detail, 0, 255)), image), np.uint8)


@dataclass(frozen=True)
class _Field:
    """For the pixels (rows, columns) of a level of `shape`, those that they become like."""

    rows: Indices
    columns: Indices
    from_rows: Indices
    from_columns: Indices
    shape: tuple[int, int]


def _search(start: Frame, closed: Bools, hole: Bools, wanted: Bools, seed: int) -> tuple[_Field | None, Floats]:
    """The correspondence on the finest level and that level filled; None where no whole patch is left to take.

    The coarser levels fill the whole hole; the finest, which costs the most, only the `wanted` part. Nothing is taken
    from what is `closed`.
    """
    height, width = hole.shape
    finest = min(SEARCH_SIDE / max(height, width), 1.0)
    random, field, colours = np.random.default_rng(seed), None, start.astype(np.float32)
    for level in reversed(range(LEVELS)):
        size = (round(width * finest / 2**level), round(height * finest / 2**level))
        if min(size) < 4 * REACH:
            continue
        asked = _shrunk(hole if level else wanted, size) > 0
        barred = _shrunk(closed, size) > 0
        whole = _interior(cv2.erode((~barred).astype(np.uint8), PATCH) > 0)
        if whole.sum() < FEWEST or not asked.any():
            continue
        picture = cv2.resize(start, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        if field is not None:
            picture = np.where(barred[..., None], cv2.resize(colours, size, interpolation=cv2.INTER_LINEAR), picture)
        deep = np.asarray(cv2.distanceTransform(barred.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
        field, colours = _level(picture, asked, whole, field, (random, deep))
    return field, colours


def _interior(mask: Bools) -> Bools:
    """The mask without the places whose patch would stick out of the picture."""
    inner = np.zeros_like(mask)
    inner[REACH:-REACH, REACH:-REACH] = mask[REACH:-REACH, REACH:-REACH]
    return inner


def _shrunk(mask: Bools, size: tuple[int, int]) -> Floats:
    return np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)


def _level(
    picture: Floats, asked: Bools, whole: Bools, coarser: _Field | None, given: tuple[np.random.Generator, Floats]
) -> tuple[_Field, Floats]:
    """Search and reconstruct on one level. Returns the correspondence and the picture with its hole filled.

    `given` are the random numbers, and how deep in the hole every pixel lies.
    """
    random, deep = given
    touching = _interior(cv2.dilate(asked.astype(np.uint8), PATCH) > 0)
    rows, columns = np.nonzero(touching)
    choices = np.flatnonzero(whole)
    start = random.choice(choices, len(rows))
    best = np.stack(np.divmod(start, whole.shape[1]), axis=1)
    if coarser is not None:
        best = _inherited(coarser, rows, columns, whole, best)
    number = np.full(whole.shape, -1)
    number[rows, columns] = np.arange(len(rows))
    trust = TRUST ** -deep[rows, columns]
    for _ in range(ROUNDS if coarser is not None else 3 * ROUNDS):
        best = _improved(picture, (rows, columns), number, best, whole, random)
        picture = _voted(picture, asked, (rows, columns), best, trust)
    return _Field(rows, columns, best[:, 0], best[:, 1], whole.shape), picture


def _inherited(coarser: _Field, rows: Indices, columns: Indices, whole: Bools, start: Indices) -> Indices:
    """The correspondence of the coarser level on this one, where it leads to a whole patch."""
    table = np.full((*coarser.shape, 2), -1)
    table[coarser.rows, coarser.columns, 0] = coarser.from_rows
    table[coarser.rows, coarser.columns, 1] = coarser.from_columns
    across = np.minimum(columns * coarser.shape[1] // whole.shape[1], coarser.shape[1] - 1)
    down = np.minimum(rows * coarser.shape[0] // whole.shape[0], coarser.shape[0] - 1)
    there = table[down, across]
    factor = np.array([whole.shape[0] / coarser.shape[0], whole.shape[1] / coarser.shape[1]])
    moved = np.rint((there - np.stack([down, across], 1)) * factor).astype(np.intp) + np.stack([rows, columns], 1)
    fits = (there[:, 0] >= 0) & _inside(moved, whole)
    return np.where(fits[:, None], moved, start)


def _inside(places: Indices, whole: Bools) -> Bools:
    height, width = whole.shape
    valid = (places[:, 0] >= 0) & (places[:, 0] < height) & (places[:, 1] >= 0) & (places[:, 1] < width)
    clipped = np.clip(places, 0, (height - 1, width - 1))
    return np.asarray(valid & whole[clipped[:, 0], clipped[:, 1]], np.bool_)


def _improved(
    picture: Floats,
    places: tuple[Indices, Indices],
    number: NDArray[np.int_],
    best: Indices,
    whole: Bools,
    random: np.random.Generator,
) -> Indices:
    """One round of PatchMatch, all pixels at once: what neighbours found, then random places ever closer."""
    here = np.stack(places, axis=1)
    targets = _patches(picture, here)
    cost = _distance(targets, _patches(picture, best)) + _farness(best - here, whole)
    steps = [(dy * jump, dx * jump) for jump in (8, 3, 1) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))]
    for step in steps:
        beside = np.clip(here + step, 0, (whole.shape[0] - 1, whole.shape[1] - 1))
        whose = number[beside[:, 0], beside[:, 1]]
        offered = best[whose] - step
        best, cost = _better(picture, (targets, here), best, cost, np.where((whose >= 0)[:, None], offered, -1), whole)
    radius = max(whole.shape) / 2
    while radius >= 1:
        offered = best + np.rint(random.uniform(-radius, radius, best.shape)).astype(np.intp)
        best, cost = _better(picture, (targets, here), best, cost, offered, whole)
        radius /= 2.5
    return best


def _better(
    picture: Floats, wanted: tuple[Floats, Indices], best: Indices, cost: Floats, offered: Indices, whole: Bools
) -> tuple[Indices, Floats]:
    """What is offered, where it is valid and costs less. `wanted` are the patches to be matched and their places."""
    targets, here = wanted
    valid = np.flatnonzero(_inside(offered, whole))
    new = _distance(targets[valid], _patches(picture, offered[valid])) + _farness((offered - here)[valid], whole)
    won = new < cost[valid]
    best, cost = best.copy(), cost.copy()
    best[valid[won]], cost[valid[won]] = offered[valid[won]], new[won]
    return best, cost


def _farness(steps: Indices, whole: Bools) -> Floats:
    """What it costs to take something from that many pixels away."""
    ways = (steps.astype(np.float32) ** 2).sum(axis=1) / (max(whole.shape) / 2) ** 2
    return np.asarray(ways * NEARBY**2 * PATCH.size * 3, np.float32)


def _patches(picture: Floats, places: Indices) -> Floats:
    """The patches around places, shape (places, patch pixels * channels)."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, (2 * REACH + 1, 2 * REACH + 1), axis=(0, 1))
    found = windows[places[:, 0] - REACH, places[:, 1] - REACH]
    return np.asarray(found.reshape(len(places), windows[0, 0].size), np.float32)


def _distance(one: Floats, other: Floats) -> Floats:
    gap = one - other
    return np.asarray(np.einsum("ij,ij->i", gap, gap), np.float32)


def _voted(picture: Floats, asked: Bools, places: tuple[Indices, Indices], best: Indices, trust: Floats) -> Floats:
    """Every asked pixel becomes the mean of what the patches over it say, the better ones counting more."""
    here = np.stack(places, axis=1)
    cost = _distance(_patches(picture, here), _patches(picture, best))
    votes = trust * np.exp(-cost / (2 * max(float(np.quantile(cost, 0.75)), 1.0)))
    summed = np.zeros(picture.shape, np.float64)
    weight = np.zeros(picture.shape[:2], np.float64)
    for dy in range(-REACH, REACH + 1):
        for dx in range(-REACH, REACH + 1):
            # A pixel stands in the list once, so plain indexed addition loses nothing.
            summed[places[0] + dy, places[1] + dx] += votes[:, None] * picture[best[:, 0] + dy, best[:, 1] + dx]
            weight[places[0] + dy, places[1] + dx] += votes
    mean = summed / np.maximum(weight, 1e-12)[..., None]
    return np.asarray(np.where((asked & (weight > 0))[..., None], mean, picture), np.float32)


def _followed(image: Frame, wanted: Bools, field: _Field) -> Floats:
    """What the finest level is too coarse to show, for the wanted pixels, from where their places there lead."""
    height, width = wanted.shape
    offsets = np.zeros((*field.shape, 3), np.float32)
    offsets[field.rows, field.columns, 0] = (field.from_columns - field.columns) * (width / field.shape[1])
    offsets[field.rows, field.columns, 1] = (field.from_rows - field.rows) * (height / field.shape[0])
    offsets[field.rows, field.columns, 2] = 1
    steps = np.asarray(cv2.resize(offsets, (width, height), interpolation=cv2.INTER_NEAREST), np.float32)
    coarse = cv2.resize(image, (field.shape[1], field.shape[0]), interpolation=cv2.INTER_AREA)
    detail = image.astype(np.float32) - cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    copied = cv2.remap(
        detail, x + steps[..., 0], y + steps[..., 1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(np.where((wanted & (steps[..., 2] > 0))[..., None], copied, 0), np.float32)
