"""python -m app: what it refuses before anything heavy is loaded, and that it starts, answers and ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.launch import check_address, main, port_holder, read_accounts, taken
from pipeline.errors import InvalidSetting

PROJECT = Path(__file__).resolve().parents[2]


WATCHED = """
import runpy, sys
import httpx

def too_late(*arguments, **how):
    raise httpx.ReadTimeout("timed out")

httpx.head = too_late

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = arguments[1] if event == "socket.connect" else arguments
        if address[0] not in ("127.0.0.1", "localhost", "::1"):
            print("asked for", address, file=sys.stderr)

sys.addaudithook(watch)
sys.argv[0] = "app"
runpy.run_module("app", run_name="__main__", alter_sys=True)
"""
"""`python -m app`, with a word on standard error about every address that is not this machine's. The page comes too
late for one who waits a few seconds for it, as on a busy machine."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Iterator["Refused"]:
    heavy = {name for name in sys.modules if name.split(".")[0] == "gradio"}
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield Refused(capsys)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert {name for name in sys.modules if name.split(".")[0] == "gradio"} == heavy


class Refused:
    """Runs the program and returns the one sentence with which it ends."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *flags: str) -> str:
        assert main(flags) == 2
        printed = self.capsys.readouterr()
        assert printed.out == ""
        assert re.fullmatch(r"error: [^\n]+[.:?]\n", printed.err)
        return str(printed.err)


def test_taken_port_names_its_holder_and_a_free_one(refused: Refused, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        sentence = refused("--port", str(port), "--outputs", str(tmp_path / "outputs"))
    assert f"Port {port} is in use" in sentence
    assert f"(process {os.getpid()})" in sentence
    other = re.search(r"--port (\d+)", sentence)
    assert other is not None
    check_address("127.0.0.1", int(other[1]), protected=False)
    assert not (tmp_path / "outputs").exists()


def test_port_held_on_all_addresses_is_taken() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server, pytest.raises(InvalidSetting, match="is in use"):  # noqa: S104
        check_address("127.0.0.1", server.getsockname()[1], protected=False)


def test_port_that_nobody_holds_has_no_holder() -> None:
    port = free_port()
    assert port_holder(port) is None
    assert f"by another process: choose another port with --port {port + 1}" in taken("127.0.0.1", port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - that it is refused is the test
def test_other_machines_need_a_password(refused: Refused, host: str) -> None:
    assert "--auth USER:PASSWORD" in refused("--host", host, "--port", str(free_port()))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_this_machine_needs_none(host: str) -> None:
    check_address(host, free_port(), protected=False)


def test_the_internet_needs_a_password(refused: Refused) -> None:
    sentence = refused("--share", "--port", str(free_port()))
    assert "--share opens the page to everyone" in sentence
    assert "--auth USER:PASSWORD" in sentence


def test_the_password_is_kept_where_the_page_does_not_serve_it(refused: Refused, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    (outputs / "password").write_text("me:secret")
    (tmp_path / "link").symlink_to(outputs / "password")
    for path in (outputs / "password", tmp_path / "link"):
        sentence = refused("--password-file", str(path), "--outputs", str(outputs), "--port", str(free_port()))
        assert "keep" in sentence
        assert "elsewhere" in sentence
        assert "secret" not in sentence


def test_host_that_is_none(refused: Refused) -> None:
    assert "there is no such address" in refused("--host", "")


def test_address_of_another_machine(refused: Refused) -> None:
    assert "cannot listen there" in refused("--host", "192.0.2.1", "--auth", "me:secret")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "７８６０"])
def test_port_out_of_range(refused: Refused, port: str) -> None:
    assert "from 1 to 65535" in refused(f"--port={port}")


def test_misspelt_flag(refused: Refused) -> None:
    assert "did you mean --port?" in refused("--prot", "7861")


@pytest.mark.parametrize("account", ["me", "me:", ":secret", ""])
def test_half_an_account(refused: Refused, account: str) -> None:
    assert "USER:PASSWORD" in refused("--auth", account)


def test_accounts_from_a_file(tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "accounts"
    assert "cannot be read" in refused("--auth-file", str(file))
    file.write_text("\n")
    assert "holds no account" in refused("--auth-file", str(file))
    file.write_text("me:a:b\n\nyou:ü\n", encoding="utf-8")
    assert read_accounts(None, file) == [("me", "a:b"), ("you", "ü")]


@pytest.mark.parametrize("flag", ["--outputs", "--logs"])
def test_folder_that_cannot_be_written(refused: Refused, tmp_path: Path, flag: str) -> None:
    (tmp_path / "file").write_text("")
    flags = ["--outputs", str(tmp_path / "outputs"), "--logs", str(tmp_path / "logs")]
    sentence = refused(*flags, "--port", str(free_port()), flag, str(tmp_path / "file"))
    assert f"another folder with {flag}" in sentence


@contextmanager
def served(folder: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The page, started with a proxy in the environment that nothing may go through, and its address."""
    port = free_port()
    command = [sys.executable, "-c", WATCHED, "--port", str(port), "--outputs", str(folder / "o")]
    command += ["--logs", str(folder / "logs"), *flags]
    env = os.environ | {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    with subprocess.Popen(
        command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as page:
        assert page.stdout is not None
        try:
            assert page.stdout.readline() == f"Image-to-Video is at http://127.0.0.1:{port} (Ctrl-C ends it).\n"
            yield page, f"http://127.0.0.1:{port}"
        finally:
            page.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_asks_nobody_outside_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with served(tmp_path) as (page, address):
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=30) as answer:
            assert answer.status == 200
        assert page.stdout is not None
        assert re.match(r"(No )?NVIDIA GPU", page.stdout.readline())
        page.send_signal(number)
        assert page.communicate(timeout=30) == ("", "")
    assert page.returncode == 0
    assert (tmp_path / "o").is_dir()
    assert (tmp_path / "logs").is_dir()


def test_a_share_that_cannot_be_made_ends_with_the_reason(tmp_path: Path) -> None:
    """There is no way to Gradio's servers here: the page must not go on as if it were open to others."""
    command = [sys.executable, "-m", "app", "--share", "--auth", "me:secret", "--port", str(free_port())]
    command += ["--outputs", str(tmp_path / "o"), "--logs", str(tmp_path / "logs")]
    env = os.environ | {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https", "HTTP", "HTTPS")}
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: The page could not be opened to the internet")
    assert "Image-to-Video is at" not in done.stdout
    assert "secret" not in done.stdout + done.stderr
