"""start_app.sh, run for real in a copy of the program whose only requirement is a wheel made here, offline.

The `conda` of these tests is a stub that makes an environment with the venv module: it proves which arguments conda is
given and that its environment is used, not that conda itself works.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from app.launch import build_parser

PROJECT = Path(__file__).resolve().parent.parent
INSTALLING = "Installing the packages"

CONDA_STUB = """#!/bin/sh
echo "$@" >>"{folder}/calls"
case $1 in
    env) printf '# conda environments:\\n#\\nbase                   /opt/base\\n'
         [ ! -e "{folder}/env" ] || printf 'image-to-video      *  %s\\n' "{folder}/env" ;;
    create) "{python}" -m venv "{folder}/env" ;;
esac
"""


class Copy:
    """A copy of the program's set-up, in a folder with a space in its name."""

    def __init__(self, parent: Path) -> None:
        self.folder = parent / "my videos"
        self.wheels = parent / "wheels"
        self.wheels.mkdir()
        shutil.copytree(PROJECT / "scripts", self.folder / "scripts")
        for name in ("start_app.sh", "environment.yml"):
            shutil.copy(PROJECT / name, self.folder)
        self.require("1.0")

    @property
    def python(self) -> Path:
        """The interpreter of its .venv."""
        return self.folder / ".venv" / "bin" / "python"

    def require(self, version: str) -> None:
        """Make a version of the package `tiny` the only requirement."""
        (self.folder / "requirements.txt").write_text(f"tiny=={version}\n")
        info = f"tiny-{version}.dist-info"
        with zipfile.ZipFile(self.wheels / f"tiny-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("tiny.py", f"VERSION = '{version}'\n")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")

    def environ(self, **changes: str) -> dict[str, str]:
        """The caller's environment without its settings of pip and conda; pip finds our wheels and no network."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "CONDA", "MAMBA"))}
        offline = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        return own | offline | changes

    def start(self, *flags: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run start_app.sh from another folder and wait for its end."""
        command = ["bash", str(self.folder / "start_app.sh"), *flags]
        env = self.environ(**environ)
        return subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, timeout=120, check=False)

    def tiny(self) -> str:
        """The version of `tiny` that is installed, by importing it."""
        command = [str(self.python), "-c", "import tiny; print(tiny.VERSION)"]
        return str(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def succeeds(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def fails(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one sentence that it printed."""
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy that is set up in a .venv, which also sees the packages of the interpreter that runs the tests."""
    copy = Copy(tmp_path_factory.mktemp("ready"))
    assert INSTALLING in succeeds(copy.start("--setup-only", "--venv"))
    for name in ("app", "pipeline", "configs"):
        (copy.folder / name).symlink_to(PROJECT / name)
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    (next(copy.folder.glob(".venv/lib/*/site-packages")) / "ours.pth").write_text(ours)
    return copy


def test_help_names_every_flag(ready: Copy) -> None:
    text = succeeds(ready.start("--help"))
    flags = set(build_parser().flags()) | {"--setup-only", "--venv"}
    assert all(flag in text for flag in flags - {"-h"})


def test_set_up_makes_everything(ready: Copy) -> None:
    assert ready.tiny() == "1.0"
    assert (ready.folder / "outputs").is_dir()
    assert (ready.folder / "logs" / "setup.log").is_file()


def test_second_start_installs_nothing_also_through_a_link(ready: Copy, tmp_path: Path) -> None:
    link = tmp_path / "start"
    link.symlink_to(ready.folder / "start_app.sh")
    env = ready.environ(PIP_FIND_LINKS="/nowhere")
    done = subprocess.run(
        ["bash", link, "--setup-only", "--venv"], env=env, capture_output=True, text=True, check=False
    )
    assert INSTALLING not in succeeds(done)


def test_changed_requirements_are_installed_and_a_moved_folder_is_noticed(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    succeeds(copy.start("--setup-only", "--venv"))
    copy.require("2.0")
    assert INSTALLING in succeeds(copy.start("--setup-only", "--venv"))
    assert copy.tiny() == "2.0"
    copy.folder = copy.folder.rename(tmp_path / "moved videos")
    assert "was moved" in succeeds(copy.start("--setup-only", "--venv"))
    assert copy.tiny() == "2.0"


def test_broken_venv_is_noticed(ready: Copy) -> None:
    script = (
        'project=$1; . "$1/scripts/environment.sh"; if venv_works "$1/.venv"; then echo works; else echo broken; fi'
    )
    command = ["bash", "-c", script, "bash", str(ready.folder)]

    def verdict() -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert verdict() == "works\n"
    away = ready.python.rename(ready.python.with_name("away"))
    try:
        assert verdict() == "broken\n"
    finally:
        away.rename(ready.python)


@contextmanager
def silent_index() -> Iterator[socket.socket]:
    """A package index that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(120)
        yield server


def interrupt(started: subprocess.Popen[str]) -> None:
    """Press Ctrl-C until it ends: Python loses one that comes while it is in a callback."""
    for _ in range(60):
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            started.wait(timeout=2)
            return


def test_interrupted_installation_is_done_again(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    with silent_index() as index:
        address = f"http://127.0.0.1:{index.getsockname()[1]}/"
        env = copy.environ(PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL=address)
        command = ["bash", str(copy.folder / "start_app.sh"), "--setup-only", "--venv"]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True) as started:
            with index.accept()[0]:  # from pip, which waits for the answer
                assert (copy.folder / ".venv" / ".installation-unfinished").exists()
                interrupt(started)
            text, _ = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "Set-up was stopped" in text
    # What pip had begun to unpack passes for installed.
    site = next(copy.folder.glob(".venv/lib/*/site-packages"))
    with zipfile.ZipFile(copy.wheels / "tiny-1.0-py3-none-any.whl") as wheel:
        wheel.extract("tiny-1.0.dist-info/METADATA", site)
    assert INSTALLING in succeeds(copy.start("--setup-only", "--venv"))
    assert copy.tiny() == "1.0"


def test_no_network_is_one_sentence(ready: Copy) -> None:
    ready.require("3.0")
    closed = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "1"}
    try:
        sentence = fails(ready.start("--setup-only", "--venv", **closed))
    finally:
        ready.require("1.0")
        succeeds(ready.start("--setup-only", "--venv"))
    assert "check the network connection" in sentence
    assert "logs/setup.log" in sentence


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "make room"),
        ("Temporary failure in name resolution", "check the network"),
        ("ERROR: No matching distribution found for torch==2.13.0", "mend what it says"),
    ],
)
def test_advice_follows_the_reason(ready: Copy, tmp_path: Path, reason: str, advice: str) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "setup.log").write_text(reason)
    script = 'project=$1; . "$2/scripts/environment.sh"; explain_failure "It failed"'
    command = ["bash", "-c", script, "bash", str(tmp_path), str(ready.folder)]
    assert advice in fails(subprocess.run(command, capture_output=True, text=True, check=False))


def test_conda_is_used_where_there_is_one_unless_venv_is_asked_for(tmp_path: Path, ready: Copy) -> None:
    copy, stubs = Copy(tmp_path), tmp_path / "stub conda"
    stubs.mkdir()
    (stubs / "conda").write_text(CONDA_STUB.format(folder=stubs, python=sys.executable))
    (stubs / "conda").chmod(0o755)
    path = f"{stubs}:{os.environ['PATH']}"
    assert INSTALLING in succeeds(copy.start("--setup-only", PATH=path))
    assert INSTALLING not in succeeds(copy.start("--setup-only", PATH=path))
    calls = (stubs / "calls").read_text().splitlines()
    created = "create --yes --name image-to-video --override-channels --channel conda-forge python=3.11 pip"
    assert calls == ["env list", created, "env list", "env list"]
    assert not (copy.folder / ".venv").exists()
    assert list(stubs.glob("env/lib/*/site-packages/tiny.py"))
    succeeds(ready.start("--setup-only", "--venv", PATH=path))
    assert len((stubs / "calls").read_text().splitlines()) == len(calls)


def only_these_pythons(folder: Path, **pythons: str) -> str:
    """A PATH on which there are the usual tools and, of all Pythons, these scripts."""
    for tool in ("bash", "cat", "dirname", "grep", "mkdir", "readlink", "rm", "sed"):
        (folder / tool).symlink_to(str(shutil.which(tool)))
    for name, script in pythons.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_no_python_that_is_new_enough(tmp_path: Path) -> None:
    copy, folder = Copy(tmp_path), tmp_path / "bin"
    folder.mkdir()
    sentence = fails(copy.start("--setup-only", PATH=only_these_pythons(folder, python3="exit 1")))
    assert "Python 3.11 or newer is needed" in sentence


def test_python_without_its_venv_module(tmp_path: Path) -> None:
    copy, folder = Copy(tmp_path), tmp_path / "bin"
    folder.mkdir()
    script = f'case "$*" in *ensurepip*) exit 1 ;; esac; exec "{sys.executable}" "$@"'
    sentence = fails(copy.start("--setup-only", PATH=only_these_pythons(folder, python3=script)))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt install python{version}-venv" in sentence


def test_starts_answers_refuses_a_taken_port_and_ends(ready: Copy, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    flags = ["--venv", "--port", str(port), "--outputs", "here", "--logs", str(tmp_path / "logs")]
    command = ["bash", str(ready.folder / "start_app.sh"), *flags]
    with subprocess.Popen(
        command, env=ready.environ(), cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as page:
        assert page.stdout is not None
        try:
            assert f"http://127.0.0.1:{port} " in page.stdout.readline()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                assert answer.status == 200
            sentence = fails(ready.start(*flags), code=2)
            assert f"(process {page.pid})" in sentence
            assert "--port " in sentence
        finally:
            os.killpg(page.pid, signal.SIGINT)
        assert "Traceback" not in page.communicate(timeout=60)[0]
    assert page.returncode == 0
    assert (tmp_path / "here").is_dir()
