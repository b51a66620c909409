"""What a language model is asked for, and asked again where its answer cannot be used."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pipeline.planning.answer import BadAnswer, Prompts, read_answer

SYSTEM = (
    "You plan the key frames of a short film in which one picture slowly becomes another. For each key frame you write "
    "a prompt for an image generator: one concrete description of what is to be seen, in English, in at most 40 words. "
    "Keep in every prompt what both pictures have in common, such as the subject, the place and the style. The rest "
    "changes gradually, a little with each prompt, so that neighbours are much alike and no two are the same. "
    "Describe each key frame as a still picture of its own: never speak of a change, a transition, a film, a frame or "
    "another picture. Answer with a JSON list of strings and nothing else."
)

EXACTLY = "exactly {count}"
"""How the number of prompts is named in a request."""

TOKENS_PER_PROMPT, TOKENS_AROUND = 80, 64
"""Room in an answer for each prompt, half as much again as 40 words take, and for what stands around them."""

MAX_QUOTED = 2000
"""Characters of an answer that the model is shown again: an endless one must not fill its memory."""


@dataclass(frozen=True)
class Message:
    """One message of a conversation, as chat templates take it."""

    role: Literal["system", "user", "assistant"]
    content: str


def write_prompts(ask: Callable[[list[Message]], str], caption0: str, caption1: str, count: int) -> tuple[Prompts, str]:
    """Let a model write `count` prompts from one caption to the other; a fault in its answer may be mended once.

    `ask` returns the model's answer to a conversation. Returns the prompts, and what was wrong with the first answer,
    empty where nothing was. Raises BadAnswer, with the fault of the second answer, where that is wrong too.
    """
    messages = request(caption0, caption1, count)
    answer = ask(messages)
    try:
        return read_answer(answer, count), ""
    except BadAnswer as error:
        fault = str(error)
    return read_answer(ask([*messages, *objection(answer, fault, count)]), count), fault


def request(caption0: str, caption1: str, count: int) -> list[Message]:
    """The conversation that asks for the prompts."""
    number = EXACTLY.format(count=count)
    wanted = (
        f"First picture: {_plain(caption0)}\n"
        f"Last picture: {_plain(caption1)}\n\n"
        f"Write {number} prompt{'s' * (count != 1)} for the key frames between them, in order: the first one is still "
        "close to the first picture, the last one already close to the last picture."
    )
    return [Message("system", SYSTEM), Message("user", wanted)]


def objection(answer: str, fault: str, count: int) -> list[Message]:
    """What is added to the conversation to have an answer mended."""
    number = EXACTLY.format(count=count)
    wanted = (
        f"This cannot be used. {fault} Answer with a JSON list of {number} string{'s' * (count != 1)}, nothing else."
    )
    return [Message("assistant", _plain(answer)[:MAX_QUOTED]), Message("user", wanted)]


def answer_limit(count: int) -> int:
    """The most tokens of an answer with `count` prompts."""
    return TOKENS_AROUND + TOKENS_PER_PROMPT * count


def _plain(text: str) -> str:
    """A text on one line in which nothing can be taken for a token of a chat template, such as <|end|>."""
    return " ".join(text.replace("<|", "< ").replace("|>", " >").split())
