"""What the tab Transition shows of a run: the way of each stage, matches, words and key frames; all of it escaped."""

from pathlib import Path
from typing import Any

import pytest

from app.jobs import Snapshot
from app.passage_panels import (
    MAX_SEED,
    examples_strip,
    method_title,
    own_panel,
    painted_so_far,
    passage_account,
    prompt_of,
    read_seed,
)
from app.texts import EXAMPLE_PAIRS
from pipeline.catalogue import merge
from pipeline.context import Painted
from pipeline.errors import InvalidSetting
from pipeline.records import InputRecord, RunRecord, RunStatus, StageRecord, now
from pipeline.settings import make_settings

NASTY = '<img src=x onerror="alert(1)">'
ALIGNED: dict[str, Any] = {
    "homography": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "keypoints": [1200, 900],
    "matches": 300,
    "inliers": 250,
    "inlier_ratio": 0.83,
    "overlap": 0.62,
    "picture": "run_matches.jpg",
}
PAINTED: dict[str, Any] = {
    "painted": [True, False, True],
    "files": ["keyframes/a.png", "", "keyframes/c.png"],
    "times": [0.2, 0.5, 0.8],
}


def finished(*stages: StageRecord, painted: tuple[Painted, ...] = (), **used: Any) -> Snapshot:
    """A transition that is done."""
    settings = make_settings(merge({"transition": {"engine": "keyframes"}}, used))
    record = RunRecord(
        run_id="video_20260101_000000",
        job="transition",
        status=RunStatus.SUCCEEDED,
        created_at=now(),
        pid=1,
        process_started_at=0.0,
        seed=77,
        requested=settings,
        used=settings,
        inputs=[InputRecord(name="a.png"), InputRecord(role="last_image", name="b.png")],
        stages=list(stages),
    )
    return Snapshot(record, (Path("a.png"), Path("b.png")), None, None, (), 0, False, 1, painted)


def stage(name: str, method: str = "", reason: str = "", **artifacts: Any) -> StageRecord:
    return StageRecord(name=name, seconds=1.0, method=method, reason=reason, artifacts=artifacts)


def test_the_matches_are_shown_with_their_numbers(outputs: Path) -> None:
    shown = passage_account(finished(stage("align", "sift", "They agree.", **ALIGNED)), outputs)
    assert "run_matches.jpg" in shown
    assert "1,200 and 900 keypoints, 300 matches, 250 of them agree; 62% of the first photo is in the last" in shown
    assert "<b>One scene</b> They agree." in shown


def test_a_refusal_reads_as_information(outputs: Path) -> None:
    nothing = {"homography": None, "matches": 0, "inliers": 0, "overlap": 0.0}
    shown = passage_account(finished(stage("align", "refused", "Too blank.", **{**ALIGNED, **nothing})), outputs)
    assert "<b>No common scene</b> Too blank." in shown
    assert "no matches that hold" in shown
    assert "run_matches.jpg" not in shown
    assert "alert" not in shown


def test_each_stage_tells_its_way_and_why(outputs: Path) -> None:
    ways = [stage("prepare"), stage("caption", "none", "No model."), stage("plan", "template", "By rule it is.")]
    shown = passage_account(finished(*ways, stage("keyframes", "sd-1.5", "Painted.")), outputs)
    for title, method, reason in (
        ("Captions", "None", "No model."),
        ("Plan", "By rule", "By rule it is."),
        ("Key frames", "Stable Diffusion 1.5", "Painted."),
    ):
        assert f"<dt>{title}</dt><dd><b>{method}</b> {reason}</dd>" in shown
    assert "prepare" not in shown


def test_methods_are_called_as_people_call_them() -> None:
    assert [method_title(each) for each in ("phi-4-mini", "affine-sift", "morph alone", "")] == [
        "Phi-4 mini instruct",
        "One scene, from another side",
        "Morph alone",
        "",
    ]


def test_only_painted_key_frames_are_on_the_strip_each_with_its_prompt_and_seed(outputs: Path) -> None:
    used: dict[str, Any] = {
        "keyframes": {"count": 3, "prompts": ("", "", "a ship"), "seeds": (-1, -1, 5)},
        "plan": {"prompts": ("one", "two", "three")},
    }
    shown = passage_account(finished(stage("keyframes", **PAINTED), **used), outputs)
    assert shown.count("<figure") == 2
    assert 'data-repaint="0"' in shown
    assert 'data-repaint="1"' not in shown
    assert ">one</textarea>" in shown
    assert ">a ship</textarea>" in shown
    assert 'value="77"' in shown
    assert 'value="5"' in shown


def test_nothing_painted_leaves_no_strip(outputs: Path) -> None:
    nothing = {**PAINTED, "painted": [False] * 3, "files": [""] * 3}
    assert "<figure" not in passage_account(
        finished(stage("keyframes", "morph alone", "No model.", **nothing)), outputs
    )


@pytest.mark.parametrize(
    ("prompts", "count", "expected"),
    [((), 3, ["", "", ""]), (("a",), 3, ["a"] * 3), (("a", "b"), 4, ["a", "a", "b", "b"]), (("a", "b", "c"), 1, ["b"])],
)
def test_a_key_frame_is_told_the_prompt_that_lies_nearest(
    prompts: tuple[str, ...], count: int, expected: list[str]
) -> None:
    used = make_settings({"keyframes": {"count": count}, "plan": {"prompts": prompts}})
    assert [prompt_of(used, number) for number in range(count)] == expected


def test_the_seed_of_a_key_frame_is_read() -> None:
    assert [read_seed(each) for each in ("", " 7 ", str(MAX_SEED))] == [-1, 7, MAX_SEED]
    for wrong in ("-1", "1.5", str(MAX_SEED + 1), "x"):
        with pytest.raises(InvalidSetting, match="whole number"):
            read_seed(wrong)


def test_key_frames_are_shown_as_they_are_painted(outputs: Path) -> None:
    painted = tuple(Painted(number, 3, f"keyframes/{number}.png", "x") for number in (1, 2))
    shown = painted_so_far(finished(painted=painted), outputs)
    assert "1 of 3" in shown
    assert "keyframes/2.png" in shown
    assert painted_so_far(finished(), outputs) == ""


def test_what_was_repainted_is_told_as_long_as_it_counts() -> None:
    settings = make_settings({"keyframes": {"count": 3}}).keyframes
    assert own_panel([], settings) == ""
    assert "key frame 1, 3." in own_panel([0, 2], settings)
    assert "all 3 follow the plan" in own_panel([4], settings)


def test_the_example_pairs_are_buttons() -> None:
    assert examples_strip().count("data-pair") == len(EXAMPLE_PAIRS)


def test_everything_from_outside_is_escaped(outputs: Path) -> None:
    used: dict[str, Any] = {"keyframes": {"count": 3}, "plan": {"prompts": (NASTY,)}}
    stages = [
        stage("align", NASTY, NASTY, **{**ALIGNED, "picture": NASTY}),
        stage("caption", captions=[NASTY, NASTY], methods=["none", "none"]),
        stage("plan", prompts=[NASTY]),
        stage("keyframes", **{**PAINTED, "files": [NASTY, "", NASTY]}),
    ]
    shown = passage_account(finished(*stages, **used), outputs)
    assert "<img src=x" not in shown
    assert "onerror=&quot;" in shown
