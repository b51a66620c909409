"""The container as far as it can be tried without one: its files fit together, and its start command is real."""

import base64
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.browser import free_port

PROJECT = Path(__file__).resolve().parent.parent

SECONDS = 90.0
"""How long the page may take to answer on a busy machine."""


def instructions(name: str) -> list[list[str]]:
    """The words after each instruction of this name in the Dockerfile."""
    text = re.sub(r"\\\n", " ", (PROJECT / "Dockerfile").read_text())
    return [shlex.split(line.split(None, 1)[1]) for line in text.splitlines() if line.startswith(f"{name} ")]


def test_the_page_is_published_to_this_machine_alone() -> None:
    service = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]["image-to-video"]
    assert [port.split(":")[0] for port in service["ports"]] == ["127.0.0.1"]
    assert service["cap_drop"] == ["ALL"]
    mounted = {volume.partition(":")[2] for volume in service["volumes"]}
    assert mounted == set(json.loads(re.search(r"VOLUME (.*)", (PROJECT / "Dockerfile").read_text()).group(1)))  # type: ignore[union-attr]


def test_it_runs_as_nobody_in_particular() -> None:
    assert instructions("USER")[-1] == ["1000"]


def test_the_gpu_is_laid_over_the_same_service() -> None:
    services = yaml.safe_load((PROJECT / "compose.gpu.yaml").read_text())["services"]
    assert services["image-to-video"]["deploy"]["resources"]["reservations"]["devices"][0]["driver"] == "nvidia"
    argument = next(iter(services["image-to-video"]["build"]["args"]))
    assert any(words[0].startswith(f"{argument}=") for words in instructions("ARG"))


def test_all_that_is_copied_is_here_and_not_ignored() -> None:
    kept = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {words[0] for words in instructions("COPY") if not words[0].startswith("--from")}
    assert copied <= kept
    assert all((PROJECT / name).exists() for name in kept)


def test_the_pin_of_torch_is_found() -> None:
    command = re.search(r"\$\((sed [^)]*\\\)[^)]*\\1[^)]*)\)", (PROJECT / "Dockerfile").read_text())
    assert command is not None
    found = subprocess.run(["bash", "-c", command.group(1)], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"torch==\d+\.\d+\.\d+\n", found.stdout)


@contextmanager
def started(folder: Path) -> Iterator[tuple[str, str]]:
    """The page as the container starts it, but on loopback; yields its address and what was printed first."""
    port = free_port()
    folders = {"SECRETS": folder / "secrets", "OUTPUTS": folder / "outputs", "LOGS": folder / "logs"}
    for each in folders.values():
        each.mkdir(exist_ok=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **{name: str(each) for name, each in folders.items()}, "PATH": path}
    command = ["bash", str(PROJECT / "scripts" / "container.sh"), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{port}", process.stdout.readline()
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0


def status(address: str) -> int:
    """The HTTP status of an address, once it answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + SECONDS
    while True:
        try:
            with opener.open(address, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            assert time.monotonic() < end, "the page does not answer"
            time.sleep(0.2)


@pytest.mark.slow
def test_it_makes_a_password_once_and_asks_for_it(tmp_path: Path) -> None:
    with started(tmp_path) as (address, told):
        file = tmp_path / "secrets" / "page-password"
        user, _, password = file.read_text().strip().partition(":")
        assert f"{user}:{password} " in told
        assert len(base64.urlsafe_b64decode(password)) >= 12
        assert file.stat().st_mode & 0o077 == 0
        assert status(f"{address}/config") == 401
    before = file.read_bytes()
    with started(tmp_path) as (address, _):
        assert status(f"{address}/config") == 401
    assert file.read_bytes() == before
