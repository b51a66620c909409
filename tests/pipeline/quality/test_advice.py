"""Advice: given only for a reason, in the order of what helps most, as changes that can be run."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalogue import merge
from pipeline.quality import advise
from pipeline.records import Advice
from pipeline.settings import Settings
from tests.pipeline.quality.test_judge import GOOD, films


def asked(**animate: Any) -> Settings:
    values = {"engine": "i2vgen-xl", "num_inference_steps": 50, "guidance_scale": 9.0} | animate
    return Settings.model_validate({"prompt": "a cat turns its head", "seed": 7, "animate": values})


def keys(advice: list[Advice]) -> list[str]:
    return [entry.key for entry in advice]


@pytest.mark.parametrize("can_sample", [True, False])
def test_nothing_is_said_when_all_is_well_or_nothing_was_measured(can_sample: bool) -> None:
    assert advise(GOOD, asked(), can_sample) == []
    assert advise({}, asked(), can_sample) == []


BAD = {"first_frame_ssim": 0.2, "flicker": 6.0, "motion": 0.05, "sharpness": 0.4}


def test_advice_comes_in_the_order_of_what_helps_most() -> None:
    assert keys(advise(GOOD | BAD, asked(), can_sample=True)) == ["image", "prompt", "motion", "steps", "candidates"]


def test_a_film_that_is_unlike_the_image_asks_for_another_image() -> None:
    found = advise(GOOD | {"first_frame_ssim": 0.31}, asked(), can_sample=True)
    assert keys(found) == ["image", "prompt", "candidates"]
    assert "SSIM 0.31" in found[0].message
    assert found[0].runs == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"flicker": 4.2}, "flickers by 4.2 of 255 levels"),
        ({"colour_drift": 7.5}, "Delta E 7.5"),
        ({"first_frame_ssim": 0.2}, "leaves the image"),
    ],
)
def test_an_unsteady_film_asks_for_a_simpler_prompt(change: dict[str, float], said: str) -> None:
    found = {entry.key: entry for entry in advise(GOOD | change, asked(), can_sample=True)}
    assert said in found["prompt"].message
    assert "subject and its action only" in found["prompt"].message
    assert found["prompt"].runs == []


def test_without_a_prompt_there_is_none_to_make_simpler() -> None:
    settings = asked().model_copy(update={"prompt": " "})
    assert "prompt" not in keys(advise(GOOD | {"flicker": 9.0}, settings, can_sample=True))


@pytest.mark.parametrize("change", [{"motion": 0.05}, {"frozen": 0.8}])
def test_too_little_motion_tries_three_guidances_side_by_side(change: dict[str, float]) -> None:
    found = advise(GOOD | change, asked(), can_sample=True)
    assert keys(found) == ["motion", "candidates"]
    assert found[0].runs == [{"seed": 7, "animate": {"guidance_scale": scale}} for scale in (7.0, 9.0, 12.0)]
    assert "guidance 7, 9, 12" in found[0].message


def test_a_model_without_prompt_gets_another_motion_bucket() -> None:
    found = advise(GOOD | {"motion": 0.05}, asked(engine="svd", motion_bucket_id=180), can_sample=True)
    assert found[0].runs == [{"seed": 7, "animate": {"motion_bucket_id": bucket}} for bucket in (200, 240)]
    assert keys(advise(GOOD | {"motion": 0.05}, asked(engine="svd", motion_bucket_id=255), can_sample=True)) == []


@pytest.mark.parametrize(("steps", "more"), [(25, 40), (50, 80), (80, 128), (128, 200), (199, 200)])
def test_a_blurred_film_takes_more_steps(steps: int, more: int) -> None:
    found = advise(GOOD | {"sharpness": 0.42}, asked(num_inference_steps=steps), can_sample=True)
    assert found[0].runs == [{"seed": 7, "animate": {"num_inference_steps": more}}]
    assert f"42% of the image's detail: take {more} steps instead of {steps}" in found[0].message


@pytest.mark.parametrize("animate", [{"num_inference_steps": 200}, {"sample_width": 256, "sample_height": 256}])
def test_more_steps_are_not_advised_where_they_cannot_help(animate: dict[str, Any]) -> None:
    assert advise(GOOD | {"sharpness": 0.42}, asked(**animate), can_sample=True) == []


@pytest.mark.parametrize(
    ("change", "said"), [({"sharpness": 0.4}, "Every seed"), ({"constant_frames": 2.0}, "2 frames are empty")]
)
def test_several_runs_of_which_the_best_is_kept_come_last(change: dict[str, float], said: str) -> None:
    last = advise(GOOD | change, asked(), can_sample=True)[-1]
    assert last.runs == [{"animate": {"candidates": 4}}]
    assert last.message.startswith(said)
    assert keys(advise(GOOD | change, asked(candidates=4), can_sample=True))[-1:] != ["candidates"]


def test_an_unknown_seed_is_left_to_chance() -> None:
    settings = asked().model_copy(update={"seed": -1})
    found = advise(GOOD | {"sharpness": 0.4}, settings, can_sample=True)
    assert found[0].runs == [{"animate": {"num_inference_steps": 80}}]


def test_the_embedded_engine_is_advised_only_when_it_stands_still() -> None:
    settings = Settings(prompt="a cat")
    assert advise(GOOD | BAD | {"frozen": 0.2, "constant_frames": 9.0}, settings, can_sample=False) == []
    found = advise(GOOD | {"frozen": 0.97}, settings, can_sample=False)
    assert [(entry.key, entry.runs) for entry in found] == [("prompt", [])]
    assert "97% of the frames" in found[0].message


def test_a_camera_that_was_held_still_is_offered_to_move() -> None:
    settings = Settings.model_validate({"animate": {"motion": {"amount": 0.0}}})
    found = advise(GOOD | {"frozen": 1.0}, settings, can_sample=False)
    assert found[0].runs == [{"animate": {"motion": {"amount": 1.0}}}]
    assert "from 0 to 1" in found[0].message


@given(films, st.booleans(), st.sampled_from(["motion", "i2vgen-xl", "svd"]), st.integers(1, 200))
def test_every_run_is_valid_and_every_message_is_one_sentence(
    film: dict[str, float], can_sample: bool, engine: str, steps: int
) -> None:
    settings = asked(engine=engine, num_inference_steps=steps)
    for entry in advise(film, settings, can_sample):
        assert entry.message.endswith(".")
        assert ". " not in entry.message
        for run in entry.runs:
            changed = Settings.model_validate(merge(settings.model_dump(), run))
            assert changed.animate.engine == engine
