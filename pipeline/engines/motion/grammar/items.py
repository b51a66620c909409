"""From tokens to items: words of the prompt, each with its meaning in the vocabulary or none."""

import unicodedata
from dataclasses import dataclass, replace
from itertools import pairwise

from pipeline.engines.motion.grammar.lexicon import Node, lexicon, respelled
from pipeline.engines.motion.grammar.tokens import Token, number_of, tokenise
from pipeline.engines.motion.grammar.words import (
    ColourWord,
    Entry,
    Joiner,
    Joint,
    Measure,
    Mood,
    Quantity,
    Silent,
    Unit,
)


@dataclass(frozen=True)
class Item:
    """Words as the user wrote them and what they mean; `entry` is None for words that are not known."""

    words: str
    entry: Entry | None
    negated: bool = False


def read_items(prompt: str) -> tuple[list[Item], list[str]]:
    """Return the items of a prompt in order, and a sentence for each misspelling that was mended."""
    tokens, notes = _mended(tokenise(unicodedata.normalize("NFKC", prompt)))
    items: list[Item] = []
    position = 0
    while position < len(tokens):
        length, found = _match(tokens, position)
        items += found
        position += length
    return _with_quantities(items), notes


def _mended(tokens: list[Token]) -> tuple[list[Token], list[str]]:
    known = lexicon().bases
    notes: dict[str, None] = {}
    mended = []
    for token in tokens:
        right = respelled(token.key) if token.kind == "word" and token.key not in known else None
        if right:
            notes[f"Read '{token.text}' as '{right}'."] = None
        mended.append(replace(token, key=right) if right else token)
    return mended, list(notes)


def _match(tokens: list[Token], position: int) -> tuple[int, list[Item]]:
    """Return how many tokens the longest phrase at this position takes, and its items."""
    token = tokens[position]
    if token.kind == "han":
        return 1, _segmented(token)
    length, entries = _longest(tokens, position, lexicon().root)
    if length:
        words = _as_written(tokens[position : position + length])
        return length, [Item(words, entry) for entry in entries]
    return 1, [Item(token.text, _literal(token))]


def _as_written(tokens: list[Token]) -> str:
    """Return the words of some tokens, with a space where the prompt has something between them."""
    text = tokens[0].text
    for before, token in pairwise(tokens):
        text += token.text if before.start + len(before.text) == token.start else f" {token.text}"
    return text


def _longest(tokens: list[Token], position: int, node: Node) -> tuple[int, tuple[Entry, ...]]:
    """Follow the tree of phrases as far as it goes."""
    best: tuple[int, tuple[Entry, ...]] = (0, ())
    if position == len(tokens) or tokens[position].kind not in ("word", "number", "unit"):
        return best
    for base in lexicon().bases.get(tokens[position].key, ()):
        child = node.children.get(base)
        if child is None:
            continue
        length, entries = _longest(tokens, position + 1, child)
        length, entries = (length + 1, entries) if length else (1 if child.entries else 0, child.entries)
        if length > best[0]:
            best = length, entries
    return best


def _literal(token: Token) -> Entry | None:
    """Meaning of a token that is not looked up: marks, colours, numbers."""
    if token.kind == "colour":
        return ColourWord(shown=token.key, hex=token.key)
    if token.kind in ("number", "percent"):
        measure = Measure.PERCENT if token.kind == "percent" else Measure.BARE
        return Quantity(shown=token.text, ratio=number_of(token.key), unit=measure)
    marks = {
        "parameter": Mood(),
        "unit": Silent(),
        "hard": Joiner(joint=Joint.HARD),
        "comma": Joiner(joint=Joint.COMMA),
    }
    return marks.get(token.kind)


def _with_quantities(items: list[Item]) -> list[Item]:
    """Join each number with the unit behind it. A unit without a number is dropped."""
    joined: list[Item] = []
    for item in items:
        before = joined[-1] if joined else None
        if isinstance(item.entry, Unit):
            if before and isinstance(before.entry, Quantity) and before.entry.unit is Measure.BARE:
                joined[-1] = _measured(before, item, before.entry.ratio, item.entry.unit)
        else:
            joined.append(item)
    return joined


def _measured(number: Item, unit: Item, value: float, measure: Measure) -> Item:
    words = f"{number.words}{' ' if len(unit.words) > 1 else ''}{unit.words}"
    if measure is Measure.QUALITY:
        return Item(words, Mood())
    return Item(words, Quantity(shown=words, ratio=value, unit=measure))


def _segmented(run: Token) -> list[Item]:
    """Cut a run of Chinese by the longest word at each place.

    A single character beside an unknown one is taken for a part of it: the first of 火箭筒 is no fire.
    """
    pieces = _pieces(run)
    items: list[Item] = []
    unknown = ""
    for i, (text, entries) in enumerate(pieces):
        beside_unknown = (i > 0 and not pieces[i - 1][1]) or (i + 1 < len(pieces) and not pieces[i + 1][1])
        joins = not entries or (len(text) == 1 and beside_unknown and not isinstance(entries[0], (Silent, Joiner)))
        if joins:
            unknown += text
            continue
        if unknown:
            items.append(Item(unknown, None))
        unknown = ""
        items += [Item(text, entry) for entry in entries]
    return [*items, Item(unknown, None)] if unknown else items


def _pieces(run: Token) -> list[tuple[str, tuple[Entry, ...]]]:
    words = lexicon()
    pieces: list[tuple[str, tuple[Entry, ...]]] = []
    position = 0
    while position < len(run.key):
        for length in range(min(words.longest_han, len(run.key) - position), 0, -1):
            entries = words.han.get(run.key[position : position + length])
            if entries or length == 1:
                pieces.append((run.text[position : position + length], entries or ()))
                position += length
                break
    return pieces
