"""Settings: presets, bounds, frame rates, and the one sentence when something is wrong."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalogue import merge
from pipeline.errors import InvalidSetting
from pipeline.settings import Settings, load_preset, make_settings, parse_fps, preset_names


def test_defaults_are_three_seconds() -> None:
    settings = Settings()
    assert settings.animate.num_frames / settings.encode.fps == 3


def test_standard_preset_is_the_defaults() -> None:
    assert make_settings({}) == make_settings({"preset": "standard"}) == Settings()


def test_the_contract_names_three_presets_first() -> None:
    assert preset_names()[:3] == ["draft", "standard", "high"]


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid_and_holds_only_differences(name: str) -> None:
    settings = make_settings({"preset": name})
    for section, values in load_preset(name).items():
        for field in values:
            assert getattr(getattr(settings, section), field) != getattr(getattr(Settings(), section), field)


def test_what_is_given_wins_over_the_preset() -> None:
    settings = make_settings({"preset": "draft", "encode": {"crf": 30}})
    assert settings.encode.crf == 30
    assert settings.encode.x264_preset == "veryfast"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"preset": "ultra"}, ["no preset 'ultra'", "draft, standard, high"]),
        ({"animate": {"num_frames": 0}}, ["animate.num_frames", "greater than or equal to 1", "0"]),
        ({"animate": {"num_frame": 5}}, ["no setting 'animate.num_frame'"]),
        ({"encode": {"fps": "fast"}}, ["encode.fps", "30000/1001", "fast"]),
        ({"encode": {"fps": "1/0"}}, ["encode.fps"]),
        ({"encode": {"fps": 240}}, ["encode.fps", "120"]),
        ({"prepare": {"width": 40000}}, ["prepare.width", "4096"]),
        ({"prepare": {"background": "red"}}, ["prepare.background"]),
        ({"seed": 2**32}, ["seed", "4294967295"]),
        ({"animate": {"motion": {"amount": "nan"}}}, ["animate.motion.amount"]),
    ],
)
def test_a_wrong_value_is_named_in_one_sentence(changes: dict[str, object], words: list[str]) -> None:
    with pytest.raises(InvalidSetting) as caught:
        make_settings(changes)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("30", Fraction(30)),
        (24, Fraction(24)),
        ("29.97", Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("12.5", Fraction(25, 2)),
        (" 60 ", Fraction(60)),
    ],
)
def test_frame_rates_are_exact(text: object, rate: Fraction) -> None:
    assert parse_fps(text) == rate


@given(st.fractions(min_value=1, max_value=120, max_denominator=1001))
def test_a_frame_rate_survives_the_record(rate: Fraction) -> None:
    settings = make_settings({"encode": {"fps": rate}})
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_merge_leaves_its_arguments_alone() -> None:
    base = {"encode": {"crf": 1}}
    assert merge(base, {"encode": {"fps": 2}, "seed": 3}) == {"encode": {"crf": 1, "fps": 2}, "seed": 3}
    assert base == {"encode": {"crf": 1}}


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().seed = 3  # type: ignore[misc]
