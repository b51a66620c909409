"""What two captions share and in what they differ: clause by clause, phrase by phrase, word by word."""

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from pipeline.planning.wording import ARTICLES, FUNCTION_WORDS, LEADS, Clause, content, is_ideograph, key

Item = TypeVar("Item")

Words = tuple[str, ...]

ALIKE = 0.25
"""Share of words in common from which two clauses or phrases count as versions of one another."""

_PAIRED = 0.01
"""What it counts to pair two that have nothing in common: less than any likeness, more than to leave them alone."""

_LONG = 200
"""Words from which on only the beginning and the end of two phrases are compared: that of more could take seconds."""

_VERBAL = re.compile(
    r"(?!(?:build|ceil|paint|draw|cloth|wedd|even|morn|lightn|cross|rail|th|spr|str)ing)[a-z]{2,}(?:ing|ed)"
)
"""What goes with the preposition after it, as in `standing in` and `covered with`; not the nouns that look like it."""


@dataclass(frozen=True)
class Part:
    """Words of the one caption and those that stand for them in the other, empty where there are none."""

    words0: Words
    words1: Words

    @property
    def differs(self) -> bool:
        """Whether it is more than the case of letters in which they differ."""
        return _keys(self.words0) != _keys(self.words1)


@dataclass(frozen=True)
class ClauseParts:
    """Two clauses that stand for one another, part by part, and their marks; one of them may have no words."""

    parts: tuple[Part, ...]
    mark0: str
    mark1: str


def differences(clauses0: Sequence[Clause], clauses1: Sequence[Clause]) -> tuple[ClauseParts, ...]:
    """Two captions beside one another, in their order. Each is what the parts of its side are together."""
    none = Clause((), "")
    pairs = _aligned(clauses0, clauses1, lambda a, b: _likeness(a.words, b.words) or _PAIRED)
    found = ((a or none, b or none) for a, b in pairs)
    return tuple(ClauseParts(_parts(a.words, b.words), a.mark, b.mark) for a, b in found)


def _parts(words0: Words, words1: Words) -> tuple[Part, ...]:
    """Two clauses phrase by phrase; as a whole where not even their phrases stand for one another."""
    pairs = [*_aligned(_phrases(words0), _phrases(words1), _fitness)]
    matching = any if _likeness(words0, words1) else all
    if not matching(a and b for a, b in pairs):
        return (Part(words0, words1),)
    return tuple(part for a, b in pairs for part in _words(a or (), b or ()))


def _words(phrase0: Words, phrase1: Words) -> Iterator[Part]:
    """Two phrases word by word; as a whole where they are not versions of one another."""
    if not _likeness(phrase0, phrase1):
        yield Part(phrase0, phrase1)
        return
    start0 = start1 = 0
    for begin0, begin1, size in _kept(_keys(phrase0), _keys(phrase1)):
        if start0 < begin0 or start1 < begin1:
            yield Part(phrase0[start0:begin0], phrase1[start1:begin1])
        start0, start1 = begin0 + size, begin1 + size
        if size:
            yield Part(phrase0[begin0:start0], phrase1[begin1:start1])


def _kept(keys0: Words, keys1: Words) -> Iterator[tuple[int, int, int]]:
    """Runs of words in common, as their places and length; the last one is empty and stands at both ends.

    A single ideograph between differences is mostly half of a word, so it does not count.
    """
    ends = (len(keys0), len(keys1), 0)
    if max(len(keys0), len(keys1)) > _LONG:
        same = next(
            (n for n, (a, b) in enumerate(zip(keys0, keys1, strict=False)) if a != b), min(map(len, (keys0, keys1)))
        )
        yield from ((0, 0, same), ends)
        return
    for begin0, begin1, size in difflib.SequenceMatcher(None, keys0, keys1, autojunk=False).get_matching_blocks():
        inner = (begin0 or begin1) and (begin0 + size, begin1 + size) != ends[:2]
        if not (inner and size == 1 and is_ideograph(keys0[begin0])):
            yield begin0, begin1, size


def _phrases(words: Words) -> list[Words]:
    """A clause in phrases, each with words that have a meaning."""
    phrases: list[Words] = []
    for begin, end in pairwise([0, *_starts(_keys(words)), len(words)]):
        phrase = words[begin:end]
        if phrases and FUNCTION_WORDS.issuperset(_keys(phrase)):
            phrases[-1] += phrase
        elif phrase:
            phrases.append(phrase)
    return phrases


def _starts(keys: Words) -> Iterator[int]:
    """Where phrases begin: at a preposition or the verb that it goes with, and at `and` before an article."""
    for place in range(1, len(keys)):
        before, word, after = keys[place - 1], keys[place], keys[place + 1] if place + 1 < len(keys) else ""
        with_verb = before not in ARTICLES and _VERBAL.fullmatch(word) and after in LEADS
        alone = word in LEADS and before not in LEADS
        verb_before = _VERBAL.fullmatch(before) and (place == 1 or keys[place - 2] not in ARTICLES)
        if with_verb or (alone and not verb_before) or (word == "and" and after in ARTICLES):
            yield place


def _fitness(phrase0: Words, phrase1: Words) -> float:
    """How well a phrase stands for another: only one that depends on others for one that does."""
    if _depends(phrase0) != _depends(phrase1):
        return 0.0
    return _likeness(phrase0, phrase1) or _PAIRED


def _depends(phrase: Words) -> bool:
    """Whether a phrase stands with others only, as it begins."""
    first, *rest = _keys(phrase)
    return first in LEADS or first == "and" or bool(rest and rest[0] in LEADS and _VERBAL.fullmatch(first))


def _likeness(words0: Words, words1: Words) -> float:
    """Dice's coefficient of the words with meaning; 0.0 where it is below ALIKE."""
    if not words0 or not words1:
        return 0.0
    content0, content1 = content(words0), content(words1)
    found = 2 * len(content0 & content1) / (len(content0) + len(content1))
    return found if found >= ALIKE else 0.0


def _aligned(
    items0: Sequence[Item], items1: Sequence[Item], fitness: Callable[[Item, Item], float]
) -> Iterator[tuple[Item | None, Item | None]]:
    """Pair items in order so that their fitness is largest in sum; None stands beside those left alone.

    The dynamic programming of Needleman and Wunsch (1970), without a penalty for gaps.
    """
    fit = [[fitness(a, b) for b in items1] for a in items0]
    best = [[0.0] * (len(items1) + 1) for _ in range(len(items0) + 1)]
    for i in reversed(range(len(items0))):
        for j in reversed(range(len(items1))):
            paired = best[i + 1][j + 1] + fit[i][j]
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < len(items0) and j < len(items1):
        if fit[i][j] and best[i][j] == best[i + 1][j + 1] + fit[i][j]:
            yield items0[i], items1[j]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            yield items0[i], None
            i += 1
        else:
            yield None, items1[j]
            j += 1
    yield from ((item, None) for item in items0[i:])
    yield from ((None, item) for item in items1[j:])


def _keys(words: Words) -> Words:
    return tuple(map(key, words))
