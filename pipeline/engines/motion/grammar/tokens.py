"""From text to items: words of the prompt, each with its meaning in the vocabulary or none."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

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
    vocabulary,
)

_TOKEN = re.compile(
    r"""
    (?P<colour> \#[0-9a-f]{6}(?![0-9a-f]) )
  | (?P<parameter> --(?!no\b)[a-z]+(?:[ ]+[\d.:]+)? | <[^<>\s]{1,80}> )   # --ar 16:9, <lora:name:1>: other programs'
  | (?P<percent> 百分之(?P<of_hundred>[零一二两三四五六七八九十百\d]+) )
  | (?P<number> \d+(?:\.\d+)? | [一二两三四五六七八九十百]+(?=[度倍]) )
  | (?P<han> [\u3007\u3400-\u4dbf\u4e00-\u9fff]+ )
  | (?P<word> (?:(?![\u3007\u3400-\u4dbf\u4e00-\u9fff])[^\W\d_])+(?:['’][a-z]+)* )
  | (?P<unit> [%°×] )
  | (?P<hard> [.;!?。\n…] )
  | (?P<comma> [,:、()\[\]{}|/"“”] | [ ][-–—]+[ ] | [–—] )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"['’]s$")
_HAN_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2}


@dataclass(frozen=True)
class Token:
    """One piece of text. `kind` is the name of the group of _TOKEN that it matched; `key` is its form for look-up."""

    kind: str
    text: str
    key: str


@dataclass(frozen=True)
class Item:
    """Words as the user wrote them and what they mean; `entry` is None for words that are not known."""

    words: str
    entry: Entry | None
    negated: bool = False


@dataclass
class _Node:
    """A node of the tree of phrases."""

    entries: tuple[Entry, ...] = ()
    children: dict[str, "_Node"] = field(default_factory=dict)


@dataclass(frozen=True)
class _Lexicon:
    """The vocabulary, ready for look-up: `root` holds phrases by word, `bases` the base forms of each inflected word."""

    root: _Node
    bases: dict[str, tuple[str, ...]]
    spellings: dict[tuple[str, int], tuple[str, ...]]
    han: dict[str, tuple[Entry, ...]]
    longest_han: int


def tokenise(text: str) -> list[Token]:
    """Cut a text (already in NFKC form) into tokens; anything else, such as emoji, is skipped."""
    return [_token(match) for match in _TOKEN.finditer(text)]


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or ""
    if match["percent"] is not None:
        return Token("percent", match[0], match["of_hundred"])
    if kind == "word":
        return Token(kind, match[0], _POSSESSIVE.sub("", match[0].lower().replace("’", "'")))
    if kind == "han":
        return Token(kind, match[0], match[0].translate(_to_simplified()))
    return Token(kind, match[0], match[0].lower())


@cache
def _to_simplified() -> dict[int, str]:
    words = vocabulary()
    return {ord(old): new for old, new in zip(words.traditional, words.simplified, strict=True)}


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
def _lexicon() -> _Lexicon:
    root, han = _Node(), dict[str, tuple[Entry, ...]]()
    for phrase, entries in _phrases():
        tokens = tokenise(unicodedata.normalize("NFKC", phrase))
        if len(tokens) == 1 and tokens[0].kind == "han":
            han.setdefault(tokens[0].key, entries)
            continue
        node = root
        for token in tokens:
            node = node.children.setdefault(token.key, _Node())
        node.entries = node.entries or entries
    bases = _bases(root)
    return _Lexicon(root, bases, _by_start(bases), han, max(map(len, han)))


def _phrases() -> Iterator[tuple[str, tuple[Entry, ...]]]:
    """Every phrase of the vocabulary with its meaning; compounds mean several entries."""
    words = vocabulary()
    meaning = {phrase: entry for entry in reversed(words.entries()) for phrase in entry.en + entry.zh}
    for compound in words.compounds:
        for phrase in compound.words:
            yield phrase, tuple(meaning[part] for part in compound.means)
    for phrase, entry in meaning.items():
        yield phrase, (entry,)


def _bases(root: _Node) -> dict[str, tuple[str, ...]]:
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


def _by_start(forms: dict[str, tuple[str, ...]]) -> dict[tuple[str, int], tuple[str, ...]]:
    """Group forms by first letter and length: a misspelling keeps its first letter and nearly its length."""
    groups: dict[tuple[str, int], list[str]] = {}
    for form in sorted(forms):
        groups.setdefault((form[0], len(form)), []).append(form)
    return {key: tuple(group) for key, group in groups.items()}


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


def _respelled(word: str) -> str | None:
    """Return the known word that this one is a misspelling of, if there is just one edit between them."""
    rules, lexicon = vocabulary().misspellings, _lexicon()
    for length in (len(word), len(word) + 1, len(word) - 1):
        for form in lexicon.spellings.get((word[0], length), ()):
            long_enough = min(len(word), len(form)) >= rules.shortest or form in rules.short_words
            if long_enough and one_edit_apart(word, form):
                return form
    return None


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
    known = _lexicon().bases
    notes: dict[str, None] = {}
    mended = []
    for token in tokens:
        right = _respelled(token.key) if token.kind == "word" and token.key not in known else None
        if right:
            notes[f"Read '{token.text}' as '{right}'."] = None
        mended.append(Token(token.kind, token.text, right) if right else token)
    return mended, list(notes)


def _match(tokens: list[Token], position: int) -> tuple[int, list[Item]]:
    """Return how many tokens the longest phrase at this position takes, and its items."""
    token = tokens[position]
    if token.kind == "han":
        return 1, _segmented(token)
    length, entries = _longest(tokens, position, _lexicon().root)
    if length:
        words = " ".join(part.text for part in tokens[position : position + length])
        return length, [Item(words, entry) for entry in entries]
    return 1, [Item(token.text, _literal(token))]


def _longest(tokens: list[Token], position: int, node: _Node) -> tuple[int, tuple[Entry, ...]]:
    """Follow the tree of phrases as far as it goes."""
    best: tuple[int, tuple[Entry, ...]] = (0, ())
    if position == len(tokens) or tokens[position].kind not in ("word", "number", "unit"):
        return best
    for base in _lexicon().bases.get(tokens[position].key, ()):
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
    match token.kind:
        case "colour":
            return ColourWord(shown=token.key, hex=token.key)
        case "parameter":
            return Mood()
        case "percent":
            return Quantity(shown=f"{_number(token.key):g}%", ratio=_number(token.key), unit=Measure.PERCENT)
        case "number":
            return Quantity(shown=token.text, ratio=_number(token.key), unit=Measure.BARE)
        case "unit":
            return Silent()
        case "hard":
            return Joiner(joint=Joint.HARD)
        case "comma":
            return Joiner(joint=Joint.COMMA)
    return None


def _number(text: str) -> float:
    """Return the value of digits, or of Chinese numerals below a thousand."""
    if text[0].isdigit():
        return min(float(text), 1e6)
    total, digit = 0, 0
    for character in text:
        scale = {"十": 10, "百": 100}.get(character)
        if scale:
            total, digit = total + max(digit, 1) * scale, 0
        else:
            digit = _HAN_DIGITS.get(character, 0)
    return float(total + digit)


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
    words = f"{number.words} {unit.words}"
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
    lexicon = _lexicon()
    pieces: list[tuple[str, tuple[Entry, ...]]] = []
    position = 0
    while position < len(run.key):
        for length in range(min(lexicon.longest_han, len(run.key) - position), 0, -1):
            entries = lexicon.han.get(run.key[position : position + length])
            if entries or length == 1:
                pieces.append((run.text[position : position + length], entries or ()))
                position += length
                break
    return pieces
