"""The vocabulary made ready for look-up: phrases, inflected forms, near misses."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from pipeline.engines.motion.grammar.tokens import tokenise
from pipeline.engines.motion.grammar.words import Entry, vocabulary

SHORTEST_MISSPELLING = 4
"""Letters that a word needs to be taken for a misspelling."""


@dataclass
class Node:
    """A node of the tree of phrases."""

    entries: tuple[Entry, ...] = ()
    children: dict[str, "Node"] = field(default_factory=dict)


@dataclass(frozen=True)
class Lexicon:
    """The vocabulary for look-up: `root` holds phrases word by word, `bases` the base forms of each inflected word."""

    root: Node
    bases: dict[str, tuple[str, ...]]
    spellings: dict[str, tuple[str, ...]]
    han: dict[str, tuple[Entry, ...]]
    longest_han: int


def inflections(word: str) -> set[str]:
    """Return an English word with the regular endings -s, -ing and -ed."""
    if re.search(r"[^aeiou]y$", word):
        return {word, word[:-1] + "ies", word[:-1] + "ied", word + "ing"}
    if word.endswith("e"):
        return {word, word + "s", word + "d", word[:-1] + "ing"}
    plural = word + ("es" if re.search(r"(s|x|z|ch|sh)$", word) else "s")
    doubled = word + word[-1] if re.search(r"(^|[^aeiou])[aeiou][bdgklmnprt]$", word) else word
    return {word, plural, word + "ing", word + "ed", doubled + "ing", doubled + "ed"}


@cache
def lexicon() -> Lexicon:
    """Return the vocabulary ready for look-up, built once."""
    root, han = Node(), dict[str, tuple[Entry, ...]]()
    for phrase, entries in _phrases():
        tokens = tokenise(unicodedata.normalize("NFKC", phrase))
        if len(tokens) == 1 and tokens[0].kind == "han":
            han.setdefault(tokens[0].key, entries)
            continue
        node = root
        for token in tokens:
            node = node.children.setdefault(token.key, Node())
        node.entries = node.entries or entries
    spellings = _by_first_letter(vocabulary().misspellings.of)
    return Lexicon(root, _bases(root), spellings, han, max(map(len, han)))


def _phrases() -> Iterator[tuple[str, tuple[Entry, ...]]]:
    """Every phrase of the vocabulary with its meaning; compounds mean several entries."""
    words = vocabulary()
    meaning = {phrase: entry for entry in reversed(words.entries()) for phrase in entry.en + entry.zh}
    for compound in words.compounds:
        for phrase in compound.words:
            yield phrase, tuple(meaning[part] for part in compound.means)
    for phrase, entry in meaning.items():
        yield phrase, (entry,)


def _bases(root: Node) -> dict[str, tuple[str, ...]]:
    """Map every inflected form to the words of the vocabulary that it may be, itself first."""
    base_words: set[str] = set()
    nodes = [root]
    while nodes:
        node = nodes.pop()
        base_words.update(node.children)
        nodes.extend(node.children.values())
    bases: dict[str, list[str]] = {word: [word] for word in base_words}
    for word in sorted(base_words):
        for form in inflections(word):
            if word not in bases.setdefault(form, []):
                bases[form].append(word)
    return {form: tuple(words) for form, words in bases.items()}


def _by_first_letter(words: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(word[0], []).append(word)
    return {letter: tuple(group) for letter, group in groups.items()}


def one_edit_apart(a: str, b: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours turns a into b."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[start:], b[start:]
    return (
        rest_a[1:] == rest_b[1:]
        or rest_a[1:] == rest_b
        or rest_a == rest_b[1:]
        or (rest_a[:2] == rest_b[:2][::-1] and rest_a[2:] == rest_b[2:])
    )


def respelled(word: str) -> str | None:
    """Return the word that this unknown one is a misspelling of: same first letter, and one edit between them."""
    if len(word) < SHORTEST_MISSPELLING or word in vocabulary().misspellings.words_of_their_own:
        return None
    candidates = lexicon().spellings.get(word[0], ())
    return next((candidate for candidate in candidates if one_edit_apart(word, candidate)), None)
