"""What the clauses of a prompt ask for, before it becomes a plan."""

from dataclasses import dataclass, field

from pipeline.engines.motion.grammar.items import Item
from pipeline.engines.motion.grammar.segments import Modifier
from pipeline.engines.motion.grammar.words import CameraAction, Pace, Subject, Thing, Verb


@dataclass
class Move:
    """One movement that the prompt asks for, or forbids (`negated`).

    `verb` is None where a thing is only named. With `things` it is theirs, else the camera's or the picture's.
    `after_then` says that the prompt wants it later than what came before.
    """

    words: str
    verb: Verb | None
    things: tuple[Thing, ...] = ()
    subject: Subject | None = None
    negated: bool = False
    after_then: bool = False
    modifiers: list[Modifier] = field(default_factory=list)

    @property
    def camera(self) -> CameraAction | None:
        """What the camera does, None for a movement of things."""
        return self.verb.camera if self.verb and not self.things else None

    def paces(self) -> list[Pace]:
        """Words of speed and amount."""
        return [entry for entry in self.modifiers if isinstance(entry, Pace)]


@dataclass
class Reading:
    """What the clauses of a prompt ask for.

    `held`: something was told to stand still. `idle` are things that were named without a movement, `loose` modifiers
    that found nothing to modify, `unmoved` words that would have moved what this engine cannot move.
    """

    moves: list[Move] = field(default_factory=list)
    camera_still: bool = False
    held: bool = False
    loop: bool = False
    idle: list[Thing] = field(default_factory=list)
    loose: list[Modifier] = field(default_factory=list)
    unmoved: list[Item] = field(default_factory=list)
