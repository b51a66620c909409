"""Prompts by rule: readable examples, and what holds for any two captions."""

import re
import string
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.planning import template_plan
from pipeline.planning.wording import key, split

WORDS = st.sampled_from(
    ["a", "the", "red", "white", "house", "cat", "in", "on", "and", "sitting", "of", "is", *"3猫红色的"]
)
MARKS = st.sampled_from([" ", " ", " ", ", ", ". ", "; ", "，", "。"])
CAPTIONS = st.lists(st.tuples(WORDS, MARKS), max_size=25).map(lambda parts: "".join(map("".join, parts)))
COUNTS = st.integers(1, 32)


def words(text: str) -> list[str]:
    return [key(word) for clause in split(text) for word in clause.words]


def test_parts_that_differ_cross_over_one_after_the_other() -> None:
    assert template_plan("a red house in summer, blue sky", "a red house in winter, grey sky", 5) == (
        "a red house in summer, blue sky",
        "a red house in winter, blue sky",
        "a red house in winter, grey sky",
    )


def test_what_is_new_comes_in_order_and_what_is_gone_goes_in_order() -> None:
    plain, rich = "a street at night", "a street at night, wet with rain, neon signs"
    expected = (plain, "a street at night, wet with rain", rich)
    assert template_plan(plain, rich, 5) == expected
    assert template_plan(rich, plain, 5) == expected[::-1]


@pytest.mark.parametrize(
    ("caption0", "caption1", "between"),
    [
        ("a cat on a sofa", "a dog in a garden", ["a dog on a sofa"]),
        ("A cat standing on a bench.", "A cat standing on a bed by a lamp.", ["A cat standing on a bench by a lamp."]),
        ("a tall tower by the sea", "a hut by the lake", ["a tall tower by the lake"]),
        ("A street in Paris. It is day.", "A street in Rome. It is night.", ["A street in Rome. It is day."]),
        ("一座红色的房子，夏天的天空", "一座白色的房子，冬天的天空", ["一座红色的房子，冬天的天空"]),
        ("夏天的湖，白天，3只船", "冬天的湖，夜晚，3只船", ["夏天的湖，夜晚，3只船"]),
    ],
)
def test_what_lies_between_can_be_read(caption0: str, caption1: str, between: list[str]) -> None:
    assert template_plan(caption0, caption1, 9) == (caption0, *between, caption1)


def test_captions_of_a_model_give_whole_sentences() -> None:
    plan = template_plan(
        "A cat sitting on a wooden table. The table has a white cloth on it. There is a window with green plants.",
        "A dog lying on a wooden floor. There is a red ball next to it. There is a window with a view of the sea.",
        9,
    )
    assert plan[1:4] == (
        "A dog sitting on a wooden table. The table has a white cloth on it. There is a window with green plants.",
        "A dog lying on a wooden table. The table has a white cloth on it. There is a window with green plants.",
        "A dog lying on a wooden floor. The table has a white cloth on it. There is a window with green plants.",
    )
    assert all(re.fullmatch(r"(?:[A-Z][^.]+\. )*[A-Z][^.]+\.", prompt) for prompt in plan)


@pytest.mark.parametrize(
    ("caption0", "caption1", "between"),
    [
        ("a house", "A house. A tree. A dog.", "A house. A dog."),
        ("A dog. There is a cat. It rains.", "A dog, a bird", "A dog. There is a cat."),
        ("一座房子", "一座房子，一棵树，一只狗。", "一座房子，一棵树"),
        ("A barn (old), 1,000 hens", "A barn (new), 1,000 hens, it's dawn", "A barn (old), 1,000 hens, it's dawn"),
    ],
)
def test_clauses_of_both_captions_are_joined_as_sentences(caption0: str, caption1: str, between: str) -> None:
    assert between in template_plan(caption0, caption1, 9)


def test_captions_with_nothing_in_common_are_left_to_the_painter() -> None:
    assert template_plan("a cat", "fireworks", 8) == ("a cat", "fireworks")
    assert template_plan("上海的夜景", "海上的日出", 8) == ("上海的夜景", "海上的日出")


@pytest.mark.parametrize("count", [1, 5])
def test_without_two_captions_there_is_one_prompt(count: int) -> None:
    assert template_plan("", " ", count) == ("",)
    assert template_plan("", "a boat\n at sea", count) == ("a boat at sea",)
    assert template_plan("a boat", "", count) == ("a boat",)
    assert template_plan("A boat, at sea.", "a boat, at sea", count) in [("A boat, at sea.",), ("a boat, at sea",)]


def test_a_single_key_frame_gets_what_lies_in_the_middle() -> None:
    plan = template_plan("a red house, blue sky, a dog", "a white house, grey sky, a cat", 1)
    assert len(plan) == 1
    assert len(set(words(plan[0])) & {"white", "grey", "cat"}) in (1, 2)


def test_where_captions_differ_in_many_places_the_ends_are_near_them() -> None:
    letters = string.ascii_lowercase[:20]
    plan = template_plan(
        ", ".join(f"old {each}x" for each in letters), ", ".join(f"new {each}x" for each in letters), 5
    )
    assert [prompt.count("new") for prompt in plan] in ([2, 6, 10, 14, 18], [2, 6, 10, 14, 19])


@given(CAPTIONS, CAPTIONS, COUNTS)
@example("a", "A", 3)
@example("...", "a; b", 3)
def test_any_captions_give_a_way_whose_return_is_its_reverse(caption0: str, caption1: str, count: int) -> None:
    plan = template_plan(caption0, caption1, count)
    assert 1 <= len(plan) <= count
    assert template_plan(caption1, caption0, count) == plan[::-1]
    assert all(prompt == " ".join(prompt.split()) for prompt in plan)
    assert all(before != after for before, after in pairwise(plan))


@given(CAPTIONS, CAPTIONS, COUNTS)
def test_every_prompt_is_made_of_the_captions_and_nears_the_second(caption0: str, caption1: str, count: int) -> None:
    known0, known1 = set(words(caption0)), set(words(caption1))
    plan = template_plan(caption0, caption1, count)
    told = [set(words(prompt)) for prompt in plan]
    assert all(each <= known0 | known1 for each in told)
    if known0 and known1:
        assert all(told)
        counts0 = [len(each - known1) for each in told]
        counts1 = [len(each - known0) for each in told]
        assert counts0 == sorted(counts0, reverse=True)
        assert counts1 == sorted(counts1)


@given(CAPTIONS.filter(words), CAPTIONS.filter(words))
def test_with_enough_key_frames_the_way_goes_from_caption_to_caption(caption0: str, caption1: str) -> None:
    plan = template_plan(caption0, caption1, 60)
    if len(plan) > 1:
        assert (plan[0], plan[-1]) == (" ".join(caption0.split()), " ".join(caption1.split()))
    else:
        assert words(caption0) == words(caption1)


@given(st.text(max_size=120), st.text(max_size=120), COUNTS)
def test_any_text_at_all_is_taken(caption0: str, caption1: str, count: int) -> None:
    assert 1 <= len(template_plan(caption0, caption1, count)) <= count


@pytest.mark.parametrize(
    ("text0", "text1"),
    [
        ("ab " * 650, "ac " * 650),
        ("红白" * 1000, "红黑" * 1000),
        ("a,b, " * 400, "c,a, " * 400),
        ("a b " * 500, "b a " * 500),
    ],
)
def test_long_and_monotonous_captions_are_no_burden(text0: str, text1: str) -> None:
    assert template_plan(text0, text1, 32)
