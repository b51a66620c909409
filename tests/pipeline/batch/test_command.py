"""`batch` as it is used: what is printed, what is made, what is left out, and how it goes on after a break."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.batch.command import BatchRequest, run_batch
from pipeline.batch.ledger import Ledger, ledger_path
from pipeline.errors import Cancelled, InvalidInput
from tests.pictures import scene

SMALL = {"prepare.width": 64, "prepare.height": 48, "animate.num_frames": 3, "encode.x264_preset": "ultrafast"}


def write(folder: Path, *entries: dict[str, Any]) -> Path:
    for name in ("a.png", "b.png"):
        if not (folder / name).exists():
            Image.fromarray(scene()).save(folder / name)
    path = folder / "jobs.yaml"
    path.write_text(json.dumps({"defaults": SMALL, "jobs": entries}))  # JSON is YAML
    return path


def run(jobs: Path, **options: bool) -> int:
    return run_batch(BatchRequest(jobs, jobs.parent / "outputs", **options), lambda: False)


def videos(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "outputs").glob("*.mp4"))


def test_jobs_are_made_once_and_again_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = write(tmp_path, {"images": "a.png"}, {"images": ["a.png", "b.png"], "transition.num_frames": 3})
    assert run(jobs, as_json=True) == 0
    first = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["job"], line["kind"], line["status"]) for line in first] == [
        ("1", "animate", "succeeded"),
        ("2", "transition", "succeeded"),
    ]
    assert [Path(line["video"]).name for line in first] == videos(tmp_path)
    assert run(jobs) == 0
    printed = capsys.readouterr()
    assert printed.out.split() == [line["video"] for line in first]
    assert "2 jobs: 0 made, 2 made before, 0 failed." in printed.err
    Path(first[0]["video"]).unlink()
    assert run(jobs) == 0
    assert "1 made, 1 made before" in capsys.readouterr().err
    assert run(jobs, again=True) == 0
    assert "2 jobs: 2 made, 0 failed." in capsys.readouterr().err
    assert len(videos(tmp_path)) == 4


def test_nothing_is_begun_when_one_job_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = write(tmp_path, {"images": "a.png"}, {"images": "a.png", "animate.engine": "svdd"}, {"images": "c.png"})
    for dry_run in (True, False):
        assert run(jobs, dry_run=dry_run) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("error: job ") == 2
        assert "job 2: animate.engine: there is no engine 'svdd': did you mean 'svd'?" in printed.err
        assert "job 3: images: there is no file 'c.png'" in printed.err
    assert not (tmp_path / "outputs").exists()


def test_a_dry_run_says_what_would_be_made_and_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = {"runtime.models_dir": "models"}
    jobs = write(
        tmp_path,
        {"images": "a.png", "sweep": {"encode.crf": [18, 23]}},
        {"images": "b.png", "animate.engine": "svd"} | models,
    )
    assert run(jobs, dry_run=True) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[:2] == [
        "1.1 animate a.png (encode.crf 18): motion, 64 x 48, 3 frames at 30 fps, mp4",
        "1.2 animate a.png (encode.crf 23): motion, 64 x 48, 3 frames at 30 fps, mp4",
    ]
    assert "warning: job 2: " in printed.err
    assert "models download svd" in printed.err
    assert run(jobs, dry_run=True, as_json=True) == 0
    facts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert facts[1]["varied"] == {"encode.crf": 23}
    assert [bool(line["missing"]) for line in facts] == [False, False, True]
    assert not (tmp_path / "outputs").exists()


def test_a_failure_keeps_no_other_job_from_being_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = {"images": "a.png", "animate.engine": "svd", "runtime.models_dir": "models", "runtime.offline": True}
    jobs = write(tmp_path, missing, {"images": "b.png"})
    assert run(jobs, as_json=True) == 4
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert [(line["status"], line["exit_code"]) for line in lines] == [("failed", 4), ("succeeded", 0)]
    assert "1 made, 1 failed" in printed.err
    assert run(jobs) == 4, "what failed is tried again"
    assert "0 made, 1 made before, 1 failed" in capsys.readouterr().err


def test_stopped_between_jobs_it_goes_on_from_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = write(tmp_path, {"images": "a.png"}, {"images": "b.png"})
    request = BatchRequest(jobs, tmp_path / "outputs")
    with pytest.raises(Cancelled, match="1 job left: the same command goes on"):
        run_batch(request, lambda: len(videos(tmp_path)) == 1)
    assert run(jobs) == 0
    assert "1 made, 1 made before" in capsys.readouterr().err


def test_two_programs_do_not_make_the_same_jobs(tmp_path: Path) -> None:
    jobs = write(tmp_path, {"images": "a.png"})
    with Ledger(jobs, tmp_path / "outputs"), pytest.raises(InvalidInput, match="Another program"):
        run(jobs)


def test_half_a_line_is_left_out_and_what_was_made_before_it_is_known(tmp_path: Path) -> None:
    jobs = write(tmp_path, {"images": "a.png"}, {"images": "b.png"})
    assert run(jobs) == 0
    ledger = ledger_path(jobs, tmp_path / "outputs")
    lines = ledger.read_text().splitlines()
    # Killed before the second video was noted down, in the middle of a line: its record says that it was made.
    ledger.write_text("\n".join(lines[:3]) + "\n" + lines[3][:40])
    assert run(jobs) == 0
    assert len(videos(tmp_path)) == 2
    (tmp_path / "outputs" / videos(tmp_path)[0]).unlink()
    assert run(jobs) == 0
    assert all(json.loads(line) for line in ledger.read_text().splitlines() if line != lines[3][:40])


def test_killed_it_goes_on_with_what_is_left(tmp_path: Path) -> None:
    jobs = write(tmp_path, {"images": "a.png"}, {"images": "b.png", "animate.num_frames": 20_000})
    command = [sys.executable, "-m", "pipeline", "batch", str(jobs), "--outputs", str(tmp_path / "outputs")]
    command += ["--logs", str(tmp_path / "logs")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = Path(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
    assert first.is_file()
    before = first.stat().st_mtime_ns
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert Path(process.stdout.readline().strip()) == first
        process.send_signal(signal.SIGINT)
        assert "1 job left: the same command goes on" in process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert first.stat().st_mtime_ns == before
    assert videos(tmp_path) == [first.name]
