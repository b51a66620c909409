"""From clauses to movements: which word moves what, and which words belong to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.engines.motion.grammar.items import Item
from pipeline.engines.motion.grammar.moves import Move, Reading
from pipeline.engines.motion.grammar.segments import MODIFIERS, Clause, Modifier, read_segments
from pipeline.engines.motion.grammar.words import (
    Beyond,
    CameraAction,
    ColourWord,
    Direction,
    Entry,
    Joiner,
    Joint,
    Loop,
    Measure,
    Noun,
    Pace,
    Quantity,
    Sense,
    Still,
    Subject,
    Thing,
    Turn,
    Verb,
)
from pipeline.motion_plan import RegionKind

_GOES_IN_OR_OUT = (CameraAction.ZOOM, CameraAction.MOVE, CameraAction.FADE, CameraAction.DOLLY_ZOOM)
_ZOOMS = (CameraAction.ZOOM, CameraAction.DOLLY_ZOOM)


@dataclass(frozen=True)
class _Before:
    """What the last verb before a clause moved; `beyond` if that was nothing that can move."""

    move: Move | None = None
    beyond: bool = False


def read_clauses(items: Sequence[Item]) -> Reading:
    """Work out the movements that the items ask for."""
    reading = Reading()
    before = _Before()
    for clause in read_segments(items):
        reader = _ClauseReader(clause, before, reading)
        reading.moves += reader.read()
        before = reader.before
    return reading


class _ClauseReader:
    """Reads one clause: first the verbs with their subjects, then the things left over, then the modifiers."""

    def __init__(self, clause: Clause, before: _Before, reading: Reading) -> None:
        self._items = clause.items
        self._later = clause.joint is Joint.THEN
        self._linked = clause.joint is Joint.AND
        self.before = before
        self._reading = reading
        self._heads: dict[int, Move | None] = {}
        self._taken: set[int] = set()

    def read(self) -> list[Move]:
        """Return the movements of the clause in order, and add the rest to the reading."""
        self._read_stills()
        self._read_verbs()
        self._read_things()
        self._attach_modifiers()
        moves = {id(move): move for _, move in sorted(self._heads.items()) if move}
        return list(moves.values())

    def _indices(self, *kinds: type) -> list[int]:
        return [i for i, item in enumerate(self._items) if isinstance(item.entry, kinds)]

    def _nouns(self, start: int, end: int) -> list[int]:
        return [i for i in self._indices(Thing, Noun, Beyond) if start <= i < end and not self._is_verb(i)]

    def _is_verb(self, index: int) -> bool:
        entry = self._items[index].entry
        return isinstance(entry, Verb) or (isinstance(entry, Beyond) and entry.verb)

    def _read_stills(self) -> None:
        """A thing that stands still is a movement forbidden; else it is the camera that does."""
        self._reading.loop |= bool(self._indices(Loop))
        held = [self._items[i] for i in self._indices(Still, Loop) if not self._items[i].negated]
        entries = [item.entry for item in held]
        if any((isinstance(e, Loop) and e.still) or (isinstance(e, Still) and e.whole) for e in entries):
            self._reading.camera_still = True
        elif any(isinstance(entry, Still) for entry in entries):
            self._reading.held = True
            self._hold(self._indices(Thing))

    def _hold(self, things: list[int]) -> None:
        for i in things:
            entry = self._items[i].entry
            if isinstance(entry, Thing):
                self._heads[i] = Move(self._items[i].words, None, (entry,), negated=True)
        others = [self._items[i].entry for i in self._indices(Noun, Beyond)]
        others = [e for e in others if isinstance(e, Beyond) or (isinstance(e, Noun) and e.subject is Subject.REST)]
        self._reading.camera_still |= not things and not others
        self._taken.update(things)

    def _read_verbs(self) -> None:
        start = 0
        for i in self._indices(Verb, Beyond):
            entry = self._items[i].entry
            if not self._is_verb(i):
                continue
            if isinstance(entry, Verb):
                move = self._move(i, entry, self._subject(i, start, entry))
            else:
                move = None
                self._taken.update(self._nouns(start, i)[-1:])
            if move is None:
                self._reading.unmoved.append(self._items[i])
            self._heads[i] = move
            self.before, self._linked = _Before(move, beyond=move is None), True
            start = i + 1

    def _subject(self, verb: int, start: int, entry: Verb) -> list[int]:
        """Return the nouns that move: those before the verb, or the one right behind it."""
        before = [i for i in self._nouns(start, verb) if i not in self._taken]
        after = next((i for i in self._nouns(verb, len(self._items)) if self._only_paces(verb + 1, i)), None)
        if not entry.region:
            return []
        if after is not None and self._prefers_after(verb, before, after):
            return [after]
        if before:
            return self._strongest(before)
        return [after] if after is not None else []

    def _only_paces(self, start: int, end: int) -> bool:
        return all(isinstance(self._items[i].entry, Pace) for i in range(start, end))

    def _prefers_after(self, verb: int, before: list[int], after: int) -> bool:
        """Whether the noun behind the verb is its subject: "a cat under swirling clouds", "wind moving the leaves"."""
        follower = self._items[after].entry
        if not isinstance(follower, Thing):
            return False
        leader = self._items[before[-1]].entry if before else None
        if not isinstance(leader, Thing):
            return not isinstance(leader, Noun)
        participle = self._items[verb].words.lower().endswith("ing")
        return leader.wind or (participle and before[-1] + 1 != verb and follower.alone >= leader.alone)

    def _strongest(self, nouns: list[int]) -> list[int]:
        """Of several nouns: the camera if it stands nearest, else things that move by themselves, else other things."""
        if isinstance(self._items[nouns[-1]].entry, Noun):
            return nouns[-1:]
        things = [(i, entry) for i in nouns if isinstance(entry := self._items[i].entry, Thing)]
        best = max(((thing.alone, not thing.wind) for _, thing in things), default=None)
        return [i for i, thing in things if (thing.alone, not thing.wind) == best] or nouns[-1:]

    def _move(self, index: int, verb: Verb, subject: list[int]) -> Move | None:
        """Return the movement of this verb; None where it belongs to what cannot be moved."""
        item = self._items[index]
        self._taken.update(subject)
        entries = [self._items[i].entry for i in subject]
        move = Move(item.words, verb, negated=item.negated, after_then=self._later)
        move.things = tuple(entry for entry in entries if isinstance(entry, Thing))
        for entry in entries:
            if isinstance(entry, Noun):
                move.subject = entry.subject
        if not entries:
            move.things = self._implied(verb)
        if not move.things and (not verb.camera or self._belongs_elsewhere(item, verb, entries)):
            return None
        self._heads.update({i: move for i in subject if isinstance(self._items[i].entry, Thing)})
        return move

    def _belongs_elsewhere(self, item: Item, verb: Verb, subject: list[Entry | None]) -> bool:
        """Whether a verb tells of something that cannot move: "a bird rising", "she smiles and sways"."""
        if subject:
            return any(isinstance(entry, Beyond) for entry in subject)
        if self._linked and verb.region and (self.before.beyond or self.before.move):
            return self.before.beyond
        return verb.named and item.words.lower() not in verb.en

    def _implied(self, verb: Verb) -> tuple[Thing, ...]:
        """Return the things that a verb without a subject speaks of, if any."""
        last = self.before.move
        if verb.region and self._linked and last and last.things:
            return last.things
        joins_beyond = self._linked and self.before.beyond
        if verb.camera is not None or verb.needs_thing or joins_beyond:
            return ()
        later = [entry for i in self._indices(Thing) if isinstance(entry := self._items[i].entry, Thing)]
        if later and verb.kind is None:
            self._taken.update(self._indices(Thing))
            return tuple(later)
        return (Thing(kind=verb.kind or RegionKind.DRIFT, alone=True),)

    def _read_things(self) -> None:
        """Things that no verb took move by themselves if they are of that sort."""
        for i in self._indices(Thing):
            item = self._items[i]
            if i in self._taken or not isinstance(item.entry, Thing):
                continue
            if item.entry.alone or item.negated:
                self._heads[i] = Move(item.words, None, (item.entry,), negated=item.negated)
            else:
                self._reading.idle.append(item.entry)

    def _attach_modifiers(self) -> None:
        for i in self._indices(*MODIFIERS):
            entry = self._items[i].entry
            if not isinstance(entry, MODIFIERS):
                continue
            fitting = [head for head, move in self._heads.items() if move is None or self._fits(entry, i, head, move)]
            nearest = min(fitting, key=lambda head: (abs(head - i), head > i), default=None)
            move = self._heads[nearest] if nearest is not None else None
            if move:
                move.modifiers.append(entry)
            elif not self._indices(Thing, Beyond, Verb):
                self._reading.loose.append(entry)

    def _fits(self, entry: Modifier, position: int, head: int, move: Move) -> bool:
        """Whether a modifier can say something about this movement."""
        match entry:
            case Pace():
                return True
            case Direction():
                steered = move.camera not in (CameraAction.FADE, CameraAction.SWAY, CameraAction.SHAKE)
                return move.camera in _ZOOMS if entry.place else steered
            case Turn():
                return bool(move.verb) and (move.camera in (CameraAction.ROLL, CameraAction.TILT) or bool(move.things))
            case ColourWord():
                return move.camera is CameraAction.FADE
            case Quantity():
                return _measures(entry, move)
        return self._senses(entry, position, head, move)

    def _senses(self, entry: Sense, position: int, head: int, move: Move) -> bool:
        """In and out count right behind a verb ("zoom slowly out"), or as a second one ("zoom in and out")."""
        if entry.fades_only:
            return move.camera is CameraAction.FADE
        if move.camera not in _GOES_IN_OR_OUT or position < head or move.verb is None:
            return False
        between = self._items[head + 1 : position]
        if any(isinstance(item.entry, (Thing, Beyond, Verb, Sense)) for item in between[:-1]):
            return False
        own = move.verb.sense != 0 or any(isinstance(modifier, Sense) for modifier in move.modifiers)
        return isinstance(self._items[position - 1].entry, Joiner) if own else True


def _measures(quantity: Quantity, move: Move) -> bool:
    turns = move.camera in (CameraAction.ROLL, CameraAction.TILT)
    match quantity.unit:
        case Measure.DEGREES:
            return turns
        case Measure.RATIO | Measure.PERCENT:
            return True
        case Measure.BARE:
            return turns or move.camera in _ZOOMS
    return False
