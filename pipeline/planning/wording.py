"""Captions as clauses and words, and back to text. English and Chinese, and others that part their words by spaces."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_PLACES = (
    "in",
    "on",
    "at",
    "by",
    "under",
    "over",
    "near",
    "behind",
    "beside",
    "between",
    "through",
    "against",
    "along",
)
_MORE_PLACES = ("above", "below", "around", "across", "beneath", "inside", "outside", "within", "amid", "among")
_OTHERS = ("with", "without", "into", "onto", "from", "toward", "towards", "during", "while", "where", "which", "who")

LEADS = frozenset((*_PLACES, *_MORE_PLACES, *_OTHERS))
"""Words that begin a phrase: what depends on them goes with them."""

ARTICLES = frozenset(
    ("a", "an", "the", "some", "several", "many", "two", "three", "another", "his", "her", "their", "its")
)
"""Words that begin what has a name."""

FUNCTION_WORDS = (
    LEADS
    | ARTICLES
    | {"and", "or", "but", "of", "to", "for", "as", "few", "very", "one", "this", "that", "these", "those", "whose"}
    | {"it", "there", "here", "he", "she", "they", "is", "are", "was", "were", "be", "been", "being", "has", "have"}
)
"""Words that say how others belong together, and little by themselves."""

FUNCTION_CHARACTERS = frozenset("的了在和是有一个着与及之座只张条片这那里上下中")
"""The same in Chinese, most of them also written in words such as 一个."""

SENTENCE_ENDS = ".!?。！？"

_IDEOGRAPH = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WIDE_MARKS = "，、；：。！？"
_WIDE = re.compile(f"[{_IDEOGRAPH}{_WIDE_MARKS}]")

_MARK = rf"""[{_WIDE_MARKS}] | [,;:.!?]+ ["')\]”’]* (?=\s|$|[{_IDEOGRAPH}])"""
_TOKEN = re.compile(
    rf"(?P<mark>{_MARK}) | (?P<word>[{_IDEOGRAPH}] | (?:(?![{_IDEOGRAPH}]|{_MARK})\S)+)",
    re.VERBOSE,
)
"""A mark that ends a clause, or a word: an ideograph, or what stands between spaces and marks, such as 1,000."""


@dataclass(frozen=True)
class Clause:
    """Words up to a mark such as a comma, with that mark; it is empty where a text ends without one."""

    words: tuple[str, ...]
    mark: str


def split(text: str) -> tuple[Clause, ...]:
    """The clauses of a text. Marks without words before them are left out."""
    clauses: list[Clause] = []
    words: list[str] = []
    for match in _TOKEN.finditer(text):
        if match["word"]:
            words.append(match["word"])
        elif words:
            clauses.append(Clause(tuple(words), match["mark"]))
            words = []
    if words:
        clauses.append(Clause(tuple(words), ""))
    return tuple(clauses)


def join(clauses: Sequence[Clause], end: str) -> str:
    """The text of clauses that may come from different texts; `end` is the mark after the last one.

    A comma parts those that have no mark, and letters after a mark become large or small as it asks.
    """
    written = ""
    mark = ""
    for number, clause in enumerate(clauses):
        words = _cased(clause.words, mark)
        last = number == len(clauses) - 1
        mark = (clause.mark if ends_sentence(clause.mark) else end) if last else clause.mark or _comma(words)
        written += _gap(written, words[0]) + spaced(words) + mark
    return written


def spaced(words: Iterable[str]) -> str:
    """Words in a row, with spaces between those that are written so."""
    written = ""
    for word in words:
        written += _gap(written, word) + word
    return written


def inside(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words as they stand inside a sentence: the first one small, where it is certainly no name."""
    if not words or key(words[0]) not in FUNCTION_WORDS:
        return words
    return words[0][0].lower() + words[0][1:], *words[1:]


def key(word: str) -> str:
    """What makes two words the same."""
    return word.casefold()


def is_ideograph(word: str) -> bool:
    """Whether a word is a single character of a script without spaces."""
    return len(word) == 1 and _WIDE.match(word) is not None


def ends_sentence(mark: str) -> bool:
    """Whether a mark ends a sentence, not only a clause."""
    return any(each in SENTENCE_ENDS for each in mark)


def content(words: Iterable[str]) -> frozenset[str]:
    """The words that carry the meaning; all of them where there are no others."""
    keys = frozenset(map(key, words))
    return (keys - FUNCTION_WORDS - FUNCTION_CHARACTERS) or keys


def _gap(before: str, word: str) -> str:
    """What stands between a text and the next word: ideographs and their marks take no space."""
    return "" if not before or _WIDE.match(before[-1]) or _WIDE.match(word) else " "


def _comma(words: Sequence[str]) -> str:
    return "，" if is_ideograph(words[-1]) else ","


def _cased(words: tuple[str, ...], mark: str) -> tuple[str, ...]:
    """Words as they stand after a mark."""
    if ends_sentence(mark):
        return words[0][0].upper() + words[0][1:], *words[1:]
    return inside(words) if mark else words
