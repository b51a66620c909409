"""From movements to a motion plan: camera and regions together, and every value inside its bounds."""

from pipeline.engines.motion.grammar.camera import add_camera, add_parallax, gentle_zoom
from pipeline.engines.motion.grammar.draft import Draft, directions_of, pace_factor, quantity_of
from pipeline.engines.motion.grammar.moves import Move, Reading
from pipeline.engines.motion.grammar.words import CameraAction, Direction, Measure, Thing, degrees_of, vocabulary
from pipeline.motion_plan import Camera, Easing, MotionPlan, Region, RegionKind

MAX_REGIONS = 4
_SLOWEST, _FASTEST = 0.1, 5.0


def draft_plan(reading: Reading) -> Draft:
    """Return the draft of everything that the movements ask for."""
    draft = Draft(loop=reading.loop)
    wanted = [move for move in reading.moves if not move.negated]
    if not reading.moves and any(isinstance(entry, Direction) for entry in reading.loose):
        wanted = [Move("", vocabulary().verbs["pan"], modifiers=reading.loose)]
    named = reading.idle + [thing for move in wanted for thing in move.things]
    for move in wanted:
        for thing in _blown(move.things, named):
            _add_region(draft, _region(thing, move))
        if not move.things:
            add_camera(draft, move)
    add_parallax(draft)
    if draft.aimless and not draft.camera_moves():
        draft.note(f"'{draft.aimless.words}' does not say how the camera moves: it zooms in gently.")
        draft.zoom = gentle_zoom(draft.aimless.paces())
    _note_sequence(draft, wanted)
    if not draft.regions and not draft.camera_moves():
        _move_what_is_named(draft, reading.idle)
    _hold_still(draft, reading.moves)
    return draft


def finished_plan(draft: Draft, easing: Easing) -> MotionPlan:
    """Return the plan, with every value inside its bounds."""
    if len(draft.regions) > MAX_REGIONS:
        draft.note(f"A plan holds {MAX_REGIONS} moving areas: the first {MAX_REGIONS} were taken.")
    camera = Camera(
        zoom=_bounded(draft, "zoom", draft.zoom or 1.0, 0.25, 4.0),
        zoom_x=draft.zoom_at[0],
        zoom_y=draft.zoom_at[1],
        pan_x=_bounded(draft, "pan", draft.pan_x or 0.0, -1.0, 1.0),
        pan_y=_bounded(draft, "pan", draft.pan_y or 0.0, -1.0, 1.0),
        roll=_bounded(draft, "turn", draft.roll or 0.0, -180.0, 180.0),
        dolly_zoom=_bounded(draft, "dolly zoom", draft.dolly_zoom or 0.0, -1.0, 1.0),
        sway=_bounded(draft, "sway", draft.sway or 0.0, 0.0, 0.1),
        sway_rate=draft.sway_rate,
        parallax=vocabulary().amounts.parallax if draft.depth else 0.0,
        orbit=draft.orbit,
        easing=easing,
    )
    return MotionPlan(
        camera=camera,
        regions=tuple(draft.regions[:MAX_REGIONS]),
        fade_in=draft.fade_in,
        fade_out=draft.fade_out,
        fade_colour=draft.fade_colour or "#000000",
        loop=draft.loop,
    )


def _bounded(draft: Draft, name: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        draft.note(f"The {name} asked for is more than a plan holds: it stops at {min(max(value, low), high):g}.")
    return round(min(max(value, low), high), 3)


def _blown(things: tuple[Thing, ...], named: list[Thing]) -> list[Thing]:
    """Where only the wind moves, it moves what else the prompt names that can sway in it."""
    swaying = (RegionKind.LEAVES, RegionKind.GRASS, RegionKind.HAIR)
    blown = [thing for thing in named if thing.kind in swaying and not thing.wind]
    return blown if blown and things and all(thing.wind for thing in things) else list(things)


def _region(thing: Thing, move: Move) -> Region:
    verb = move.verb
    kind = thing.kind
    if verb and verb.falls and kind is RegionKind.LEAVES:
        kind = RegionKind.FALLING_LEAVES
    x, y = (sum(parts) for parts in zip((0, 0), *directions_of(move), strict=True))
    if not (x or y) and kind is not RegionKind.FALLING_LEAVES:
        own = verb if verb and (verb.x or verb.y) else thing
        x, y = own.x, own.y
    return Region(
        kind=kind,
        direction=degrees_of(x, y) if x or y else None,
        speed=_speed(move),
        swirl=thing.swirl or bool(verb and verb.swirl),
    )


def _speed(move: Move) -> float:
    quantity = quantity_of(move)
    speed = pace_factor(move.paces(), of_region=True)
    if quantity:
        speed = quantity.ratio / 100 if quantity.unit is Measure.PERCENT else quantity.ratio
    return round(min(max(speed, _SLOWEST), _FASTEST), 2)


def _add_region(draft: Draft, new: Region) -> None:
    """Join a region with the one of its kind, unless both say where they go and differ.

    Leaves that swirl and fall are falling leaves.
    """
    for i, old in enumerate(draft.regions):
        same_way = None in (old.direction, new.direction) or old.direction == new.direction
        leave_tree = old.swirl and (old.kind, new.kind) == (RegionKind.LEAVES, RegionKind.FALLING_LEAVES)
        if (old.kind is new.kind or leave_tree) and same_way:
            direction = old.direction if old.direction is not None else new.direction
            speed = old.speed if old.speed != 1.0 else new.speed
            draft.regions[i] = Region(kind=new.kind, direction=direction, speed=speed, swirl=old.swirl or new.swirl)
            return
    draft.regions.append(new)


def _move_what_is_named(draft: Draft, idle: list[Thing]) -> None:
    """A prompt that asks for no movement, but names the sea, moves the sea; wind alone moves leaves."""
    for thing in [thing for thing in idle if not thing.wind] or idle:
        _add_region(draft, Region(kind=thing.kind))
    if idle:
        kinds = ", ".join(region.kind.value.replace("_", " ") for region in draft.regions)
        draft.note(f"The prompt does not say what moves, so what can flow in it does: {kinds}.")


def _hold_still(draft: Draft, moves: list[Move]) -> None:
    held = {thing.kind for move in moves if move.negated for thing in move.things}
    draft.regions = [region for region in draft.regions if region.kind not in held]


def _note_sequence(draft: Draft, moves: list[Move]) -> None:
    """One plan is one movement, so "first ... then ..." happens together. A fade at the end needs no excuse."""
    moving = [move for move in moves if move.camera is not CameraAction.FADE]
    if any(move.after_then for move in moving[1:]) and not draft.loop:
        draft.note("A plan holds one movement: what the prompt asks for one after the other happens together.")
