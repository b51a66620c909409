"""What is read out of a model's answer, and what is wrong with one, in words."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.planning import BadAnswer, read_answer
from pipeline.planning.answer import MAX_CHARACTERS, MAX_WORDS

THREE = ("a red house", "a pink house", "a white house")
LIST = json.dumps(THREE)


@pytest.mark.parametrize(
    "answer",
    [
        LIST,
        f"```json\n{LIST}\n```",
        f"Sure! [Here] is the list (3 items):\n{LIST}\nLet me know {{if}} you [1] need more.",
        json.dumps({"prompts": THREE}),
        json.dumps({"count": 3, "prompts": THREE}),
        json.dumps({"keyframes": THREE}),
        json.dumps([{"frame": number, "prompt": text} for number, text in enumerate(THREE)]),
        json.dumps([f"{number}. {text}" for number, text in enumerate(THREE, 1)]),
        json.dumps([f"Key frame {number}: {text}" for number, text in enumerate(THREE, 1)]),
        json.dumps([f"  {text} \n" for text in THREE]),
        LIST + LIST.upper(),
    ],
)
def test_the_list_is_found_whatever_stands_around_it(answer: str) -> None:
    assert read_answer(answer, 3).texts == THREE
    assert read_answer(answer, 3).shortened == ()


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("", "no JSON list"),
        ("a red house, a pink house", "no JSON list"),
        (LIST[:-3], "no JSON list"),
        ("[1, 2, 3]", "no JSON list"),
        ("[" * 100_000, "no JSON list"),
        ('{"a": ["x"], "b": ["y"]}', "no JSON list"),
        ('{"prompts": "a red house"}', "no JSON list"),
        (json.dumps(THREE[:2]), "has 2 items, not 3"),
        (json.dumps(THREE[:1]), "has 1 item, not 3"),
        (json.dumps([*THREE, "a blue house"]), "has 4 items, not 3"),
        ('["a red house", " ", "a white house"]', "Item 2 is not"),
        ('["a red house", "a pink house", "..."]', "Item 3 is not"),
        ('["a red house", 7, "a white house"]', "Item 2 is not"),
        ('[{"text": "a red house"}, "a pink house", "a white house"]', "Item 1 is not"),
        ('["a house", "A house", "a  house"]', "are the same"),
    ],
)
def test_what_is_wrong_is_said_so_that_it_can_be_mended(answer: str, fault: str) -> None:
    with pytest.raises(BadAnswer, match=fault) as raised:
        read_answer(answer, 3)
    assert str(raised.value).endswith(".")


def test_a_single_prompt_is_no_repetition() -> None:
    assert read_answer('["a house"]', 1).texts == ("a house",)


def test_numbers_that_belong_to_a_prompt_stay() -> None:
    assert read_answer('["3 cats", "2.5 metres of snow", "10 o\'clock: night"]', 3).texts[:2] == (
        "3 cats",
        "2.5 metres of snow",
    )


def test_long_prompts_are_cut_at_the_end_of_a_phrase() -> None:
    phrase = "a red house by the sea under a blue sky, "
    prompts = read_answer(json.dumps([phrase * 9, "a house", "x" * 5000]), 3)
    assert prompts.shortened == (1, 3)
    assert prompts.texts[0].endswith("under a blue sky")
    assert MAX_WORDS - 10 <= len(prompts.texts[0].split()) <= MAX_WORDS
    assert len(prompts.texts[2]) == MAX_CHARACTERS
    assert read_answer(json.dumps(["word " * 100]), 1).texts[0] == ("word " * MAX_WORDS).strip()
    assert read_answer(json.dumps(["红色的房子，蓝色的天空，" * 50]), 1).texts[0].endswith("天空")


@given(st.lists(st.text(max_size=500), min_size=1, max_size=6), st.text(alphabet='ab [{"\n', max_size=20))
def test_any_list_gives_its_texts_or_a_fault(texts: list[str], before: str) -> None:
    try:
        prompts = read_answer(f"{before}\n{json.dumps(texts)}", len(texts))
    except BadAnswer:
        return
    assert len(prompts.texts) == len(texts)
    for text in prompts.texts:
        assert text == " ".join(text.split())
        assert 0 < len(text) <= MAX_CHARACTERS
        assert len(text.split()) <= MAX_WORDS


@given(st.text(alphabet='[]{}",:a1 \\n', max_size=200), st.integers(1, 3))
def test_no_answer_is_too_strange(answer: str, count: int) -> None:
    with suppress(BadAnswer):
        assert len(read_answer(answer, count).texts) == count
