"""The command line end to end, as a user runs it: a process of its own, exit codes, streams, files."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from pipeline.command_line import main
from pipeline.records import RunRecord, RunStatus, read_record
from tests.disks import small_disk
from tests.photos import ASTRONAUT, photo

SMALL = ["--prepare.width", "96", "--prepare.height", "64", "--animate.num_frames", "6", "--encode.x264_preset", "fast"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a photo.png"
    Image.fromarray(photo(ASTRONAUT)).save(path)
    return path


def run(outputs: Path, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", *map(str, arguments), "--outputs", str(outputs)]
    command += ["--logs", str(outputs.parent / "logs")]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.fixture
def answer(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The same in this process, which is quicker: exit code, standard output and standard error."""

    def run_here(outputs: Path, *arguments: str | Path) -> tuple[int, str, str]:
        code = main([*map(str, arguments), "--outputs", str(outputs), "--logs", str(outputs.parent / "logs")])
        return code, *capfd.readouterr()

    return run_here


Answer = Callable[..., tuple[int, str, str]]


def decode(path: Path) -> list[np.ndarray[Any, Any]]:
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def finals(outputs: Path) -> list[str]:
    return sorted(path.name for path in outputs.glob("*") if path.suffix in (".mp4", ".webm", ".gif"))


def one_sentence(text: str) -> str:
    """The error line of standard error: exactly one, and no traceback."""
    assert "Traceback" not in text
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, text
    return errors[0]


def test_animate_writes_a_video_and_its_record(tmp_path: Path, image: Path) -> None:
    outputs = tmp_path / "outputs"
    done = run(outputs, "animate", image, "--prompt", "slowly zoom in", "--seed", "7", "--json", *SMALL)
    assert done.returncode == 0, done.stderr
    record = RunRecord.model_validate_json(done.stdout)
    assert record.status is RunStatus.SUCCEEDED
    assert record.output is not None
    frames = decode(outputs / record.output.path)
    assert len(frames) == 6 == record.output.num_frames
    assert frames[0].shape == (64, 96, 3)
    assert read_record(outputs / f"{record.run_id}.json") == record
    assert record.seed == 7
    assert record.used is not None
    assert record.used.animate.motion.plan is not None
    assert record.used.animate.motion.plan.camera.zoom > 1
    assert [stage.name for stage in record.stages] == ["prepare", "animate", "encode"]
    assert (outputs / str(record.inputs[0].path)).read_bytes() == image.read_bytes()
    assert sorted(path.name for path in outputs.iterdir()) == [
        "cache",
        "inputs",
        f"{record.run_id}.json",
        record.output.path,
    ]


def test_without_json_the_path_alone_is_printed(tmp_path: Path, image: Path) -> None:
    done = run(tmp_path / "outputs", "animate", image, *SMALL)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_file()
    lines = (tmp_path / "logs" / "image-to-video.jsonl").read_text().splitlines()
    assert {json.loads(line)["run_id"] for line in lines} == {Path(done.stdout.strip()).stem}


def test_rerun_gives_the_same_file_bit_for_bit(tmp_path: Path, image: Path) -> None:
    outputs, mask = tmp_path / "outputs", tmp_path / "mask.png"
    area = np.zeros((512, 512), np.uint8)
    area[300:] = 255
    Image.fromarray(area).save(mask)
    words = ["--prompt", "handheld camera, water flows left", "--prepare.masks", str(mask)]
    first = json.loads(run(outputs, "animate", image, "--json", *words, *SMALL).stdout)
    image.unlink()
    mask.unlink()
    again = run(tmp_path / "other", "rerun", outputs / f"{first['run_id']}.json", "--json")
    assert again.returncode == 0, again.stderr
    second = json.loads(again.stdout)
    assert second["output"]["sha256"] == first["output"]["sha256"]
    assert second["used"] == first["used"]
    third = run(tmp_path / "third", "rerun", tmp_path / "other" / f"{second['run_id']}.json", "--json")
    assert json.loads(third.stdout)["output"]["sha256"] == first["output"]["sha256"]


def test_rerun_refuses_when_the_input_is_gone_or_changed(tmp_path: Path, image: Path) -> None:
    outputs = tmp_path / "outputs"
    first = json.loads(run(outputs, "animate", image, "--json", *SMALL).stdout)
    kept = outputs / first["inputs"][0]["path"]
    kept.write_bytes(kept.read_bytes() + b"x")
    changed = run(outputs, "rerun", outputs / f"{first['run_id']}.json")
    assert changed.returncode == 2
    assert "has changed since" in one_sentence(changed.stderr)
    kept.unlink()
    gone = run(outputs, "rerun", outputs / f"{first['run_id']}.json")
    assert gone.returncode == 2
    assert "no longer" in one_sentence(gone.stderr)


def test_two_runs_in_one_second_lose_nothing(tmp_path: Path, image: Path) -> None:
    outputs = tmp_path / "outputs"
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "animate",
        str(image),
        "--outputs",
        str(outputs),
        "--seed",
        "1",
        *SMALL,
    ]
    command += ["--logs", str(tmp_path / "logs")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    printed = {process.communicate(timeout=120)[0].decode().strip() for process in runs}
    assert len(printed) == 4
    assert len(finals(outputs)) == 4 == len(list(outputs.glob("*.json")))
    assert len({Path(path).read_bytes() for path in printed}) == 1, "the same settings and seed give the same frames"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "ultra"], ["ultra", "draft, standard, high"]),
        (["--animate.num_frame", "3"], ["--animate.num_frame", "did you mean --animate.num_frames"]),
        (["--animate.num_frames", "0"], ["animate.num_frames", "1"]),
        (["--prepare.width", "99999"], ["prepare.width", "4096"]),
        (["--prepare.width", "wide"], ["prepare.width", "integer"]),
        (["--encode.fps", "0"], ["encode.fps", "1"]),
        (["--encode.format", "avi"], ["encode.format", "mp4"]),
        (["--seed", "-2"], ["seed", "-1"]),
        (["--animate.engine", "motoin"], ["motoin", "did you mean 'motion'"]),
        (["--animate.motion.plan", "{oops"], ["animate.motion.plan", "not valid JSON"]),
        (["--animate.motion.plan", '{"camera": {"zoom": 99}}'], ["animate.motion.plan.camera.zoom", "4"]),
        (["--prompt"], ["prompt", "expected one argument"]),
    ],
)
def test_a_wrong_setting_ends_with_two_and_one_sentence(
    tmp_path: Path, image: Path, answer: Answer, arguments: list[str], words: list[str]
) -> None:
    code, out, err = answer(tmp_path / "outputs", "animate", image, *arguments)
    assert (code, out) == (2, "")
    sentence = one_sentence(err)
    assert all(word in sentence for word in words), sentence
    assert finals(tmp_path / "outputs") == []


def make_bad_input(path: Path) -> None:
    match path.name:
        case "empty.png":
            path.touch()
        case "cut.jpg":
            Image.fromarray(photo(ASTRONAUT)).save(path)
            path.write_bytes(path.read_bytes()[:5000])
        case "text.png":
            path.write_text("this is no picture")
        case "dot.png":
            Image.new("RGB", (1, 1)).save(path)
        case "huge.png":
            Image.new("1", (40000, 40000)).save(path)
        case "folder.png":
            path.mkdir()


@pytest.mark.parametrize("name", ["empty.png", "cut.jpg", "text.png", "dot.png", "huge.png", "folder.png", "none.png"])
def test_a_bad_input_ends_with_two_one_sentence_and_a_failed_record(tmp_path: Path, answer: Answer, name: str) -> None:
    make_bad_input(tmp_path / name)
    outputs = tmp_path / "outputs"
    code, out, err = answer(outputs, "animate", tmp_path / name, "--json", *SMALL)
    assert code == 2
    sentence = one_sentence(err)
    assert name in sentence, sentence
    record = RunRecord.model_validate_json(out)
    assert record.status is RunStatus.FAILED
    assert record.error is not None
    assert record.error.message in sentence
    assert read_record(outputs / f"{record.run_id}.json") == record
    assert finals(outputs) == []


root_only = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root to become another user")


@root_only
def test_another_user_is_told_what_cannot_be_read_or_written(tmp_path: Path, image: Path) -> None:
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(0o755)
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-m", "pipeline"]
    writable = tmp_path / "writable"
    writable.mkdir(mode=0o777)
    writable.chmod(0o777)

    def as_other(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*other, *arguments], capture_output=True, text=True, timeout=120, check=False)

    if as_other("--help").returncode != 0:
        pytest.skip("the interpreter cannot be run by another user here")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    refused = as_other("animate", str(image), "--outputs", str(closed / "outputs"))
    assert refused.returncode == 2
    assert "--outputs" in one_sentence(refused.stderr)
    image.chmod(0o600)
    unreadable = as_other("animate", str(image), "--outputs", str(writable))
    assert unreadable.returncode == 2
    assert image.name in one_sentence(unreadable.stderr)


@pytest.mark.parametrize("size_kb", [16, 64, 400])
def test_a_full_disk_leaves_no_half_video(tmp_path: Path, image: Path, size_kb: int) -> None:
    large = ["--prepare.width", "512", "--prepare.height", "512", "--animate.num_frames", "60"]
    large += ["--encode.crf", "0", "--encode.x264_preset", "ultrafast"]
    with small_disk(tmp_path, size_kb) as small:
        done = run(small, "animate", image, *large)
        assert done.returncode == 1
        assert "full" in one_sentence(done.stderr)
        assert finals(small) == []
        assert not list(small.rglob("*.part"))
        for path in small.glob("*.json"):
            assert read_record(path).status is RunStatus.FAILED


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_cancels_and_leaves_a_record(tmp_path: Path, image: Path, number: signal.Signals) -> None:
    outputs = tmp_path / "outputs"
    command = [sys.executable, "-m", "pipeline", "animate", str(image), "--outputs", str(outputs)]
    command += ["--logs", str(tmp_path / "logs"), "--animate.num_frames", "3000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(outputs.glob(".work/*/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped" in one_sentence(stderr)
    (path,) = outputs.glob("*.json")
    assert read_record(path).status is RunStatus.CANCELLED
    assert finals(outputs) == []
    assert not (outputs / ".work").exists()


def test_help_names_every_setting_and_is_readable() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "animate", "--help"], capture_output=True, text=True, check=True
    )
    for name in ("--prompt", "--preset", "--seed", "--prepare.width", "--encode.crf", "--runtime.threads"):
        assert name in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 200


def test_nothing_heavy_is_imported_to_read_the_command_line() -> None:
    code = "import sys, pipeline.command_line as c; c.build_parser(); "
    code += "print([m for m in ('torch', 'diffusers', 'transformers', 'gradio', 'cv2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_doctor_answers_for_people_and_programs(tmp_path: Path) -> None:
    people = run(tmp_path / "outputs", "doctor")
    assert people.returncode == 0, people.stdout
    assert "embedded engine" in people.stdout
    findings = json.loads(run(tmp_path / "outputs", "doctor", "--json").stdout)
    assert {"subject", "level", "message"} == set(findings[0])
