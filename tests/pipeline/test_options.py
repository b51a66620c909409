"""The flat list of settings from which the command line, the documents and the form are derived."""

from pipeline.options import default_text, nest, options, range_text
from pipeline.settings import Settings, make_settings

BY_NAME = {option.name: option for option in options()}


def test_every_setting_has_a_help_text_that_ends_like_a_sentence() -> None:
    for option in BY_NAME.values():
        assert option.help.endswith("."), option.name


def test_the_names_of_the_contract_exist() -> None:
    names = "prompt preset seed prepare.width prepare.height animate.engine animate.num_frames encode.fps encode.crf"
    names += " animate.num_inference_steps animate.guidance_scale animate.negative_prompt"
    assert set(names.split()) <= set(BY_NAME)


def test_every_default_can_be_typed_again() -> None:
    typed = {name: default_text(option) for name, option in BY_NAME.items() if default_text(option)}
    assert make_settings(nest(typed)) == Settings()


def test_bounds_and_choices_are_found() -> None:
    assert range_text(BY_NAME["prepare.width"]) == "16 to 4096"
    assert range_text(BY_NAME["encode.format"]) == "mp4, webm, gif"
    assert BY_NAME["prepare.width"].optional
    assert BY_NAME["prepare.masks"].many
    assert BY_NAME["animate.motion.loop"].kind is bool
