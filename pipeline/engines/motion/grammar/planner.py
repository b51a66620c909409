"""From movements to a motion plan: how far, how fast, and what gives way where the prompt asks for too much."""

from dataclasses import dataclass, field
from math import hypot, prod

from pipeline.engines.motion.grammar.clauses import Move, Reading, implied_pan
from pipeline.engines.motion.grammar.words import (
    CameraAction,
    ColourWord,
    Direction,
    Measure,
    Pace,
    Quantity,
    Sense,
    Subject,
    Thing,
    Turn,
    degrees_of,
    vocabulary,
)
from pipeline.motion_plan import Camera, Easing, MotionPlan, Region, RegionKind

MAX_REGIONS = 4
_SLOWEST, _FASTEST = 0.1, 5.0


@dataclass
class Draft:
    """A plan in the making. None means not asked for yet; the first wish wins, its opposite makes it go and return."""

    zoom: float | None = None
    zoom_at: tuple[float, float] = (0.5, 0.5)
    pan_x: float | None = None
    pan_y: float | None = None
    roll: float | None = None
    dolly_zoom: float | None = None
    sway: float | None = None
    sway_rate: float = 0.5
    fade_in: float = 0.0
    fade_out: float = 0.0
    fade_colour: str | None = None
    loop: bool = False
    regions: list[Region] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        """Keep a sentence for the user, once."""
        self.notes[sentence] = None

    def camera_moves(self) -> bool:
        """Whether anything was asked of the camera."""
        return any(part is not None for part in (self.zoom, self.pan_x, self.pan_y, self.roll, self.dolly_zoom, self.sway))


def draft_plan(reading: Reading) -> Draft:
    """Return the draft of everything that the movements ask for."""
    draft = Draft(loop=reading.loop)
    wanted = [move for move in reading.moves if not move.negated]
    if not reading.moves and any(isinstance(entry, Direction) for entry in reading.loose):
        wanted = [Move("", implied_pan(), modifiers=reading.loose)]
    for move in wanted:
        if move.things:
            for thing in move.things:
                _add_region(draft, _region(thing, move))
        else:
            _add_camera(draft, move)
    _note_sequence(draft, wanted)
    if not draft.regions and not draft.camera_moves():
        _move_what_is_named(draft, reading.idle)
    _hold_still(draft, reading.moves)
    return draft


def finished_plan(draft: Draft, easing: Easing) -> MotionPlan:
    """Return the plan, with every value inside its bounds."""
    if len(draft.regions) > MAX_REGIONS:
        draft.note(f"A plan holds {MAX_REGIONS} moving areas: the first {MAX_REGIONS} of {len(draft.regions)} were taken.")
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


def pace_factor(paces: list[Pace], *, of_region: bool) -> float:
    """Return the factor of several words of pace: the strongest of those that slow down times that of the others."""
    factors = [pace.region if of_region else pace.camera for pace in paces]
    return prod((min([1.0, *factors]), max([1.0, *factors])))


def _amount(move: Move) -> Quantity | None:
    return next((entry for entry in move.modifiers if isinstance(entry, Quantity)), None)


def _scaled(move: Move, default: float) -> float:
    """Return a camera amount: a percentage as it stands, else the default times the words of pace."""
    quantity = _amount(move)
    if quantity and quantity.unit is Measure.PERCENT:
        return quantity.ratio / 100
    times = quantity.ratio if quantity and quantity.unit is Measure.RATIO else 1.0
    own = move.verb.factor if move.verb else 1.0
    return default * own * times * pace_factor(move.paces(), of_region=False)


def _directions(move: Move) -> list[tuple[int, int]]:
    return [(entry.x, entry.y) for entry in move.modifiers if isinstance(entry, Direction)]


def _add_camera(draft: Draft, move: Move) -> None:
    if move.verb and move.verb.instead:
        draft.note(f"'{move.words}': {move.verb.instead}")
    match move.camera:
        case CameraAction.ZOOM:
            _zoom(draft, move)
        case CameraAction.MOVE:
            _travel(draft, move)
        case CameraAction.PAN:
            _pan(draft, move)
        case CameraAction.TILT:
            turned = any(isinstance(e, Turn) or (isinstance(e, Quantity) and e.unit is Measure.DEGREES) for e in move.modifiers)
            (_roll if turned and not any(y for _, y in _directions(move)) else _pan)(draft, move)
        case CameraAction.ROLL:
            _roll(draft, move)
        case CameraAction.DOLLY_ZOOM:
            sense = _sense(move)
            _aim(draft, move)
            draft.dolly_zoom = sense * _scaled(move, vocabulary().amounts.dolly_zoom)
        case CameraAction.SWAY | CameraAction.SHAKE:
            _sway(draft, move)
        case CameraAction.FADE:
            _fade(draft, move)


def _sense(move: Move) -> int:
    """Return 1 for in and -1 for out: what stands beside the verb, else what the verb means, else in."""
    beside = [entry.sense for entry in move.modifiers if isinstance(entry, Sense)]
    own = move.verb.sense if move.verb else 0
    return own or (beside[0] if beside else 1)


def _zoom(draft: Draft, move: Move) -> None:
    senses = {_sense(move)} | {entry.sense for entry in move.modifiers if isinstance(entry, Sense)}
    zoom = _magnification(move, _sense(move))
    _aim(draft, move)
    if draft.zoom is None:
        draft.zoom = zoom
    if len(senses) == 2 or (draft.zoom > 1) != (zoom > 1):
        _there_and_back(draft, "in and out")


def _magnification(move: Move, sense: int) -> float:
    """Return the size at the end. "2x" and "200%" are that size, "20%" is 20% more or less."""
    quantity = _amount(move)
    if quantity is None:
        gain = vocabulary().amounts.zoom * pace_factor(move.paces(), of_region=False)
        return 1 + gain if sense > 0 else 1 / (1 + gain)
    ratio = quantity.ratio / 100 if quantity.unit is Measure.PERCENT else quantity.ratio
    if ratio > 1:
        return ratio if sense > 0 else 1 / ratio
    if sense > 0:
        return 1 + ratio
    return 1 - ratio if quantity.unit is Measure.PERCENT and ratio < 1 else max(ratio, 0.25) if ratio < 1 else 0.5


def _aim(draft: Draft, move: Move) -> None:
    """Set the point that a zoom goes towards; "from the left" comes from there."""
    off_centre = 0.5 - vocabulary().amounts.near_edge
    x, y = draft.zoom_at
    for entry in move.modifiers:
        if isinstance(entry, Direction):
            side = -1 if entry.from_side else 1
            x = 0.5 + side * entry.x * off_centre if entry.x else x
            y = 0.5 + side * entry.y * off_centre if entry.y else y
    draft.zoom_at = round(x, 3), round(y, 3)


def _travel(draft: Draft, move: Move) -> None:
    """"Move": forward or back is a zoom, a direction is a pan; neither is the gentle zoom."""
    senses = [entry for entry in move.modifiers if isinstance(entry, Sense)]
    directions = [direction for direction in _directions(move) if direction != (0, 0)]
    if directions:
        _pan(draft, move)
    own = move.verb.sense if move.verb else 0
    if senses or (own and not directions):
        sense = senses[0].sense if senses else own
        draft.zoom = draft.zoom or _magnification(move, sense)
        if len({entry.sense for entry in senses}) == 2:
            _there_and_back(draft, "in and out")
    elif not directions:
        draft.note(f"'{move.words}' does not say how the camera moves: it zooms in gently.")
        draft.zoom = draft.zoom or gentle_zoom(move.paces())


def gentle_zoom(paces: list[Pace]) -> float:
    """Return the zoom of a prompt that does not say how to move."""
    return 1 + vocabulary().amounts.gentle_zoom * pace_factor(paces, of_region=False)


def _pan(draft: Draft, move: Move) -> None:
    verb = move.verb
    directions = _directions(move)
    if not any(x or y for x, y in directions) and verb:
        directions = [(verb.x, verb.y)]
        if not verb.instead and verb.camera is CameraAction.PAN and verb.x:
            draft.note(f"'{move.words}' does not say which way: the camera goes right.")
    sign = -1 if move.subject in (Subject.PICTURE, Subject.REST) else 1
    amount = _scaled(move, vocabulary().amounts.pan)
    for x, y in directions:
        length = hypot(x, y) or 1.0
        draft.pan_x = _first(draft, draft.pan_x, sign * x * amount / length, "left and right")
        draft.pan_y = _first(draft, draft.pan_y, sign * y * amount / length, "up and down")


def _first(draft: Draft, old: float | None, new: float, ways: str) -> float | None:
    """Return the old value if there is one; a new one against it makes the clip go there and back."""
    if not new:
        return old
    if old and (old > 0) != (new > 0):
        _there_and_back(draft, ways)
    return old or new


def _there_and_back(draft: Draft, ways: str) -> None:
    draft.loop = True
    draft.note(f"A plan holds one camera move: the clip goes {ways} as a loop, there and back.")


def _roll(draft: Draft, move: Move) -> None:
    """The picture turns; where the prompt turns the camera, the picture turns the other way."""
    quantity = _amount(move)
    signs = [entry.sign for entry in move.modifiers if isinstance(entry, Turn)]
    signs += [1 if x > 0 else -1 for x, _ in _directions(move) if x]
    sign = signs[0] if signs else 1
    if move.subject is Subject.CAMERA:
        sign = -sign
    in_degrees = quantity and quantity.unit in (Measure.DEGREES, Measure.BARE)
    degrees = quantity.ratio if quantity and in_degrees else _turn_amount(move)
    draft.roll = _first(draft, draft.roll, sign * degrees, "clockwise and back")


def _turn_amount(move: Move) -> float:
    quantity = _amount(move)
    default = vocabulary().amounts.roll
    if quantity and quantity.unit is Measure.PERCENT:
        return default * quantity.ratio / 100
    return _scaled(move, default)


def _sway(draft: Draft, move: Move) -> None:
    amounts = vocabulary().amounts
    shakes = move.camera is CameraAction.SHAKE
    if draft.sway is None:
        draft.sway = _scaled(move, amounts.shake if shakes else amounts.sway)
        draft.sway_rate = amounts.shake_rate if shakes else amounts.sway_rate


def _fade(draft: Draft, move: Move) -> None:
    """A slow fade is a long one. Without "in" or "from" a fade goes out."""
    own = move.verb.sense if move.verb else 0
    beside = {entry.sense for entry in move.modifiers if isinstance(entry, Sense)}
    senses = {own} | {s for s in beside if s < 0} if own < 0 else beside | ({own} if own else set())
    quantity = _amount(move)
    length = vocabulary().amounts.fade / pace_factor(move.paces(), of_region=False)
    if quantity and quantity.unit is Measure.PERCENT:
        length = quantity.ratio / 100
    length = round(min(max(length, 0.05), 1.0), 3)
    draft.fade_in = draft.fade_in or (length if 1 in senses else 0.0)
    draft.fade_out = draft.fade_out or (length if -1 in senses or not senses else 0.0)
    _fade_colour(draft, move)


def _fade_colour(draft: Draft, move: Move) -> None:
    for entry in move.modifiers:
        if isinstance(entry, ColourWord):
            if draft.fade_colour and draft.fade_colour != entry.hex:
                draft.note(f"A plan has one fade colour: {draft.fade_colour} was taken, not {entry.hex}.")
            draft.fade_colour = draft.fade_colour or entry.hex


def _region(thing: Thing, move: Move) -> Region:
    verb = move.verb
    kind = thing.kind
    if verb and verb.falls and kind is RegionKind.LEAVES:
        kind = RegionKind.FALLING_LEAVES
    x, y = (sum(parts) for parts in zip((0, 0), *_directions(move), strict=True))
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
    quantity = _amount(move)
    times = quantity.ratio / (100 if quantity.unit is Measure.PERCENT else 1) if quantity else 1.0
    return round(min(max(times * pace_factor(move.paces(), of_region=True), _SLOWEST), _FASTEST), 2)


def _add_region(draft: Draft, new: Region) -> None:
    """Join a region with the one of its kind, unless both say where they go and differ."""
    for i, old in enumerate(draft.regions):
        same_way = None in (old.direction, new.direction) or old.direction == new.direction
        if old.kind is new.kind and same_way:
            direction = old.direction if old.direction is not None else new.direction
            speed = old.speed if old.speed != 1.0 else new.speed
            draft.regions[i] = Region(kind=old.kind, direction=direction, speed=speed, swirl=old.swirl or new.swirl)
            return
    draft.regions.append(new)


def _move_what_is_named(draft: Draft, idle: list[Thing]) -> None:
    """A prompt that asks for no movement, but names the sea, moves the sea. Wind moves leaves only where it is alone."""
    for thing in [thing for thing in idle if not thing.wind] or idle:
        _add_region(draft, Region(kind=thing.kind, direction=degrees_of(thing.x, thing.y) if thing.y else None))


def _hold_still(draft: Draft, moves: list[Move]) -> None:
    held = {thing.kind for move in moves if move.negated for thing in move.things}
    draft.regions = [region for region in draft.regions if region.kind not in held]


def _note_sequence(draft: Draft, moves: list[Move]) -> None:
    """One plan is one movement, so "first ... then ..." happens together. A fade at the end needs no excuse."""
    moving = [move for move in moves if move.camera is not CameraAction.FADE]
    if any(move.after_then for move in moving[1:]) and not draft.loop:
        draft.note("A plan holds one movement: what the prompt asks for one after the other happens together.")
