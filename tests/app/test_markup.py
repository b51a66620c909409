"""Pieces of HTML: units for people, and nothing from outside that a browser would read as markup."""

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.markup import bar, bytes_text, details, facts, seconds_text, section, sentence, sentences, table


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 kB"), (812_000, "812 kB"), (4_200_000, "4.2 MB"), (10_240_000_000, "10.2 GB")]
)
def test_bytes_are_told_in_units_that_suit(count: int, text: str) -> None:
    assert bytes_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (42.4, "42 s"), (150.0, "2 min"), (5340.0, "89 min"), (9000.0, "2.5 h")]
)
def test_times_are_told_in_units_that_suit(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


@given(st.text())
def test_no_text_becomes_markup(text: str) -> None:
    nasty = f"<b>{text}"
    for piece in (sentence(nasty), sentences([("info", nasty)]), facts([(nasty, nasty)]), table("t", ["a"], [[nasty]])):
        assert "<b>" not in piece


@given(st.text(st.characters(exclude_characters="`")))
def test_a_sentence_is_shown_as_it_is(text: str) -> None:
    assert unescape(sentence(text)) == unescape(text.replace("&", "&amp;"))


def test_what_is_to_be_typed_stands_out() -> None:
    assert sentence("Run `python -m pipeline`, then <go>.") == "Run <code>python -m pipeline</code>, then &lt;go&gt;."


def test_parts_without_content_are_left_out() -> None:
    assert sentences([]) == table("t", ["a"], []) == details("More", "") == section("Part", "") == ""


@pytest.mark.parametrize(("fraction", "shown"), [(-1.0, "0"), (0.123, "12"), (7.0, "100")])
def test_a_bar_stays_between_its_ends(fraction: float, shown: str) -> None:
    assert f'aria-valuenow="{shown}"' in bar(fraction, "Progress")
