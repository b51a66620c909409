"""From the settings asked for to those used: every change of a given value is said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines import Capabilities
from pipeline.errors import InvalidSetting
from pipeline.resolve import resolve, snap_count
from pipeline.settings import make_settings
from pipeline.without_effect import ignored, ignored_in_transition


def used(width: int, height: int, **sections: Any) -> tuple[Any, list[Any]]:
    return resolve(make_settings(sections), width, height)


def test_nothing_given_keeps_the_aspect_and_says_nothing() -> None:
    settings, notices = used(3000, 2000)
    assert (settings.prepare.width, settings.prepare.height) == (1080, 720)
    assert notices == []


def test_an_odd_width_is_snapped_for_mp4_and_said() -> None:
    settings, notices = used(800, 600, prepare={"width": 641, "height": 480})
    assert (settings.prepare.width, settings.prepare.height) == (640, 480)
    assert [(notice.setting, notice.before, notice.after) for notice in notices] == [("prepare.width", 641, 640)]
    assert "mp4" in notices[0].message


def test_webm_keeps_an_odd_width() -> None:
    settings, notices = used(800, 600, prepare={"width": 641, "height": 481}, encode={"format": "webm"})
    assert (settings.prepare.width, settings.prepare.height) == (641, 481)
    assert notices == []


def test_seconds_decide_the_frames_exactly() -> None:
    settings, _ = used(64, 64, animate={"seconds": "2.5"}, encode={"fps": "29.97"})
    assert settings.animate.num_frames == 75
    assert settings.animate.seconds is None


def test_a_gif_cannot_play_sixty_frames_a_second() -> None:
    settings, notices = used(64, 64, encode={"format": "gif", "fps": 60})
    assert settings.encode.fps == 50
    assert [notice.setting for notice in notices] == ["encode.fps"]


def test_a_seed_is_drawn_once_and_kept() -> None:
    first, _ = used(64, 64)
    second, _ = used(64, 64)
    assert first.seed >= 0
    assert first.seed != second.seed
    assert used(64, 64, seed=7)[0].seed == 7


def test_resolving_twice_changes_nothing() -> None:
    settings, _ = used(301, 203, prompt="zoom in")
    again, notices = resolve(settings, 301, 203)
    assert again == settings
    assert notices == []


def test_the_plan_is_filled_in_and_a_given_plan_is_kept() -> None:
    settings, _ = used(64, 64, prompt="pan left")
    assert settings.animate.motion.plan.camera.pan_x < 0
    plan = {"camera": {"roll": 5}}
    settings, _ = used(64, 64, prompt="pan left", animate={"motion": {"plan": plan}})
    assert settings.animate.motion.plan.camera.roll == 5
    assert settings.animate.motion.plan.camera.pan_x == 0


def test_an_unknown_engine_is_named_with_the_nearest() -> None:
    with pytest.raises(InvalidSetting, match="did you mean 'motion'"):
        used(64, 64, animate={"engine": "motoin"})


def test_settings_without_effect_have_a_reason() -> None:
    reasons = ignored(make_settings({"encode": {"format": "gif"}, "animate": {"seconds": 2}}))
    for name in ("animate.guidance_scale", "animate.num_frames", "encode.crf", "encode.x264_preset"):
        assert reasons[name].startswith("No effect")
    assert "encode.crf" not in ignored(make_settings({}))


def test_a_driving_video_has_an_effect_only_where_an_engine_takes_it() -> None:
    def reasons(engine: str, **control: object) -> dict[str, str]:
        found = ignored(make_settings({"animate": {"engine": engine, "control": control}}))
        return {name.rpartition(".")[2]: text for name, text in found.items() if name.startswith("animate.control.")}

    every = {"video", "kind", "start", "scale", "first_frame", "depth_model"}
    assert reasons("motion", video="a.mp4").keys() == reasons("svd", video="a.mp4").keys() == every
    assert reasons("wan2.1-vace-1.3b").keys() == every - {"video"}
    assert reasons("wan2.1-vace-1.3b", video="a.mp4") == reasons("wan2.1-vace-1.3b", video="a.mp4", kind="depth") == {}
    assert reasons("wan2.1-vace-1.3b", video="a.mp4", kind="grey").keys() == {"depth_model"}


@given(st.integers(1, 2000), st.sampled_from([(1, 0, 1), (4, 1, 5), (8, 1, 9), (1, 0, 8)]), st.integers(100, 300))
def test_snapped_counts_obey_the_rules_and_are_nearest(asked: int, rule: tuple[int, int, int], most: int) -> None:
    multiple, offset, least = rule
    rules = Capabilities(frames_multiple=multiple, frames_offset=offset, min_frames=least, max_frames=most)
    allowed = [count for count in range(least, most + 1) if (count - offset) % multiple == 0]
    snapped = snap_count(asked, rules)
    assert snapped in allowed
    assert abs(snapped - asked) == min(abs(count - asked) for count in allowed)


@pytest.mark.parametrize(
    ("engine", "without", "meant"),
    [
        ("flow", {"prompt", "runtime.device", "keyframes.count", "caption.text0"}, {"runtime.threads", "align.refine"}),
        ("keyframes", {"runtime.compile", "animate.engine"}, {"runtime.device", "keyframes.count", "caption.text0"}),
        ("wan2.1-flf2v-14b-720p", {"align.refine", "plan.model", "transition.curve"}, {"transition.num_frames"}),
        ("wan2.1-vace-1.3b", {"transition.curve", "animate.control.kind"}, {"animate.control.video"}),
    ],
)
def test_each_way_of_a_transition_says_what_it_ignores(engine: str, without: set[str], meant: set[str]) -> None:
    reasons = ignored_in_transition(make_settings({"transition": {"engine": engine}}))
    assert without <= reasons.keys()
    assert meant.isdisjoint(reasons)
    assert all(reasons.values())
