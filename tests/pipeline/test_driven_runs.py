"""Runs with a driving video, through the command line: what is made, recorded, repeated, and refused."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.command_line import main
from tests.conftest import TinyModels
from tests.photos import ASTRONAUT, photo
from tests.pipeline.control.films import ball, figure, film

NAME = "wan2.1-vace-1.3b"

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def driving(tmp_path: Path) -> Path:
    return film(tmp_path / "ball.mp4", ball, 26)


@pytest.fixture
def run(tmp_path: Path, outputs: Path, tiny_models: TinyModels, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `animate` with a tiny model; returns the exit code and the record."""
    image = tmp_path / "photo.png"
    Image.fromarray(photo(ASTRONAUT)).save(image)

    def run(**changes: object) -> tuple[int, dict[str, Any]]:
        values = {
            "prompt": "a boat on the sea",
            "seed": 5,
            "animate.engine": NAME,
            "animate.num_inference_steps": 1,
            "animate.num_frames": 5,
            "prepare.width": 80,
            "prepare.height": 48,
            "runtime.models_dir": tiny_models(NAME),
            "runtime.offline": "true",
            "runtime.cache_gb": 0,
            **{name.replace("__", "."): value for name, value in changes.items()},
        }
        words = [word for name, value in values.items() for word in (f"--{name}", *_words(value))]
        code = main(
            ["animate", str(image), "--outputs", str(outputs), "--logs", str(outputs / "logs"), "--json", *words]
        )
        return code, json.loads(capsys.readouterr().out)

    return run


def _words(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def test_the_record_holds_the_driving_video_and_repeats_the_run(
    run: Run,
    driving: Path,
    tmp_path: Path,
    outputs: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(driving.parent)
    code, record = run(animate__control__video=driving.name)
    assert (code, record["status"]) == (0, "succeeded")
    entry = record["inputs"][1]
    assert (entry["role"], entry["name"], entry["path"]) == ("driving_video", driving.name, str(driving))
    assert entry["sha256"] == hashlib.sha256(driving.read_bytes()).hexdigest()
    assert (entry["width"], entry["height"]) == (160, 96)
    assert len(list((outputs / "inputs").iterdir())) == 1  # the image alone is copied
    used = record["used"]["animate"]["control"]
    assert (used["video"], used["kind"], used["depth_model"]) == (str(driving), "canny", "none")
    assert "control" in [phase["name"] for phase in record["stages"][1]["phases"]]
    assert any("by the edges of the driving video" in notice["message"] for notice in record["notices"])
    _, other = run()
    assert other["output"]["sha256"] != record["output"]["sha256"]
    monkeypatch.chdir("/")
    path = outputs / f"{record['run_id']}.json"
    assert main(["rerun", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["output"]["sha256"] == record["output"]["sha256"]
    film(tmp_path / "other.mp4", figure, 26).replace(driving)
    assert main(["rerun", str(path)]) == 2
    assert "its input ball.mp4 has changed since" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("video", "words"), [("absent.mp4", "there is no file"), ("text.mp4", "cannot be read as a video")]
)
def test_a_file_that_cannot_drive_ends_the_run_with_one_sentence(
    run: Run, tmp_path: Path, video: str, words: str
) -> None:
    (tmp_path / "text.mp4").write_text("no video\n" * 9)
    code, record = run(animate__control__video=tmp_path / video)
    assert (code, record["status"]) == (2, "failed")
    assert words in record["error"]["message"]


def test_without_the_weights_the_command_is_given_that_gets_them(run: Run, driving: Path, tmp_path: Path) -> None:
    code, record = run(animate__control__video=driving, runtime__models_dir=tmp_path)
    assert code == 4
    assert f"models download {NAME}" in record["error"]["message"]


def test_an_engine_that_takes_none_leaves_it_out_and_says_so(run: Run, tmp_path: Path) -> None:
    code, record = run(animate__engine="motion", animate__control__video=tmp_path / "absent.mp4")
    assert code == 0
    assert [entry["role"] for entry in record["inputs"]] == ["image"]
    (notice,) = (each for each in record["notices"] if each["setting"] == "animate.control.video")
    assert notice["level"] == "warning"
    assert f"motion cannot be driven by a video, which is left out: {NAME} or" in notice["message"]


def test_each_part_of_a_long_video_goes_on_in_the_driving_video(run: Run, driving: Path, tmp_path: Path) -> None:
    long = {"animate__segments": ["it rolls | 0.3", "it rolls on | 0.3"], "animate__overlap": 0}
    guided = {"animate__control__video": driving, "animate__control__kind": "grey", "animate__control__start": 0.7}
    code, record = run(**long, **guided)
    assert (code, record["output"]["num_frames"]) == (0, 10)
    assert record["used"]["animate"]["control"]["start"] == 0.7
    said = [notice["message"] for notice in record["notices"] if "back and forth" in notice["message"]]
    assert [message.partition(", and ")[2].partition(" of it")[0] for message in said] == [
        "0.95 to 1.20 s",
        "1.20 to 1.45 s",
    ]
    made = [stage["cache_hit"] for stage in record["stages"] if stage["name"] == "animate"]
    assert made == [False] * len(made)
    assert len(made) == 3
    _, again = run(**long, **guided)
    assert all(stage["cache_hit"] for stage in again["stages"] if stage["name"] == "animate")
    film(tmp_path / "other.mp4", lambda time: ball(1 - time), 26).replace(driving)
    _, other = run(**long, **guided)
    assert not any(stage["cache_hit"] for stage in other["stages"] if stage["name"] == "animate")
