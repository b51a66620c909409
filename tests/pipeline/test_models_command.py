"""`python -m pipeline models`, in a process of its own, as a user runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.paths import PROJECT
from tests.hub import CHUNK, Hub, serve
from tests.pipeline.models.published import LARGE, REPOSITORY, UNET, repository


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub that has I2VGen-XL, small."""
    with serve() as running:
        running.add(REPOSITORY, repository(tmp_path / "published"))
        yield running


def environment(hub: Hub, folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return kept | {"HF_ENDPOINT": hub.address, "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_TELEMETRY": "1"}


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "pipeline", "models", *words, "--logs", str(folder / "logs")]


def run(hub: Hub, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, *words),
        cwd=PROJECT,
        env=environment(hub, folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_model_is_listed_downloaded_and_verified(hub: Hub, tmp_path: Path) -> None:
    listed = run(hub, tmp_path, "list")
    assert listed.returncode == 0
    assert "i2vgen-xl" in listed.stdout
    assert "missing" in listed.stdout
    fetched = run(hub, tmp_path, "download", "i2vgen-xl", "--json")
    assert fetched.returncode == 0, fetched.stderr
    assert "licence: MIT" in fetched.stderr
    assert "are free on the disk" in fetched.stderr
    facts = json.loads(fetched.stdout)
    assert (facts["name"], facts["state"], facts["licence"]) == ("i2vgen-xl", "ready", "MIT")
    assert (Path(facts["folder"]) / UNET).stat().st_size > LARGE
    states = {facts["name"]: facts["state"] for facts in json.loads(run(hub, tmp_path, "list", "--json").stdout)}
    assert (states["i2vgen-xl"], states["svd"]) == ("ready", "missing")
    verified = run(hub, tmp_path, "verify", "i2vgen-xl", "--json")
    assert verified.returncode == 0
    assert json.loads(verified.stdout) == {"name": "i2vgen-xl", "good": True, "problems": []}


def test_a_program_that_was_killed_in_mid_file_goes_on_in_the_next(hub: Hub, tmp_path: Path) -> None:
    hub.seconds_a_chunk = 0.1
    models = ("download", "i2vgen-xl", "--runtime.models_dir", str(tmp_path / "models"))
    killed = subprocess.Popen(
        command(tmp_path, *models), cwd=PROJECT, env=environment(hub, tmp_path), stderr=subprocess.DEVNULL
    )
    while hub.served.get(UNET, 0) < 20 * CHUNK:
        assert killed.poll() is None
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    hub.seconds_a_chunk = 0.0
    hub.served.clear()
    time.sleep(0.3)
    hub.served.clear()
    done = run(hub, tmp_path, *models)
    assert done.returncode == 0, done.stderr
    assert hub.served[UNET] < LARGE - 15 * CHUNK
    assert run(hub, tmp_path, "verify", *models[1:]).returncode == 0


def test_ctrl_c_ends_a_download_with_exit_130(hub: Hub, tmp_path: Path) -> None:
    hub.seconds_a_chunk = 0.1
    running = subprocess.Popen(
        command(tmp_path, "download", "i2vgen-xl"),
        cwd=PROJECT,
        env=environment(hub, tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    )
    while hub.served.get(UNET, 0) < 3 * CHUNK:
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, said = running.communicate(timeout=20)
    assert time.monotonic() - started < 3.0
    assert running.returncode == 130
    assert "the same command goes on from it" in said


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("download", "svd"), 4, "The hub does not show"),
        (("verify", "svd"), 4, "is not on this machine"),
        (("download",), 2, "needs the name of a model"),
        (("download", "i2vgenxl"), 2, "did you mean 'i2vgen-xl'"),
        (("fetch", "svd"), 2, "choose list, download or verify"),
        (("list", "svd"), 2, "takes no name"),
        (("download", "i2vgen-xl", "--runtime.offline"), 2, "cannot be downloaded while runtime.offline"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_an_exit_code(
    hub: Hub, tmp_path: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    done = run(hub, tmp_path, *words)
    assert done.returncode == code
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert sentence in last
    assert "Traceback" not in done.stderr
