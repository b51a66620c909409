"""Prompts from one caption to the other without a model: what both say stays, what differs crosses over in order."""

from collections.abc import Sequence

from pipeline.planning.differences import ClauseParts, differences
from pipeline.planning.wording import Clause, ends_sentence, inside, join, split


def template_plan(caption0: str, caption1: str, count: int) -> tuple[str, ...]:
    """At most `count` prompts (1 or more) that lead from one caption to the other, each a readable text.

    Every prompt has more of the other caption than the one before it. There are fewer than `count` where the captions
    differ in fewer places: then the first and the last are the captions themselves. Of captions that say the same, or
    where one is empty, it is a single prompt; an empty one where both are. The way back is the same in reverse.
    """
    text0, text1 = " ".join(caption0.split()), " ".join(caption1.split())
    if text0 > text1:
        return tuple(reversed(template_plan(text1, text0, count)))
    if not text0 or not text1:
        return (text0 or text1,)
    clauses0, clauses1 = split(text0), split(text1)
    rows = differences(clauses0, clauses1)
    changes = sum(part.differs for row in rows for part in row.parts)
    end = _end(clauses0, clauses1)
    return tuple(
        text0 if done == 0 else text1 if done == changes else join(_on_the_way(rows, done), end)
        for done in _steps(changes, count)
    )


def _steps(changes: int, count: int) -> list[int]:
    """How many changes are made in each prompt: the `changes` + 1 states spread evenly over `count`, none twice."""
    states = changes + 1
    number = min(states, count)
    return [states * (2 * each + 1) // (2 * number) for each in range(number)]


def _on_the_way(rows: Sequence[ClauseParts], done: int) -> list[Clause]:
    """The clauses once the first `done` changes are made."""
    clauses = []
    for row in rows:
        words: list[str] = []
        for part in row.parts:
            chosen = part.words1 if part.differs and done > 0 else part.words0
            words += inside(chosen) if words else chosen
            done -= part.differs
        if words:
            clauses.append(Clause(tuple(words), row.mark1 if done >= 0 and row.mark1 else row.mark0))
    return clauses


def _end(clauses0: Sequence[Clause], clauses1: Sequence[Clause]) -> str:
    """The mark that ends a prompt: that of the captions, if they are sentences."""
    marks = [clauses[-1].mark for clauses in (clauses0, clauses1) if clauses]
    return next(filter(ends_sentence, marks), "") if marks and all(map(ends_sentence, marks)) else ""
