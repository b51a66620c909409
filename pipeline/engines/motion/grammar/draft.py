"""A plan in the making, and how words of amount and direction are counted."""

from dataclasses import dataclass, field
from math import prod

from pipeline.engines.motion.grammar.moves import Move
from pipeline.engines.motion.grammar.words import Direction, Pace, Quantity
from pipeline.motion_plan import Region


@dataclass
class Draft:
    """A plan in the making. None means not asked for yet; the first wish wins, its opposite makes it go and return.

    `aimless` is a movement of the camera without a way, and `sideways` a wish for parallax without a movement: they
    count where nothing else is asked of the camera.
    """

    zoom: float | None = None
    zoom_at: tuple[float, float] = (0.5, 0.5)
    pan_x: float | None = None
    pan_y: float | None = None
    roll: float | None = None
    dolly_zoom: float | None = None
    depth: bool = False
    orbit: bool = False
    sway: float | None = None
    sway_rate: float = 0.5
    fade_in: float = 0.0
    fade_out: float = 0.0
    fade_colour: str | None = None
    loop: bool = False
    regions: list[Region] = field(default_factory=list)
    aimless: Move | None = None
    sideways: Move | None = None
    notes: dict[str, None] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        """Keep a sentence for the user, once."""
        self.notes[sentence] = None

    def camera_moves(self) -> bool:
        """Whether anything was asked of the camera."""
        parts = (self.zoom, self.pan_x, self.pan_y, self.roll, self.dolly_zoom, self.sway)
        return any(part is not None for part in parts)


def pace_factor(paces: list[Pace], *, of_region: bool) -> float:
    """Return the factor of several words of pace: the strongest of those that slow down times that of the others."""
    factors = [pace.region if of_region else pace.camera for pace in paces]
    return prod((min([1.0, *factors]), max([1.0, *factors])))


def quantity_of(move: Move) -> Quantity | None:
    """Return the number that belongs to a movement, if it has one."""
    return next((entry for entry in move.modifiers if isinstance(entry, Quantity)), None)


def directions_of(move: Move) -> list[tuple[int, int]]:
    """Return the directions of a movement as vectors of the picture, y down.

    A verb that goes up or down by itself keeps that beside a direction: "smoke rises to the left".
    """
    entries = [entry for entry in move.modifiers if isinstance(entry, Direction)]
    directions = [(e.x, e.y) for e in entries if not e.axis] or [(e.x, e.y) for e in entries]
    verb = move.verb
    if (
        verb
        and verb.y
        and verb.region
        and not verb.falls
        and any(x for x, _ in directions)
        and not any(y for _, y in directions)
    ):
        return [*directions, (0, verb.y)]
    return directions
