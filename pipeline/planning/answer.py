"""What a language model answered, as prompts; and what is wrong with it, in words that the model can act upon."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_WORDS = 60
"""Longest prompt: about as many words as the 77 tokens of CLIP, which painters read, hold."""

MAX_CHARACTERS = 400
"""The same for texts without spaces, and for words of great length."""

_NUMBERING = re.compile(
    r"(?:(?:key\s?frame|frame|prompt|step|scene)\s*#?\d+\s*[:.)\-–—]|#?\d+\s*[:.)])\s+", re.IGNORECASE
)
"""What models like to begin with, and painters can do nothing with."""

_BRACKET = re.compile(r"[\[{]")

_PHRASE_END = re.compile(r"[,;:.!?](?=\s)|[，、；：。！？]")


class BadAnswer(ValueError):
    """An answer that is no plan; its message says in one sentence why."""


@dataclass(frozen=True)
class Prompts:
    """The prompts of an answer, as many as were asked for, and the numbers (from 1) of those that were cut short."""

    texts: tuple[str, ...]
    shortened: tuple[int, ...] = ()


def read_answer(text: str, count: int) -> Prompts:
    """The `count` prompts of an answer: of the first JSON list in it, whatever stands around it.

    The list may be the value of "prompts" in an object, and its items objects with a "prompt". Longer prompts are cut
    at the end of a phrase. Raises BadAnswer where there is no list of `count` texts, one is empty, or all are the same.
    """
    items = next(filter(None, map(_items, _values(text))), None)
    if items is None:
        raise BadAnswer("There is no JSON list of strings in it.")
    if len(items) != count:
        raise BadAnswer(f"The list has {len(items)} item{'s' * (len(items) != 1)}, not {count}.")
    texts = [_text(item) for item in items]
    for number, each in enumerate(texts, start=1):
        if not any(character.isalnum() for character in each):
            raise BadAnswer(f"Item {number} is not a description in words.")
    if count > 1 and len(set(map(str.casefold, texts))) == 1:
        raise BadAnswer("All descriptions are the same.")
    cut = [_shortened(each) for each in texts]
    return Prompts(tuple(cut), tuple(n for n, pair in enumerate(zip(texts, cut, strict=True), 1) if pair[0] != pair[1]))


def _values(text: str) -> Iterator[Any]:
    """The JSON values in a text that begin with a bracket, from left to right, none inside another."""
    decoder, place = json.JSONDecoder(), 0
    while match := _BRACKET.search(text, place):
        try:
            value, place = decoder.raw_decode(text, match.start())
            yield value
        except ValueError:
            place = match.end()
        except RecursionError:
            return  # no plan is nested like that, and looking inside would take long


def _items(value: Any) -> list[Any] | None:
    """The list that a JSON value is or holds; None where there is none, or one without texts such as [1]."""
    if isinstance(value, dict):
        lists = [value["prompts"]] if "prompts" in value else list(value.values())
        value = lists[0] if len(lists) == 1 else None
    if isinstance(value, list) and any(isinstance(item, str | dict) for item in value):
        return value
    return None


def _text(item: Any) -> str:
    """The prompt that an item of the list is or holds, on one line and without a number; empty where it is none."""
    if isinstance(item, dict):
        item = item.get("prompt")
    return _NUMBERING.sub("", " ".join(item.split()), count=1) if isinstance(item, str) else ""


def _shortened(text: str) -> str:
    """A text of at most MAX_WORDS and MAX_CHARACTERS, cut after its last whole phrase within them, or its last word."""
    limited = " ".join(text.split(" ")[:MAX_WORDS])
    if len(limited) > MAX_CHARACTERS:
        limited = limited[:MAX_CHARACTERS].rpartition(" ")[0] or limited[:MAX_CHARACTERS]
    if limited == text:
        return text
    ends = [match.start() for match in _PHRASE_END.finditer(limited) if match.start() >= len(limited) // 2]
    return limited[: ends[-1]] if ends else limited
