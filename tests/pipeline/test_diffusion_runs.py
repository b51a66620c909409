"""Runs of every model of the catalogue with real pipelines over tiny random weights, through the command line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.catalogue import get_card, model_names
from pipeline.command_line import main
from pipeline.context import Event, Glimpse, Progress
from pipeline.models.resident import RESIDENT
from pipeline.records import RunRecord, RunStatus
from pipeline.run import execute, submit
from pipeline.settings import make_settings
from pipeline.video import probe
from tests.conftest import TinyModels
from tests.tiny_models import build

SIZE = 64


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A small picture with some detail."""
    path = tmp_path / "photo.png"
    y, x = np.mgrid[0:96, 0:96]
    picture = np.stack([x * 2, y * 2, 128 + 100 * np.sin(x / 6)], axis=-1)
    Image.fromarray(picture.astype(np.uint8)).save(path)
    return path


def fewest_frames(name: str) -> int:
    """The smallest number of frames above one that a model makes."""
    rules = get_card(name).rules
    count = rules.frames_offset
    while count < max(rules.min_frames, 2):
        count += rules.frames_multiple
    return count


def arguments(name: str, models: Path, **changes: object) -> list[str]:
    """The smallest run of a model, as one types it. Keyword `animate_x` means --animate.x."""
    values = {
        "prompt": "a boat on the sea",
        "seed": 5,
        "animate.engine": name,
        "animate.num_inference_steps": 2,
        "animate.num_frames": fewest_frames(name),
        "prepare.width": SIZE,
        "prepare.height": SIZE,
        "runtime.models_dir": models,
        "runtime.offline": "true",
        "runtime.cache_gb": 0,
        **{key.replace("_", ".", 1): value for key, value in changes.items()},
    }
    return [word for key, value in values.items() for word in (f"--{key}", str(value))]


@pytest.fixture
def run(photo: Path, outputs: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Runs `animate` in this process; returns the exit code and the record."""

    def run(name: str, models: Path, **changes: object) -> tuple[int, dict[str, Any]]:
        command = ["animate", str(photo), "--outputs", str(outputs), "--logs", str(outputs / "logs"), "--json"]
        code = main([*command, *arguments(name, models, **changes)])
        return code, json.loads(capsys.readouterr().out)

    return run


Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.mark.parametrize("name", model_names())
def test_every_model_makes_a_video_and_the_same_again_from_its_record(
    name: str, tiny_models: TinyModels, run: Run, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, record = run(name, tiny_models(name))
    assert (code, record["status"], record["error"]) == (0, "succeeded", None)
    info = probe(outputs / record["output"]["path"])
    assert (info.width, info.height, info.num_frames) == (SIZE, SIZE, fewest_frames(name))
    assert record["model"]["repository"] == get_card(name).repository
    assert record["model"]["device"] == "cpu"
    assert [each["name"] for each in record["stages"]] == ["prepare", "animate", "encode"]
    assert {"load", "place", "condition", "sample", "decode"} >= {
        each["name"] for each in record["stages"][1]["phases"]
    }
    assert record["quality"]["first_frame_psnr"] > 0
    assert record["environment"]["packages"]["diffusers"]
    assert main(["rerun", str(outputs / f"{record['run_id']}.json"), "--json", "--logs", str(outputs / "logs")]) == 0
    assert json.loads(capsys.readouterr().out)["output"]["sha256"] == record["output"]["sha256"]


def test_another_seed_makes_another_video(tiny_models: TinyModels, run: Run) -> None:
    assert len({run("i2vgen-xl", tiny_models("i2vgen-xl"), seed=seed)[1]["output"]["sha256"] for seed in (1, 2)}) == 2


def test_the_repository_without_its_fp16_files_serves_as_well(
    tiny_models: TinyModels, tmp_path: Path, run: Run
) -> None:
    both, plain = run("i2vgen-xl", tiny_models("i2vgen-xl"))[1], tmp_path / "plain"
    shutil.copytree(tiny_models("i2vgen-xl") / "i2vgen-xl", plain / "i2vgen-xl")
    for path in plain.rglob("*.fp16.*"):
        path.unlink()
    code, record = run("i2vgen-xl", plain)
    assert code == 0
    # The weights are random, rounded to half precision in one of the two layouts.
    assert record["output"]["num_frames"] == both["output"]["num_frames"]


@pytest.mark.parametrize("name", ["i2vgen-xl", "svd"])
@pytest.mark.parametrize("stop_at", [1, 2, 4])
def test_stop_ends_the_sampling_at_the_very_step_and_leaves_a_record(
    name: str, stop_at: int, tiny_models: TinyModels, photo: Path, outputs: Path
) -> None:
    settings = make_settings(
        {
            "prepare": {"width": SIZE, "height": SIZE},
            "animate": {"engine": name, "num_inference_steps": 5, "num_frames": 4},
            "runtime": {"models_dir": tiny_models(name)},
        }
    )
    steps: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, Progress) and event.phase == "sampling":
            steps.append(event.done)

    record = execute(
        submit((photo,), settings, outputs), (photo,), outputs, listen, lambda: bool(steps) and steps[-1] >= stop_at
    )
    assert record.status is RunStatus.CANCELLED
    assert steps[-1] == stop_at
    assert not (outputs / ".work").exists()
    assert [each.name for each in record.stages[1].phases][-1] == "sample"
    assert list(outputs.glob("*.mp4")) == []


def finish(photo: Path, outputs: Path, models: Path, listen: Callable[[Event], None], **animate: object) -> RunRecord:
    """A run of the tiny I2VGen-XL in this process."""
    settings = make_settings(
        {
            "prompt": "a boat",
            "seed": 5,
            "prepare": {"width": 128, "height": SIZE},
            "animate": {"engine": "i2vgen-xl", "num_inference_steps": 2, "num_frames": 4, **animate},
            "runtime": {"models_dir": models},
        }
    )
    return execute(submit((photo,), settings, outputs), (photo,), outputs, listen)


def test_progress_names_the_phases_and_shows_what_is_in_the_making(
    tiny_models: TinyModels, photo: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.engines.diffusion.progress.GLIMPSE_SECONDS", 0.0)
    RESIDENT.release()
    events: list[Event] = []
    finish(photo, outputs, tiny_models("i2vgen-xl"), events.append)
    progress = [event for event in events if isinstance(event, Progress) and event.stage == "animate"]
    phases = list(dict.fromkeys(each.phase for each in progress if each.phase))
    waiting = ["loading I2VGen-XL", "moving the model into place", "reading the image and the prompt"]
    assert phases == [*waiting, "sampling", "decoding"]
    assert [(each.done, each.total) for each in progress if each.phase == "sampling"] == [(0, 2), (1, 2), (2, 2)]
    assert [each.done for each in progress if each.phase == "decoding"] == [0, 1, 2, 3, 4]
    glimpses = [event for event in events if isinstance(event, Glimpse)]
    assert [each.caption for each in glimpses] == ["Step 1 of 2", "Step 2 of 2"]
    assert all(max(each.frame.shape[:2]) <= 256 and each.frame.shape[1] == 2 * each.frame.shape[0] for each in glimpses)


def test_of_several_candidates_the_best_is_kept_and_all_on_request(
    tiny_models: TinyModels, photo: Path, outputs: Path
) -> None:
    record = finish(photo, outputs, tiny_models("i2vgen-xl"), lambda _: None, candidates=3, keep_candidates=True)
    assert record.status is RunStatus.SUCCEEDED
    assert len(record.candidates) == 2
    assert any("is the best by its measures" in notice.message for notice in record.notices)
    files = sorted(path.name for path in outputs.glob("*.mp4"))
    assert files == sorted([f"{record.run_id}.mp4", *(each.path for each in record.candidates)])
    assert len({each.sha256 for each in record.candidates} | {record.output.sha256 if record.output else ""}) == 3
    sampled = [phase for phase in record.stages[1].phases if phase.name == "sample"]
    assert len(sampled) == 3
    assert len([phase for phase in record.stages[1].phases if phase.name == "condition"]) == 1


def test_fewer_frames_and_a_smaller_size_are_brought_back_to_what_was_asked_for(
    tiny_models: TinyModels, photo: Path, outputs: Path
) -> None:
    record = finish(
        photo, outputs, tiny_models("i2vgen-xl"), lambda _: None, num_frames=7, sample_frames=4, sample_width=SIZE
    )
    assert record.output is not None
    assert (record.output.width, record.output.height, record.output.num_frames) == (128, SIZE, 7)
    assert record.used is not None
    assert record.used.animate.sample_frames == 4


def test_a_model_that_is_not_to_be_kept_is_freed_and_another_one_frees_the_first(
    tiny_models: TinyModels, photo: Path, outputs: Path, run: Run
) -> None:
    finish(photo, outputs, tiny_models("i2vgen-xl"), lambda _: None)
    assert RESIDENT.name == "i2vgen-xl"
    run("svd", tiny_models("svd"))
    assert RESIDENT.name == "svd"
    run("svd", tiny_models("svd"), runtime_keep_model="false")
    assert RESIDENT.name is None


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (shutil.rmtree, "python -m pipeline models download i2vgen-xl"),
        (lambda folder: shutil.rmtree(folder / "unet"), "python -m pipeline models download i2vgen-xl"),
        (lambda folder: (folder / "model_index.json").unlink(), "i2vgen-xl"),
        (lambda folder: _truncate(folder / "unet"), "python -m pipeline models"),
        (lambda folder: _garble(folder / "unet" / "config.json"), "python -m pipeline models"),
        (lambda folder: (folder / "vae" / "config.json").unlink(), "python -m pipeline models"),
    ],
    ids=["missing", "no unet", "no index", "truncated", "garbled", "no config"],
)
def test_a_missing_or_damaged_model_is_one_sentence_with_the_command_that_mends_it(
    damage: Callable[[Path], None], words: str, tiny_models: TinyModels, tmp_path: Path, run: Run
) -> None:
    folder = tmp_path / "models" / "i2vgen-xl"
    shutil.copytree(tiny_models("i2vgen-xl") / "i2vgen-xl", folder)
    damage(folder)
    code, record = run("i2vgen-xl", tmp_path / "models")
    assert code == 4
    assert words in record["error"]["message"]
    assert "\n" not in record["error"]["message"]
    assert record["error"]["exit_code"] == 4


def _truncate(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-100])


def _garble(path: Path) -> None:
    path.write_text("{ this is not JSON", encoding="utf-8")


def test_a_folder_in_the_wrong_layout_is_said_to_be_one(tmp_path: Path, run: Run) -> None:
    build(tmp_path, "svd")
    (tmp_path / "svd").rename(tmp_path / "i2vgen-xl")
    code, record = run("i2vgen-xl", tmp_path)
    assert code == 4
    assert "i2vgen-xl" in record["error"]["message"]


def test_doctor_says_whether_the_weights_make_what_diffusers_makes(
    tiny_models: TinyModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["doctor", "--engine", "i2vgen-xl", "--runtime.models_dir", str(tiny_models("i2vgen-xl")), "--json"]
    assert main([*command, "--logs", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["agrees"]
    assert found["max_difference"] == 0
