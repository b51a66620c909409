"""From what the model says to a caption."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines.florence2.captions import MAX_CHARACTERS, caption


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("</s><s>A cat on a mat</s>", "A cat on a mat."),
        ("</s><s>A cat sits. It sleeps.</s><pad><pad>", "A cat sits. It sleeps."),
        ("<s>The image shows a cat sitting\non  a mat.</s>", "A cat sitting on a mat."),
        ("In this image we can see a cat and a dog.", "A cat and a dog."),
        ("In the picture, there are two cats.", "Two cats."),
        ("The image is a close-up of a cat's face.", "A close-up of a cat's face."),
        ("This image is of a cat.", "A cat."),
        ("The image is blurry.", "The image is blurry."),
        ("A painting. The image shows a cat.", "A painting. The image shows a cat."),
        ("a<loc_12><loc_999> cat , asleep .", "A cat, asleep."),
        ("Is it a cat?", "Is it a cat?"),
        ("A cat \ufffd on a mat,", "A cat on a mat."),
        ("a sign of Dr. Who on a wall", "A sign of Dr. Who on a wall."),
        ("", ""),
        ("</s><s></s>", ""),
        (" ... <loc_3>", ""),
    ],
)
def test_an_answer_becomes_whole_sentences_on_what_is_shown(answer: str, expected: str) -> None:
    assert caption(answer) == expected


def test_a_caption_that_is_too_long_ends_with_its_last_whole_sentence() -> None:
    sentence = "A cat sits on a mat by the fire. "
    text = caption(sentence * 100)
    assert text.endswith("by the fire.")
    assert MAX_CHARACTERS - len(sentence) <= len(text) <= MAX_CHARACTERS


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.text(alphabet="ab .,<>s/\n", max_size=3000))
def test_any_answer_gives_one_line_that_ends_a_sentence_and_has_words_or_nothing(answer: str) -> None:
    text = caption(answer)
    assert len(text) <= MAX_CHARACTERS
    assert text == " ".join(text.split())
    assert text == "" or (text[-1] in ".!?" and any(character.isalnum() for character in text))
