"""The cards that ship, and those that a user writes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import catalogue
from pipeline.catalogue import (
    FamilyName,
    ModelCard,
    Phase,
    Role,
    all_names,
    find_card,
    get_card,
    get_helper,
    helper_names,
    model_names,
    read_card,
)
from pipeline.errors import InvalidSetting
from pipeline.paths import CATALOGUE
from pipeline.settings import Settings, make_settings

HUB = "https://huggingface.co"

PROMISED = {
    "i2vgen-xl",
    "svd",
    "svd-xt",
    "wan2.1-i2v-14b-480p",
    "wan2.1-flf2v-14b-720p",
    "wan2.1-vace-1.3b",
    "wan2.1-vace-14b",
    "wan2.2-i2v-a14b",
    "wan2.2-ti2v-5b",
    "ltx-video",
    "ltx-video-distilled",
    "cogvideox-5b-i2v",
    "framepack-i2v-hy",
}
PRESETS = ("draft", "standard", "high")

cards = pytest.mark.parametrize("card", [get_card(name) for name in sorted(PROMISED)], ids=lambda card: card.name)


@pytest.fixture
def user_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A catalogue of the user's own, empty."""
    monkeypatch.setattr(catalogue, "CATALOGUE", tmp_path)
    model_names.cache_clear()
    get_card.cache_clear()
    yield tmp_path
    model_names.cache_clear()
    get_card.cache_clear()


def content(name: str = "i2vgen-xl") -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((CATALOGUE / f"{name}.yaml").read_text(encoding="utf-8"))
    return values


def made(card: ModelCard, preset: str) -> Settings:
    return make_settings({"preset": preset, "animate": {"engine": card.name}})


def test_every_promised_model_is_in_the_catalogue_and_the_reference_comes_first() -> None:
    assert set(model_names()) >= PROMISED
    assert model_names()[0] == "i2vgen-xl"
    of_helpers = {get_helper(name).family for name in helper_names()}
    assert {get_card(name).family for name in PROMISED} == set(FamilyName) - of_helpers


@pytest.mark.parametrize("role", Role)
def test_helpers_are_found_by_their_role_the_smallest_first(role: Role) -> None:
    found = [get_helper(name, role) for name in helper_names(role)]
    assert len(found) == 2
    assert [card.total_bytes for card in found] == sorted(card.total_bytes for card in found)
    for card in found:
        assert bool(card.files) == bool(card.source) == (role is Role.INTERPOLATE)
        assert card.licence_url.startswith("https://github.com" if card.files else f"{HUB}/{card.repository}")
        assert card.summary.endswith(".")
        assert find_card(card.name) == card
        width = 4 if card.files or role is Role.DEPTH else 2  # bytes of each
        seeing = (card.resident or 0) if role is Role.ADAPTER else 0  # in 4 bytes each, beside the adapter
        assert card.download_bytes == pytest.approx(width * card.parameters + 2 * seeing, rel=0.02)


def test_a_helper_is_not_an_engine_nor_of_another_role() -> None:
    assert not set(helper_names()) & set(model_names())
    assert all_names() == model_names() + helper_names()
    with pytest.raises(InvalidSetting, match=r"There is no model 'phi-4': choose one of florence-2-base, "):
        get_helper("phi-4", Role.CAPTION)
    with pytest.raises(InvalidSetting, match=r"There is no model 'sdlx': did you mean 'sdxl'\?"):
        find_card("sdlx")


@cards
@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_of_each_model_obeys_its_rules(card: ModelCard, preset: str) -> None:
    settings, rules = made(card, preset), card.rules
    frames = settings.animate.num_frames
    assert rules.min_frames <= frames <= rules.max_frames
    assert (frames - rules.frames_offset) % rules.frames_multiple == 0
    size = (settings.prepare.width, settings.prepare.height)
    if size == (None, None):
        assert settings.prepare.resolution in rules.resolutions
    else:
        assert all(side is not None and side % rules.size_multiple == 0 and side <= rules.max_side for side in size)


@cards
def test_the_rules_agree_with_themselves(card: ModelCard) -> None:
    rules = card.rules
    assert rules.resolutions == tuple(sorted(set(rules.resolutions)))
    assert all(side % rules.size_multiple == 0 for side in rules.resolutions)
    assert rules.min_side <= rules.resolutions[0] <= rules.resolutions[-1] <= rules.max_side
    assert rules.max_side % rules.size_multiple == 0
    for frames in (rules.min_frames, rules.max_frames):
        assert (frames - rules.frames_offset) % rules.frames_multiple == 0


@cards
def test_presets_cost_what_their_names_say(card: ModelCard) -> None:
    assert set(card.presets) == set(PRESETS)
    assert card.presets["standard"] == {}
    work = []
    for preset in PRESETS:
        settings = made(card, preset)
        side = settings.prepare.height or settings.prepare.resolution
        work.append(side**2 * settings.animate.num_frames * settings.animate.num_inference_steps)
    assert work == sorted(work)
    assert work[0] < work[-1]


@cards
def test_each_card_says_where_it_comes_from_and_under_which_licence(card: ModelCard) -> None:
    repositories = [card.repository, *(part.repository for part in card.parts)]
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", repository) for repository in repositories)
    assert card.licence
    assert card.licence_url.startswith(f"https://huggingface.co/{card.repository}")
    assert all(part.licence for part in card.parts)
    assert card.total_bytes >= card.download_bytes > 1e9
    assert card.title
    assert card.summary.endswith(".")


@cards
def test_defaults_hold_nothing_that_the_model_does_not_take(card: ModelCard) -> None:
    animate = card.defaults["animate"]
    assert card.can.prompt or not card.can.negative_prompt
    assert card.can.negative_prompt or "negative_prompt" not in animate
    assert {"num_frames", "num_inference_steps", "guidance_scale"} <= set(animate)
    assert "fps" in card.defaults["encode"]


@cards
def test_the_networks_of_a_card_take_about_what_is_downloaded(card: ModelCard) -> None:
    parameters = sum(component.parameters for component in card.memory.components)
    assert 1.8 * parameters < card.total_bytes < 4.4 * parameters
    assert {phase for component in card.memory.components for phase in component.phases} >= {Phase.SAMPLE, Phase.DECODE}


def test_published_defaults_stand_in_the_cards() -> None:
    published = {
        "i2vgen-xl": (16, 50, 9.0, 8),
        "svd": (14, 25, 3.0, 7),
        "svd-xt": (25, 25, 3.0, 7),
        "wan2.1-i2v-14b-480p": (81, 50, 5.0, 16),
        "wan2.1-flf2v-14b-720p": (81, 50, 5.5, 16),
        "wan2.1-vace-1.3b": (81, 50, 5.0, 16),
        "wan2.1-vace-14b": (81, 50, 5.0, 16),
        "wan2.2-i2v-a14b": (81, 40, 3.5, 16),
        "wan2.2-ti2v-5b": (121, 50, 5.0, 24),
        "ltx-video": (161, 50, 3.0, 25),
        "ltx-video-distilled": (161, 8, 1.0, 25),
        "cogvideox-5b-i2v": (49, 50, 6.0, 8),
        "framepack-i2v-hy": (109, 30, 9.0, 30),
    }
    for name, values in published.items():
        settings = made(get_card(name), "standard")
        animate = settings.animate
        found = (animate.num_frames, animate.num_inference_steps, animate.guidance_scale, float(settings.encode.fps))
        assert found == values, name
    assert made(get_card("i2vgen-xl"), "standard").prepare.resolution == 512


def test_a_file_of_the_users_own_becomes_a_model(user_models: Path) -> None:
    values = content() | {"title": "My Model", "repository": "me/mine", "licence_url": "https://example.org"}
    (user_models / "my-model.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    assert model_names() == ("my-model",)
    assert (get_card("my-model").title, get_card("my-model").family) == ("My Model", FamilyName.I2VGEN_XL)
    settings = make_settings({"animate": {"engine": "my-model"}})
    assert (settings.animate.num_frames, settings.prepare.resolution) == (16, 512)


def test_an_unknown_model_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(InvalidSetting, match=r"There is no model 'i2vgenxl': did you mean 'i2vgen-xl'\?"):
        get_card("i2vgenxl")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"family": "sora"}, "family"),
        ({"download_bytes": -1}, "download_bytes"),
        ({"colour": "red"}, "colour"),
        ({"rules": {"size_multiple": 8, "resolutions": [512], "max_frames": "many"}}, "rules.max_frames"),
        ({"precision": "float7"}, "precision"),
        ({"repository": None}, "repository"),
    ],
)
def test_a_card_that_is_wrong_is_one_sentence_with_file_and_field(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content() | change), encoding="utf-8")
    with pytest.raises(InvalidSetting) as caught:
        read_card(path, ModelCard)
    sentence = str(caught.value)
    assert sentence.startswith("The model card mine.yaml is not valid: ")
    assert words in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("text", ["- a list", "family: [", "", "\x00"])
def test_a_card_that_is_no_card_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSetting, match=r"The model card mine\.yaml (cannot be read|must hold fields)"):
        read_card(path, ModelCard)
