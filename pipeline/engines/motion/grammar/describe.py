"""From a motion plan to a sentence. The sentence is itself a prompt that reads as the same movements."""

from pipeline.engines.motion.grammar.words import vocabulary
from pipeline.motion_plan import Camera, MotionPlan, Region, RegionKind

_EIGHT_WAYS = ("right", "to the upper right", "up", "to the upper left", "left", "to the lower left", "down",
               "to the lower right")  # fmt: skip
_SUBJECTS = {
    RegionKind.WATER: "water flows",
    RegionKind.CLOUDS: "clouds drift",
    RegionKind.SMOKE: "smoke drifts",
    RegionKind.FIRE: "fire burns",
    RegionKind.LEAVES: "leaves sway",
    RegionKind.FALLING_LEAVES: "leaves fall",
    RegionKind.GRASS: "grass sways",
    RegionKind.HAIR: "hair sways",
    RegionKind.STARS: "stars twinkle",
    RegionKind.DRIFT: "the painted area drifts",
}


def describe_plan(plan: MotionPlan) -> str:
    """Return one or two plain sentences that say what the plan does."""
    moves = _joined(_camera_parts(plan.camera))
    in_depth = " with parallax" if plan.camera.parallax and not plan.camera.orbit else ""
    parts = [f"{moves}{in_depth}" if moves else "the camera stands still"]
    parts += [_region_part(region) for region in plan.regions]
    parts += _fade_parts(plan)
    text = "; ".join(parts)
    sentence = f"{text[0].upper()}{text[1:]}."
    return f"{sentence} Loops seamlessly." if plan.loop else sentence


def _joined(parts: list[tuple[str, str, str]]) -> str:
    """Join (finite verb, participle, rest): the first as "zooms in ...", the others as "while panning ..."."""
    return " while ".join(f"{parts[i][min(i, 1)]} {parts[i][2]}" for i in range(len(parts)))


def _camera_parts(camera: Camera) -> list[tuple[str, str, str]]:
    parts = []
    pans = ("orbits", "orbiting") if camera.orbit else ("pans", "panning")
    if camera.zoom != 1:
        sense = "in" if camera.zoom > 1 else "out"
        parts.append(("zooms", "zooming", f"{sense} to {camera.zoom:g}x{_aimed(camera)}"))
    if camera.pan_x:
        way = "right" if camera.pan_x > 0 else "left"
        parts.append((*pans, f"{way} by {abs(camera.pan_x) * 100:.3g}%"))
    if camera.pan_y:
        way = "down" if camera.pan_y > 0 else "up"
        parts.append((*pans, f"{way} by {abs(camera.pan_y) * 100:.3g}%"))
    if camera.roll:
        turn = "clockwise" if camera.roll > 0 else "counter-clockwise"
        parts.append(("turns", "turning", f"{abs(camera.roll):g} degrees {turn}"))
    if camera.dolly_zoom:
        sense = "in" if camera.dolly_zoom > 0 else "out"
        parts.append(("dolly zooms", "dolly zooming", f"{sense} by {abs(camera.dolly_zoom) * 100:.3g}%"))
    if camera.sway:
        verb = "the camera shakes" if camera.sway_rate >= 1 else "the camera sways"
        parts.append((verb, verb, f"by {camera.sway * 100:.3g}%"))
    return parts


def _aimed(camera: Camera) -> str:
    """Name the point of the zoom by thirds of the frame; nothing for the middle."""
    across = "left" if camera.zoom_x < 1 / 3 else "right" if camera.zoom_x > 2 / 3 else ""
    along = "upper" if camera.zoom_y < 1 / 3 else "lower" if camera.zoom_y > 2 / 3 else ""
    if across and along:
        return f" towards the {along} {across}"
    alone = across or {"upper": "top", "lower": "bottom", "": ""}[along]
    return f" towards the {alone}" if alone else ""


def _region_part(region: Region) -> str:
    words = ["the swirling" if region.swirl else "", _SUBJECTS[region.kind].removeprefix("the ")]
    if not region.swirl and region.kind is RegionKind.DRIFT:
        words[0] = "the"
    if region.direction is not None:
        words.append(_EIGHT_WAYS[round(region.direction / 45) % 8])
    if region.speed != 1:
        words.append(f"at {region.speed:g}x speed")
    return " ".join(word for word in words if word)


def _colour(colour: str) -> str:
    """Return the name of a colour if it has one."""
    names = {entry.hex: name for name, entry in vocabulary().colours.items()}
    return names.get(colour.lower(), colour.lower())


def _fade_parts(plan: MotionPlan) -> list[str]:
    parts = []
    if plan.fade_in:
        parts.append(f"fades in from {_colour(plan.fade_colour)} over {plan.fade_in * 100:.3g}% of the clip")
    if plan.fade_out:
        parts.append(f"fades out to {_colour(plan.fade_colour)} over {plan.fade_out * 100:.3g}% of the clip")
    return parts
