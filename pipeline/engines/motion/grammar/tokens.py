"""From text to tokens: words, runs of Chinese, numbers and marks."""

import re
from dataclasses import dataclass
from functools import cache

from pipeline.engines.motion.grammar.words import vocabulary

_TOKEN = re.compile(
    r"""
    (?P<colour> \#[0-9a-f]{6}(?![0-9a-f]) )
  | (?P<parameter> --(?!no\b)[a-z]+(?:[ ]+[\d.:]+)? | <[^<>\s]{1,80}> )   # --ar 16:9, <lora:name:1>: other programs'
  | (?P<percent> 百分之(?P<of_hundred>[零一二两三四五六七八九十百\d]+) )
  | (?P<number> \d+(?:\.\d+)? | [一二两三四五六七八九十百]+(?=[度倍]) )
  | (?P<han> (?:(?!百分之|[一二两三四五六七八九十百]+[度倍])[\u3007\u3400-\u4dbf\u4e00-\u9fff])+ )
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
    """One piece of text from `start` on. `kind` is its group in _TOKEN; `key` is its form for look-up."""

    kind: str
    text: str
    key: str
    start: int


def tokenise(text: str) -> list[Token]:
    """Cut a text (already in NFKC form) into tokens; anything else, such as emoji, is skipped."""
    return [_token(match) for match in _TOKEN.finditer(text)]


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or ""
    if match["percent"] is not None:
        return Token("percent", match[0], match["of_hundred"], match.start())
    key = match[0].lower()
    if kind == "word":
        key = _POSSESSIVE.sub("", key.replace("’", "'"))
    elif kind == "han":
        key = match[0].translate(_to_simplified())
    return Token(kind, match[0], key, match.start())


@cache
def _to_simplified() -> dict[int, str]:
    words = vocabulary()
    return {ord(old): new for old, new in zip(words.traditional, words.simplified, strict=True)}


def number_of(text: str) -> float:
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
