"""An estimate without a model: one foreground, and a ground that rises into the distance.

It is no measurement. It knows two things: what was painted, or what stands out from the picture's edges, is nearer than
what is around it; and on most photos the lower parts are nearer. A painted outline is cut out, a guessed one is a soft
relief. Where nothing stands out clearly it says so.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.context import Way
from pipeline.depth.depth_map import Depth, Nearness
from pipeline.frames import Frame, Mask

LOOK_SIDE = 320
"""Longer side, in pixels, of the picture in which a foreground is looked for."""

HORIZON, FAR, NEAR = 0.35, 0.1, 0.5
"""Where the ground begins, as a fraction of the height, and the nearness there and at the lower edge."""

STANDS_OUT, AT_LEAST = 0.15, 0.55
"""How much nearer a foreground is than the ground at its lowest point, and how near it is in any case."""

SOFT = 0.05
"""Standard deviation, as a fraction of the longer side, by which the depth of a guessed outline is softened."""

AREA = (0.03, 0.6)
"""The part of the picture that a foreground may cover."""

ENOUGH = 0.5
"""Confidence, 0 to 1, from which a foreground is used."""

Bools = NDArray[np.bool_]


def estimate_depth(image: Frame, painted: Sequence[Mask] = ()) -> Depth | None:
    """Estimate the depth of an image: its `painted` areas (masks of its size) are near, else what stands out.

    Returns None where nothing was painted and nothing stands out. Deterministic; takes about a second.
    """
    areas = [mask > 127 for mask in painted if (mask > 127).any()]
    if areas:
        reason = "Depth is estimated: foreground and ground only, from the painted area."
        return Depth(_scene(image, areas), Way("painted", reason))
    found = find_foreground(image)
    if found is None:
        return None
    reason = (
        f"Depth is estimated: foreground and ground only. What stands out, {100 * found.mean():.0f}% of the picture, "
        "is taken as near: paint over what is near, or give a depth map, to change it."
    )
    return Depth(_relief(_scene(image, [_widened(found)])), Way("estimated", reason), is_guessed=True)


def _scene(image: Frame, areas: Sequence[Bools]) -> Nearness:
    """Flat things that stand on a ground, each as near as the ground under it or a little nearer."""
    height, width = image.shape[:2]
    down = (np.arange(height, dtype=np.float32) + 0.5) / height
    ground = FAR + (NEAR - FAR) * np.clip((down - HORIZON) / (1 - HORIZON), 0, 1)
    nearness = np.repeat(ground[:, None], width, axis=1)
    for area in areas:
        foot = ground[np.flatnonzero(area.any(axis=1))[-1]]
        nearness[area] = np.maximum(nearness[area], max(foot + STANDS_OUT, AT_LEAST))
    return np.asarray(nearness, np.float32)


def _widened(area: Bools) -> Bools:
    """The area with a margin as wide as `_relief` softens."""
    side = 2 * round(SOFT * max(area.shape)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(area.astype(np.uint8), kernel) > 0, np.bool_)


def _relief(nearness: Nearness) -> Nearness:
    """The same depth without steps: an outline that is a guess must bend where a cut would tear things apart."""
    return np.asarray(cv2.GaussianBlur(nearness, (0, 0), SOFT * max(nearness.shape)), np.float32)


def find_foreground(image: Frame) -> Bools | None:
    """What stands out from the colours along the picture's edges, in the image's size; None where that is unsure."""
    height, width = image.shape[:2]
    factor = min(LOOK_SIDE / max(height, width), 1.0)
    size = (round(width * factor), round(height * factor))
    if min(size) < 32:
        return None
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    area = _cut_out(small, _salience(small))
    if area is None or _confidence(small, area) < ENOUGH:
        return None
    soft = cv2.resize(area.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(soft > 0.5, np.bool_)


def _salience(image: Frame) -> NDArray[np.float32]:
    """How unlike the picture's borders each pixel is, 0 to 1, more so towards the middle.

    The distance in Lab to the nearest of the colours along the upper, left and right border, as in the boundary prior
    of Wei et al., "Geodesic Saliency Using Background Priors" (2012); the lower border often cuts a subject.
    """
    lab = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2Lab), (0, 0), 1.5).astype(np.float32)
    height, width = lab.shape[:2]
    edge = max(min(height, width) // 25, 2)
    border = np.concatenate(
        [each.reshape(-1, 3) for each in (lab[:edge], lab[: height * 3 // 4, :edge], lab[: height * 3 // 4, -edge:])]
    )
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    labels = (np.arange(len(border)) * 8 // len(border)).astype(np.int32)[:, None]
    _, _, colours = cv2.kmeans(border, 8, labels, criteria, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    unlike = np.min([np.linalg.norm(lab - colour, axis=2) for colour in colours], axis=0)
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    middle = np.exp(-(x**2 + (y - 0.15) ** 2) / 0.7)
    shown = cv2.GaussianBlur((unlike * middle).astype(np.float32), (0, 0), 2)
    return np.asarray(shown / max(float(shown.max()), 1e-6), np.float32)


def _cut_out(image: Frame, salience: NDArray[np.float32]) -> Bools | None:
    """GrabCut (Rother et al., 2004) from what is salient; the largest piece, without holes."""
    threshold, _ = cv2.threshold(np.rint(salience * 255).astype(np.uint8), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    level = threshold / 255
    trimap = np.full(salience.shape, cv2.GC_PR_BGD, np.uint8)
    trimap[salience > level] = cv2.GC_PR_FGD
    trimap[salience > 0.5 * (1 + level)] = cv2.GC_FGD
    edge = max(min(salience.shape) // 40, 1)
    trimap[:edge], trimap[:, :edge], trimap[:, -edge:] = cv2.GC_BGD, cv2.GC_BGD, cv2.GC_BGD
    inside = (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)
    if inside.mean() < AREA[0] / 2 or inside.mean() > 0.8:
        return None
    cv2.setRNGSeed(0)  # its mixture models start from k-means
    cv2.grabCut(image, trimap, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    area = ((trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)).astype(np.uint8)
    area = cv2.morphologyEx(area, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    count, labels, facts, _ = cv2.connectedComponentsWithStats(area)
    if count < 2:
        return None
    sizes = facts[1:, cv2.CC_STAT_AREA]
    largest = labels == 1 + int(sizes.argmax())
    return _without_holes(largest) if sizes.max() > 0.7 * sizes.sum() else None


def _without_holes(area: Bools) -> Bools:
    outlines, _ = cv2.findContours(area.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros(area.shape, np.uint8), outlines, -1, 1, cv2.FILLED)
    return np.asarray(filled > 0, np.bool_)


def _confidence(image: Frame, area: Bools) -> float:
    """How sure it is that an area is one thing before another: 0 to 1.

    Its outline should lie on edges of the picture, be short for its area, and its colours should not be those around.
    """
    share = float(area.mean())
    if not AREA[0] <= share <= AREA[1]:
        return 0.0
    lab = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2Lab), (0, 0), 1.0).astype(np.float32)
    across, down = (np.asarray(cv2.Sobel(lab, cv2.CV_32F, dx, 1 - dx)) for dx in (1, 0))
    steps = np.sqrt((across**2 + down**2).sum(axis=2))
    kernel = np.ones((3, 3), np.uint8)
    rim = cv2.dilate(area.astype(np.uint8), kernel) != cv2.erode(area.astype(np.uint8), kernel)
    inner_rim = rim.copy()
    inner_rim[[0, -1]], inner_rim[:, [0, -1]] = False, False
    if not inner_rim.any():
        return 0.0
    on_edges = float(np.median(steps[inner_rim])) / max(float(np.median(steps[~rim])), 1.0)
    outlines, _ = cv2.findContours(area.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(each, closed=True) for each in outlines)
    compact = 4 * np.pi * float(area.sum()) / max(length, 1.0) ** 2
    marks = (on_edges / 5, compact / 0.2, _apart(lab, area) / 0.7)
    return float(np.prod([min(mark, 1.0) for mark in marks]))


def _apart(lab: NDArray[np.float32], area: Bools) -> float:
    """Hellinger distance of the colours inside an area from those around it: 0 the same, 1 none in common."""
    side = max(lab.shape[:2]) // 8
    around = (cv2.dilate(area.astype(np.uint8), np.ones((side, side), np.uint8)) > 0) & ~area
    counts = []
    for part in (area, around):
        bins = (lab[part] / (256 / 12)).astype(np.intp)
        found = np.bincount(bins @ np.array([144, 12, 1]), minlength=12**3).astype(np.float64)
        counts.append(np.sqrt(found / max(found.sum(), 1.0)))
    return float(np.sqrt(max(1 - counts[0] @ counts[1], 0.0)))
