"""Automatic regions: an area for each kind, or one sentence that says why there is none."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.engines.motion.areas.fire import find_fire
from pipeline.engines.motion.areas.foliage import find_crowns, find_grass, find_leaves
from pipeline.engines.motion.areas.look import Look, look_at, to_plate
from pipeline.engines.motion.areas.sky import Sky, cloudiness, count_stars, find_sky
from pipeline.engines.motion.areas.water import Found, find_water
from pipeline.frames import Frame, Mask
from pipeline.motion_plan import RegionKind

ENOUGH = 0.35
"""Confidence from which an area is used."""

CLOUDS_BEGIN = 0.9
"""Deviation of L* from which a sky has clouds that can be seen to move."""

STARS_BEGIN = 6
"""Points of light from which a dark sky is starry."""

NAMES = {
    RegionKind.WATER: "water",
    RegionKind.CLOUDS: "a sky",
    RegionKind.FIRE: "flames",
    RegionKind.LEAVES: "foliage",
    RegionKind.FALLING_LEAVES: "a tree",
    RegionKind.GRASS: "grass",
    RegionKind.STARS: "a starry sky",
}
"""What is looked for, in the words of the sentences below."""

BRUSH_ONLY = {
    RegionKind.HAIR: "Hair cannot be found without a model: paint over the hair with the brush.",
    RegionKind.SMOKE: "Smoke cannot be found without a model: paint over the smoke with the brush.",
    RegionKind.DRIFT: "Nothing says where it is to drift: paint over the area with the brush.",
}
"""Kinds that have no look of their own."""


@dataclass(frozen=True)
class FoundArea:
    """The area found for a kind, or why there is none.

    `mask` has the plate's size and is None where nothing was found with enough confidence (0 to 1). `reason` is one
    sentence for the user.
    """

    mask: Mask | None
    confidence: float
    reason: str


def find_area(plate: Frame, kind: RegionKind) -> FoundArea:
    """Find the area of `plate` that `kind` would move, from its colours, textures and place; takes about half a second.

    It is an estimate made without any model: where it is not sure, it says so and leaves the picture to the brush.
    """
    if kind in BRUSH_ONLY:
        return FoundArea(None, 0.0, BRUSH_ONLY[kind])
    if min(plate.shape[:2]) < 16:
        return FoundArea(
            None, 0.0, f"The picture is too small to find {NAMES[kind]} in it: paint over it with the brush."
        )
    look = look_at(plate)
    sky = find_sky(look)
    if kind in (RegionKind.CLOUDS, RegionKind.STARS):
        return _in_the_sky(plate, look, sky, kind)
    found = _SEARCHES[kind](look, sky)
    if found.confidence < ENOUGH:
        return _not_found(kind, found.confidence)
    return _found(plate, found, f"Found {NAMES[kind]} by colour and texture")


_SEARCHES: dict[RegionKind, Callable[[Look, Sky], Found]] = {
    RegionKind.WATER: find_water,
    RegionKind.LEAVES: find_leaves,
    RegionKind.FALLING_LEAVES: find_crowns,
    RegionKind.GRASS: find_grass,
    RegionKind.FIRE: find_fire,
}


def _in_the_sky(plate: Frame, look: Look, sky: Sky, kind: RegionKind) -> FoundArea:
    if sky.confidence < ENOUGH:
        return _not_found(kind, sky.confidence)
    found = Found(sky.area, sky.confidence)
    if kind is RegionKind.STARS:
        stars = count_stars(look, sky)
        if stars < STARS_BEGIN:
            return FoundArea(
                None, 0.1, "The sky in this picture shows no stars: paint over the lights that should twinkle."
            )
        return _found(plate, found, f"Found the sky with {stars} stars or more")
    if cloudiness(look, sky) < CLOUDS_BEGIN:
        return FoundArea(
            None, 0.1, "The sky in this picture is clear, without clouds to move: paint over what should drift."
        )
    return _found(plate, found, "Found the sky with its clouds")


def _found(plate: Frame, found: Found, what: str) -> FoundArea:
    share = 100.0 * float(np.mean(found.area))
    return FoundArea(
        to_plate(found.area, plate),
        found.confidence,
        f"{what}, {share:.0f}% of the picture: paint over the area with the brush to change it.",
    )


def _not_found(kind: RegionKind, confidence: float) -> FoundArea:
    return FoundArea(
        None, confidence, f"I could not find {NAMES[kind]} in this picture: paint over the area with the brush."
    )
