"""Clauses: the stretches of a prompt in which verbs find their subjects and modifiers their verbs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.engines.motion.grammar.items import Item
from pipeline.engines.motion.grammar.words import (
    Beyond,
    ColourWord,
    Direction,
    Intensifier,
    Joiner,
    Joint,
    Loop,
    Mood,
    Negation,
    Noun,
    Pace,
    Plain,
    Quantity,
    Sense,
    Silent,
    Still,
    Thing,
    Turn,
    Verb,
)

Modifier = Direction | Turn | Sense | Pace | Quantity | ColourWord
MODIFIERS = (Direction, Turn, Sense, Pace, Quantity, ColourWord)
_HEADS = (Verb, Thing, Beyond, Still, Loop)
_STRENGTH = (Joint.AND, Joint.COMMA, Joint.HARD, Joint.THEN)


@dataclass
class Clause:
    """Items with a part in the grammar; `joint` is how they follow the clause before."""

    items: list[Item]
    joint: Joint


def mark_negated(items: Sequence[Item]) -> list[Item]:
    """Mark what a negation governs: everything up to the next joiner."""
    marked, negated = [], False
    for item in items:
        if isinstance(item.entry, (Joiner, Negation)):
            negated = isinstance(item.entry, Negation)
        marked.append(replace(item, negated=negated))
    return marked


def read_segments(items: Sequence[Item]) -> list[Clause]:
    """Cut items into clauses that can each stand alone."""
    return _merged(list(_segments(items)))


def _segments(items: Sequence[Item]) -> Iterator[Clause]:
    """Split at joiners; drop what has no part in the grammar."""
    clause = Clause([], Joint.HARD)
    for item in _intensified(items):
        if isinstance(item.entry, Joiner):
            if clause.items:
                yield clause
                clause = Clause([], Joint.AND)
            clause.joint = max(clause.joint, item.entry.joint, key=_STRENGTH.index)
        elif not (item.negated and isinstance(item.entry, (*MODIFIERS, Loop))):
            clause.items.append(item)
    if clause.items:
        yield clause


def _intensified(items: Sequence[Item]) -> Iterator[Item]:
    """Let "very" sharpen the pace behind it, and leave out every word without a part in the grammar."""
    power = 1.0
    for item in items:
        entry = item.entry
        if isinstance(entry, Intensifier):
            power = entry.power
        elif isinstance(entry, Pace):
            sharper = entry.model_copy(update={"camera": entry.camera**power, "region": entry.region**power})
            yield replace(item, entry=sharper)
            power = 1.0
        elif entry is not None and not isinstance(entry, (Silent, Mood, Plain, Negation)):
            yield item


def _merged(segments: list[Clause]) -> list[Clause]:
    """Give segments that cannot stand alone ("and up", "the sea and", "slowly,") to their neighbour."""
    clauses: list[Clause] = []
    for segment in segments:
        before = clauses[-1] if clauses else None
        if before and (_needs_next(before) or _needs_previous(segment) or _shares_verb(before, segment)):
            before.items += [Item("", Joiner(joint=Joint.AND)), *segment.items]
        else:
            clauses.append(segment)
    return clauses


def _has(clause: Clause, *kinds: type) -> bool:
    return any(isinstance(item.entry, kinds) for item in clause.items)


def _needs_next(clause: Clause) -> bool:
    return not _has(clause, *_HEADS)


def _needs_previous(clause: Clause) -> bool:
    return not _has(clause, *_HEADS, Noun) and _has(clause, *MODIFIERS)


def _shares_verb(before: Clause, segment: Clause) -> bool:
    """Whether the things of `before` wait for the verb of this one: the sea | and the sky moving."""
    if segment.joint not in (Joint.AND, Joint.COMMA) or _has(before, Verb, Still, Loop) or not _has(before, Thing):
        return False
    verbs = [item.entry for item in segment.items if isinstance(item.entry, Verb)]
    return bool(verbs) and verbs[0].region and not _has(segment, Noun)
