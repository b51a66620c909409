"""Transitions end to end: both ends exact, any pair of images, and each model present, absent or failing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.catalogue import merge
from pipeline.command_line import main
from pipeline.context import Context, Painted
from pipeline.engines.florence2 import model as florence2
from pipeline.frames import Frame, FrameStream
from pipeline.models.resident import RESIDENT
from pipeline.optical_flow import luma
from pipeline.records import RunRecord, RunStatus, StageRecord
from pipeline.run import execute, submit
from pipeline.settings import make_settings
from pipeline.stages.prepare import Prepare
from pipeline.video import encode_frames, read_frames
from tests.conftest import TinyModels
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, photo
from tests.pictures import scene
from tests.tiny_models.interpolation import build_film, build_rife

SMALL = {"prepare": {"width": 128, "height": 96}, "transition": {"num_frames": 12}, "align": {"seconds": 1.0}}
PAINTED = {
    "prepare": {"width": 64, "height": 64},
    "transition": {"engine": "keyframes", "num_frames": 9},
    "keyframes": {"count": 2, "num_inference_steps": 3},
    "runtime": {"device": "cpu"},
}
TEXTS = {"caption": {"text0": "a red house in summer", "text1": "a red house in winter"}}

Run = Callable[..., RunRecord]


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[Frame]:
    """The frames that the encoder was given, in order."""
    given: list[Frame] = []

    def watched(stream: FrameStream, *arguments: Any) -> Iterator[int]:
        def frames() -> Iterator[Frame]:
            for frame in stream.frames:
                given.append(frame.copy())
                yield frame

        given.clear()
        return encode_frames(replace(stream, frames=frames()), *arguments)

    monkeypatch.setattr("pipeline.stages.encode.encode_frames", watched)
    return given


@pytest.fixture
def run(outputs: Path, tmp_path: Path) -> Iterator[Run]:
    def work(first: Frame, last: Frame, listen: Any = None, **sections: Any) -> RunRecord:
        paths = tmp_path / "first.png", tmp_path / "last.png"
        for path, picture in zip(paths, (first, last), strict=True):
            Image.fromarray(picture).save(path)
        settings = make_settings(merge({"seed": 3}, sections))
        return execute(submit(paths, settings, outputs), paths, outputs, listen or (lambda _: None))

    RESIDENT.release()
    yield work
    RESIDENT.release()


def stage(record: RunRecord, name: str) -> StageRecord:
    return next(each for each in record.stages if each.name == name)


def turned(image: Frame, degrees: float) -> Frame:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.1)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


def grey(image: Frame) -> Frame:
    return np.repeat(luma(image)[..., None], 3, axis=2)


def luma_psnr(first: Frame, second: Frame) -> float:
    error = float(np.mean((luma(first).astype(float) - luma(second)) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


PAIRS = {
    "the same image": (photo(CHELSEA), photo(CHELSEA)),
    "mirrored": (photo(CHELSEA), np.ascontiguousarray(photo(CHELSEA)[:, ::-1])),
    "unrelated": (photo(CHELSEA), photo(COFFEE)),
    "turned": (photo(ASTRONAUT), turned(photo(ASTRONAUT), 15)),
    "portrait and landscape": (np.ascontiguousarray(np.rot90(photo(COFFEE))), photo(COFFEE)),
    "grey and colour": (grey(photo(ASTRONAUT)), photo(ASTRONAUT)),
    "small and large": (scene(64, 64), np.asarray(cv2.resize(scene(64, 64), (2400, 2400)), np.uint8)),
    "blank": (np.full((80, 100, 3), 200, np.uint8), photo(COFFEE)),
}


def prepared(path: Path, record: RunRecord, folder: Path) -> Frame:
    assert record.used is not None
    return Prepare()(path, record.used, Context(seed=0, threads=1, work_dir=folder)).image


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_every_pair_becomes_a_video_that_is_right_at_both_ends(
    run: Run, outputs: Path, tmp_path: Path, handed: list[Frame], pair: tuple[Frame, Frame]
) -> None:
    record = run(*pair, **SMALL)
    assert (record.status, record.job, record.error) == (RunStatus.SUCCEEDED, "transition", None)
    assert [entry.role for entry in record.inputs] == ["image", "last_image"]
    assert record.output is not None
    assert (record.output.width, record.output.height, record.output.num_frames) == (128, 96, 12)
    film = list(read_frames(outputs / record.output.path).frames)
    for name, index in (("first.png", 0), ("last.png", -1)):
        image = prepared(tmp_path / name, record, tmp_path)
        assert np.array_equal(handed[index], image)
        assert luma_psnr(film[index], image) > 36


def test_one_scene_is_aligned_and_the_record_says_how(run: Run, outputs: Path) -> None:
    record = run(photo(ASTRONAUT), turned(photo(ASTRONAUT), 12), prepare={"width": 256, "height": 256})
    entry = stage(record, "align")
    assert entry.method == "sift"
    assert np.array(entry.artifacts["homography"]).shape == (3, 3)
    assert entry.artifacts["inliers"] > 50
    assert (outputs / entry.artifacts["picture"]).is_file()
    assert stage(record, "interpolate").method == "camera"
    assert stage(record, "interpolate").reason.endswith(".")


def test_strangers_are_refused_and_dissolved_and_the_record_says_so(run: Run) -> None:
    record = run(photo(CHELSEA), photo(COFFEE), **SMALL)
    entry = stage(record, "align")
    assert entry.method == "refused"
    assert entry.artifacts["homography"] is None
    assert any(entry.reason in notice.message for notice in record.notices)
    assert stage(record, "interpolate").method == "dissolve"


def test_alignment_can_be_switched_off(run: Run) -> None:
    record = run(photo(ASTRONAUT), turned(photo(ASTRONAUT), 8), **SMALL | {"align": {"enabled": False}})
    assert stage(record, "align").method == "off"


def test_seconds_decide_the_number_of_frames(run: Run) -> None:
    record = run(scene(96, 96), scene(96, 96), **merge(SMALL, {"transition": {"seconds": 0.5}, "encode": {"fps": 10}}))
    assert record.output is not None
    assert record.output.num_frames == 5


def test_a_repeated_transition_has_the_same_bytes(run: Run, outputs: Path, tmp_path: Path) -> None:
    record = run(photo(ASTRONAUT), turned(photo(ASTRONAUT), 10), **SMALL)
    assert record.output is not None
    again = tmp_path / "again"
    assert main(["rerun", str(outputs / f"{record.run_id}.json"), "--outputs", str(again)]) == 0
    [path] = again.glob("*.json")
    assert json.loads(path.read_text())["output"]["sha256"] == record.output.sha256


def test_three_images_become_one_passage(outputs: Path, tmp_path: Path, handed: list[Frame]) -> None:
    pictures = photo(ASTRONAUT), turned(photo(ASTRONAUT), 12), photo(CHELSEA)
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    way = {"transition": {"curve": "linear", "num_frames": 9, "hold": 0.0}}
    settings = make_settings(merge(way, {"prepare": {"width": 256, "height": 256}, "align": {"seconds": 1.0}}))
    record = execute(submit(paths, settings, outputs), paths, outputs)
    assert (record.status, record.error) == (RunStatus.SUCCEEDED, None)
    assert [each.role for each in record.inputs] == ["image", "middle_image", "last_image"]
    prepared = [Prepare()(path, record.used or settings, Context(3, 1, tmp_path)).image for path in paths]
    assert all(np.array_equal(handed[number], picture) for number, picture in zip((0, 4, 8), prepared, strict=True))
    found = [each for each in record.stages if each.name == "align"]
    assert [each.method == "refused" for each in found] == [False, True]
    pictures_of = [each.artifacts["picture"] for each in found if "picture" in each.artifacts]
    assert len(set(pictures_of)) == len(pictures_of) >= 1


def test_only_flow_leads_through_more_than_two_images(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path in paths:
        Image.fromarray(scene(64, 64)).save(path)
    command = ["transition", *map(str, paths), "--transition.engine", "keyframes", "--outputs", str(outputs)]
    assert main(command) == 2
    assert "more than two take `flow`" in capsys.readouterr().err


# --- painted key frames ---------------------------------------------------------------------------------------------


def test_without_models_the_morph_goes_alone_and_every_stage_says_why(run: Run, tmp_path: Path) -> None:
    record = run(scene(96, 96), turned(scene(96, 96), 5), **merge(PAINTED, {"runtime": {"models_dir": tmp_path}}))
    assert (record.status, record.error) == (RunStatus.SUCCEEDED, None)
    assert stage(record, "caption").method == "none"
    assert stage(record, "keyframes").method == "morph alone"
    assert stage(record, "keyframes").artifacts["painted"] == [False, False]
    assert all(each.reason for each in record.stages if each.name in ("caption", "plan", "keyframes"))


def test_with_all_models_the_way_is_described_planned_and_painted(
    run: Run, outputs: Path, tiny_models: TinyModels
) -> None:
    models = tiny_models("florence-2-base", "phi-4-mini", "sd-1.5")
    events: list[object] = []
    first, last = scene(96, 96), turned(scene(96, 96), 5)
    named = {"caption": "florence-2-base", "plan": "phi-4-mini", "keyframes": "sd-1.5"}
    helpers = {section: {"model": name} for section, name in named.items()}
    # One caption is given: random weights may say the same of both images, and then there is nothing to plan.
    given = {"caption": {"text1": "a tower by the sea"}, "runtime": {"models_dir": models}}
    record = run(first, last, events.append, **merge(PAINTED, merge(given, helpers)))
    assert (record.status, record.error) == (RunStatus.SUCCEEDED, None)
    methods = {each.name: each.method for each in record.stages}
    assert methods["caption"] == "mixed"
    assert stage(record, "caption").artifacts["methods"] == ["florence-2-base", "yours"]
    assert methods["plan"] == "phi-4-mini"
    assert methods["keyframes"] == "sd-1.5"
    painted = [event for event in events if isinstance(event, Painted)]
    assert [event.number for event in painted] == [1, 2]
    assert all((outputs / event.file).is_file() for event in painted)
    assert stage(record, "keyframes").artifacts["files"] == [event.file for event in painted]
    assert record.used is not None
    assert record.used.caption.text0 == stage(record, "caption").artifacts["captions"][0]
    assert record.used.plan.prompts == tuple(stage(record, "plan").artifacts["prompts"])
    assert record.used.keyframes.model == "sd-1.5"


def test_one_key_frame_is_painted_anew_alone(run: Run, tiny_models: TinyModels) -> None:
    models = {"runtime": {"models_dir": tiny_models("sd-1.5")}, "keyframes": {"model": "sd-1.5"}}
    sections = merge(PAINTED, merge(models, {"plan": {"prompts": ("a house", "a tower")}}))
    first, last = scene(96, 96), turned(scene(96, 96), 5)
    before = stage(run(first, last, **sections), "keyframes").artifacts["files"]
    record = run(first, last, **merge(sections, {"keyframes": {"seeds": (3, 4)}}))
    after = stage(record, "keyframes").artifacts["files"]
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)
    record = run(first, last, **merge(sections, {"keyframes": {"prompts": ("a ship", "")}}))
    after = stage(record, "keyframes").artifacts["files"]
    assert (before[0] == after[0], before[1] == after[1]) == (False, True)


def test_a_plan_can_be_made_without_a_video(outputs: Path, tmp_path: Path) -> None:
    paths = tmp_path / "a.png", tmp_path / "b.png"
    for path in paths:
        Image.fromarray(scene(96, 96)).save(path)
    settings = make_settings(merge(merge(PAINTED, TEXTS), {"runtime": {"models_dir": tmp_path}}))
    record = execute(submit(paths, settings, outputs, plan_only=True), paths, outputs)
    assert (record.status, record.job, record.output) == (RunStatus.SUCCEEDED, "plan", None)
    prompts = stage(record, "plan").artifacts["prompts"]
    assert len(prompts) == 2
    assert all("a red house" in prompt for prompt in prompts)
    assert not list(outputs.glob("*.mp4"))


def test_a_describing_model_that_runs_out_of_memory_leaves_a_video(
    run: Run, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(florence2.Florence2, "describe", full)
    models = tiny_models("florence-2-base", "sd-1.5")
    sections = merge(PAINTED, {"runtime": {"models_dir": models}, "keyframes": {"model": "sd-1.5"}})
    record = run(scene(96, 96), scene(96, 96), **sections)
    assert (record.status, record.error) == (RunStatus.SUCCEEDED, None)
    assert stage(record, "caption").method == "none"
    assert "memory" in stage(record, "caption").reason
    assert stage(record, "keyframes").method == "sd-1.5"


def test_a_model_that_takes_both_images_makes_the_whole_passage(
    run: Run, handed: list[Frame], tiny_models: TinyModels
) -> None:
    models = tiny_models("wan2.1-flf2v-14b-720p")
    first, last = scene(64, 64), np.ascontiguousarray(scene(64, 64)[::-1])
    record = run(
        first,
        last,
        prompt="the scene turns over",
        prepare={"width": 64, "height": 64},
        transition={"engine": "wan2.1-flf2v-14b-720p", "num_frames": 9},
        animate={"num_inference_steps": 2},
        runtime={"models_dir": models, "device": "cpu"},
    )
    assert (record.status, record.error) == (RunStatus.SUCCEEDED, None)
    assert record.model is not None
    assert record.output is not None
    assert record.output.num_frames == 9
    assert stage(record, "animate").method == "wan2.1-flf2v-14b-720p"
    assert np.array_equal(handed[0], first)
    assert np.array_equal(handed[-1], last)
    assert not any("ends where it began" in notice.message for notice in record.notices)


# --- the command line -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "build"), [("film", build_film), ("rife", build_rife)])
def test_a_network_makes_what_lies_between_and_is_missed_before_anything_is_made(
    run: Run, tmp_path: Path, method: str, build: Callable[[Path], None], handed: list[Frame]
) -> None:
    first, last = photo(ASTRONAUT)[::4, ::4], turned(photo(ASTRONAUT), 10)[::4, ::4]
    asked = SMALL | {"interpolate": {"method": method}, "runtime": {"models_dir": tmp_path}}
    missed = run(first, last, **asked)
    assert missed.error is not None
    assert (missed.error.type, missed.error.exit_code) == ("ModelMissing", 4)
    assert "`flow`" in missed.error.message
    assert missed.stages == []

    build(tmp_path)
    record = run(first, last, **asked)
    assert record.error is None
    assert stage(record, "interpolate").method == method
    assert record.output is not None
    assert len(handed) == record.output.num_frames
    apart = [float(np.abs(frame.astype(int) - handed[0]).mean()) for frame in handed]
    assert apart[0] < apart[len(apart) // 2]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    paths = tmp_path / "a.png", tmp_path / "b.png"
    Image.fromarray(photo(ASTRONAUT)).save(paths[0])
    Image.fromarray(turned(photo(ASTRONAUT), 10)).save(paths[1])
    return str(paths[0]), str(paths[1])


def test_align_answers_in_json(pair: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "matches.png"
    assert main(["align", *pair, "--json", "--picture", str(picture), "--logs", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == "aligned"
    assert np.array(found["homography"]).shape == (3, 3)
    assert picture.is_file()


def test_a_refused_alignment_is_an_answer(
    pair: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.png"
    Image.fromarray(photo(COFFEE)).save(other)
    flags = ["--align.seconds", "1", "--logs", str(tmp_path)]
    assert main(["align", pair[0], str(other), "--json", *flags]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["homography"]) == ("refused", None)
    assert found["reason"].endswith(".")


@pytest.mark.parametrize(
    ("flags", "code", "sentence"),
    [
        (["--transition.engine", "motion"], 2, "takes no last image"),
        (["--transition.engine", "keyframe"], 2, "did you mean 'keyframes'?"),
        (["--transition.engine", "keyframes", "--keyframes.model", "sdxl"], 4, "models download sdxl"),
        (
            ["--transition.engine", "keyframes", "--caption.model", "florence-2-base"],
            4,
            "models download florence-2-base",
        ),
        (["--transition.engine", "wan2.1-flf2v-14b-720p"], 4, "models download wan2.1-flf2v-14b-720p"),
        (["--transition.num_frames", "1"], 2, "transition.num_frames"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    pair: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    code: int,
    sentence: str,
) -> None:
    folders = ["--outputs", str(tmp_path / "out"), "--logs", str(tmp_path / "logs")]
    models = ["--runtime.models_dir", str(tmp_path / "models")]
    assert main(["transition", *pair, *flags, *folders, *models]) == code
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert sentence in errors[0]
