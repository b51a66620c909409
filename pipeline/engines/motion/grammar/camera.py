"""What the prompt asks of the camera, and of the fades, entered in the draft of a plan."""

from math import hypot

from pipeline.engines.motion.grammar.draft import Draft, directions_of, pace_factor, quantity_of
from pipeline.engines.motion.grammar.moves import Move
from pipeline.engines.motion.grammar.words import (
    CameraAction,
    ColourWord,
    Direction,
    Measure,
    Pace,
    Sense,
    Subject,
    Turn,
    vocabulary,
)


def add_camera(draft: Draft, move: Move) -> None:
    """Enter a movement of the camera, or a fade, in the draft."""
    draft.depth = draft.depth or bool(move.verb and move.verb.depth)
    match move.camera:
        case CameraAction.ZOOM:
            _zoom(draft, move)
        case CameraAction.MOVE:
            _travel(draft, move)
        case CameraAction.PAN:
            draft.orbit = draft.orbit or bool(move.verb and move.verb.orbit)
            _pan(draft, move)
        case CameraAction.PARALLAX:
            draft.sideways = draft.sideways or move
        case CameraAction.TILT:
            (_roll if _tilts_sideways(move) else _pan)(draft, move)
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


def _tilts_sideways(move: Move) -> bool:
    """Whether "tilt" means a turn of the picture: "tilt 10 degrees clockwise"."""
    quantity = quantity_of(move)
    turned = any(isinstance(entry, Turn) for entry in move.modifiers)
    in_degrees = quantity is not None and quantity.unit in (Measure.DEGREES, Measure.BARE)
    return (turned or in_degrees) and not any(y for _, y in directions_of(move))


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
    quantity = quantity_of(move)
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
    """Moving forward or back is a zoom, moving in a direction a pan, moving neither way the gentle zoom."""
    senses = [entry for entry in move.modifiers if isinstance(entry, Sense)]
    directions = [direction for direction in directions_of(move) if direction != (0, 0)]
    if directions:
        _pan(draft, move)
    own = move.verb.sense if move.verb else 0
    if senses or (own and not directions):
        sense = senses[0].sense if senses else own
        draft.zoom = draft.zoom or _magnification(move, sense)
        if len({entry.sense for entry in senses}) == 2:
            _there_and_back(draft, "in and out")
    elif not directions:
        draft.aimless = draft.aimless or move


def gentle_zoom(paces: list[Pace]) -> float:
    """Return the zoom of a prompt that does not say how to move."""
    return 1 + vocabulary().amounts.gentle_zoom * pace_factor(paces, of_region=False)


def _pan(draft: Draft, move: Move) -> None:
    verb = move.verb
    directions = directions_of(move)
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


def add_parallax(draft: Draft) -> None:
    """Parallax shows where the camera moves: if nothing else moves it, or the prompt says where to, it circles."""
    move = draft.sideways
    if move and (not draft.camera_moves() or any(x or y for x, y in directions_of(move))):
        draft.orbit = True
        _pan(draft, move)


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
    quantity = quantity_of(move)
    signs = [entry.sign for entry in move.modifiers if isinstance(entry, Turn)]
    signs += [1 if x > 0 else -1 for x, _ in directions_of(move) if x]
    sign = signs[0] if signs else 1
    if signs and move.subject is Subject.CAMERA:
        sign = -sign
    in_degrees = quantity and quantity.unit in (Measure.DEGREES, Measure.BARE)
    degrees = quantity.ratio if quantity and in_degrees else _turn_amount(move)
    draft.roll = _first(draft, draft.roll, sign * degrees, "clockwise and back")


def _turn_amount(move: Move) -> float:
    quantity = quantity_of(move)
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
    quantity = quantity_of(move)
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


def _scaled(move: Move, default: float) -> float:
    """Return a camera amount: a percentage as it stands, else the default times the words of pace."""
    quantity = quantity_of(move)
    if quantity and quantity.unit is Measure.PERCENT:
        return quantity.ratio / 100
    own = default * (move.verb.factor if move.verb else 1.0)
    if quantity and quantity.unit is Measure.RATIO:
        return own * quantity.ratio
    return own * pace_factor(move.paces(), of_region=False)
