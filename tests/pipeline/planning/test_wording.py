"""Captions in clauses and words, and clauses of several captions as one text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.planning.wording import Clause, is_ideograph, join, spaced, split

PIECES = st.sampled_from(["a", "red", "it's", " ", " ", *"3猫红色()-。，.,!…"])


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("a red house, blue sky.", [("a red house", ","), ("blue sky", ".")]),
        ("At 3.15 o'clock: 1,000 hens", [("At 3.15 o'clock", ":"), ("1,000 hens", "")]),
        ('A sign says "Open." A door?!', [('A sign says "Open', '."'), ("A door", "?!")]),
        ("红色的房子，蓝天。", [("红 色 的 房 子", "，"), ("蓝 天", "。")]),
        ("3只猫 on a mat,,  yes", [("3 只 猫 on a mat", ",,"), ("yes", "")]),
        (", . ... ", []),
        ("", []),
    ],
)
def test_a_text_is_split_at_the_marks_that_end_clauses(text: str, clauses: list[tuple[str, str]]) -> None:
    assert split(text) == tuple(Clause(tuple(words.split()), mark) for words, mark in clauses)


@given(st.lists(PIECES).map("".join))
def test_splitting_keeps_every_letter(text: str) -> None:
    kept = "".join(word for clause in split(text) for word in clause.words)
    assert re.sub(r"[\W_]", "", kept) == re.sub(r"[\W_]", "", text)


@pytest.mark.parametrize(
    ("clauses", "end", "text"),
    [
        ([("A house", ","), ("blue sky", ",")], "", "A house, blue sky"),
        ([("A house", ","), ("blue sky", ",")], ".", "A house, blue sky."),
        ([("A house", ","), ("The sky is blue", ".")], "", "A house, the sky is blue."),
        ([("A house", ","), ("Rome at night", "")], ".", "A house, Rome at night."),
        ([("A house", ""), ("a tree", "")], "", "A house, a tree"),
        ([("a house", "."), ("a tree", "")], "", "a house. A tree"),
        ([('A sign says "Open', '."'), ("The door", "")], ".", 'A sign says "Open." The door.'),
        ([("红 色 的 房 子", ""), ("蓝 天", "")], "。", "红色的房子，蓝天。"),
        ([], ".", ""),
    ],
)
def test_clauses_become_a_text_with_the_marks_and_letters_it_needs(
    clauses: list[tuple[str, str]], end: str, text: str
) -> None:
    assert join([Clause(tuple(words.split()), mark) for words, mark in clauses], end) == text


def test_ideographs_take_no_space() -> None:
    assert spaced(("a", "red", "cat")) == "a red cat"
    assert spaced(("3", "只", "猫")) == "3只猫"
    assert is_ideograph("猫")
    assert not is_ideograph("a")
