"""Start the page: address, password and folders are looked at before anything heavy is loaded."""

import argparse
import contextlib
import errno
import ipaddress
import os
import signal
import socket
import sys
import tempfile
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.uploads import make_uploads
from pipeline.command_line import OUTPUTS, Parser
from pipeline.environment import gpu_name
from pipeline.errors import ImageToVideoError, InvalidSetting, OutputFailed
from pipeline.logs import LOGS, start_logging, stop_logging

if TYPE_CHECKING:
    from app.job import Queue

Account = tuple[str, str]
"""User and password."""

OFFLINE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
}
"""Keeps the libraries from reporting anything: they read these when they are imported."""

LOCAL = "localhost,127.0.0.1,::1"
"""Addresses that no proxy may stand before: the page's server asks itself whether it answers."""

WAKE_SECONDS = 0.5
"""How often the main thread looks for Ctrl-C while the server's threads work."""


def main(arguments: Sequence[str]) -> int:
    """Serve the page until it is interrupted. Ctrl-C and SIGTERM are how it ends, so both return 0."""
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell started us with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        parsed = build_parser().parse(arguments)
        accounts = read_accounts(parsed.auth, parsed.auth_file)
        check_reach(parsed, bool(accounts))
        check_address(parsed.host, parsed.port, bool(accounts))
        make_folder(parsed.outputs)
        start_logging(parsed.logs)
        serve(parsed, accounts)
    except ImageToVideoError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    finally:
        stop_logging()
    return 0


def build_parser() -> Parser:
    """The parser of `python -m app`."""
    parser = Parser(
        prog="python -m app",
        description="Start the page. Ctrl-C ends it.",
        usage="%(prog)s [FLAG ...]",
        allow_abbrev=False,
    )
    parser.set_defaults(parser=parser)
    add = parser.add_argument
    add(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1, this machine)"
    )
    add("--port", type=port_number, default=7860, metavar="N", help="port to listen on (default: 7860)")
    password = parser.add_mutually_exclusive_group()
    password.add_argument("--auth", metavar="USER:PASSWORD", help="ask for this user and password")
    password.add_argument(
        "--auth-file",
        "--password-file",
        type=Path,
        metavar="FILE",
        help="the same from a file, one USER:PASSWORD a line: other users of this machine see what is typed",
    )
    add("--share", action="store_true", help="open the page to the internet through Gradio's servers")
    add("--outputs", type=Path, default=OUTPUTS, metavar="DIR", help="folder for videos and records (default: outputs)")
    add("--logs", type=Path, default=LOGS, metavar="DIR", help="folder for logs (default: logs)")
    add("--open-browser", action="store_true", help="open the page in the browser")
    return parser


def port_number(text: str) -> int:
    """Read a port. Raises ArgumentTypeError when it is none."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not '{text}'")
    return int(text)


def read_accounts(account: str | None, file: Path | None) -> list[Account]:
    """The accounts that may open the page. Raises InvalidSetting when one has no user or no password."""
    lines = [account] if account is not None else []
    if file is not None:
        try:
            lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSetting(
                f"--auth-file: {file} cannot be read as text; it holds USER:PASSWORD lines."
            ) from error
    accounts = []
    for line in lines:
        user, _, password = line.partition(":")
        if not user or not password:
            raise InvalidSetting("An account is written USER:PASSWORD, and neither part may be empty.")
        accounts.append((user, password))
    if file is not None and not accounts:
        raise InvalidSetting(f"--auth-file: {file} holds no account; write one USER:PASSWORD a line.")
    return accounts


def check_reach(parsed: argparse.Namespace, protected: bool) -> None:
    """Raise InvalidSetting where the internet would get in without a password, or could read the file with it."""
    if parsed.share and not protected:
        raise InvalidSetting(
            "--share opens the page to everyone who learns its address: add a password with --auth USER:PASSWORD or "
            "--auth-file FILE."
        )
    if parsed.auth_file is not None and parsed.auth_file.resolve().is_relative_to(parsed.outputs.resolve()):
        raise InvalidSetting(
            f"--auth-file: the page serves all that is below {parsed.outputs}: keep {parsed.auth_file} elsewhere."
        )


def check_address(host: str, port: int, protected: bool) -> None:
    """Raise InvalidSetting unless the page can listen there, and asks for a password where others could reach it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise InvalidSetting(f"--host {host}: there is no such address; 127.0.0.1 is this machine alone.") from error
    if not protected and not all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found):
        raise InvalidSetting(
            f"--host {host} lets other machines in: add a password with --auth USER:PASSWORD or --auth-file FILE."
        )
    failures = [bind_error(family, str(address[0]), port) for family, *_, address in found]
    if errno.EADDRINUSE in failures:
        raise InvalidSetting(taken(host, port))
    if errno.EACCES in failures:
        raise InvalidSetting(f"Port {port} needs an administrator's rights: choose another one, such as --port 7860.")
    if all(failures):  # one that works is enough: localhost may also name an IPv6 address that is switched off
        reason = os.strerror(failures[0])
        raise InvalidSetting(f"--host {host}: this machine cannot listen there ({reason}); try --host 127.0.0.1.")


def bind_error(family: int, host: str, port: int) -> int:
    """The number of the error when listening at an address; 0 when it is free."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if os.name == "posix":  # a port that was just left is free; on Windows the option would share a taken one
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.errno or errno.EINVAL
    return 0


def taken(host: str, port: int) -> str:
    """The sentence for a port in use: who holds it, and the flag that picks one that is free."""
    holder = port_holder(port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    free = next((near for near in range(port + 1, min(port + 100, 65536)) if not bind_error(family, host, near)), 7860)
    who = f"by {holder}: end that, or choose" if holder else "by another process: choose"
    return f"Port {port} is in use {who} another port with --port {free}."


def port_holder(port: int) -> str | None:
    """Name and number of the process that listens on a port; None where the system does not tell."""
    import psutil

    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return None


def make_folder(outputs: Path) -> None:
    """Make the folder for videos. Raises InvalidSetting when nothing can be written there."""
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=outputs).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidSetting(
            f"Videos cannot be written to {outputs} ({reason}): name another folder with --outputs."
        ) from error


def serve(parsed: argparse.Namespace, accounts: Sequence[Account]) -> None:
    """Load and serve the page; say where it is once it answers. Returns only by KeyboardInterrupt."""
    os.environ.update(OFFLINE)
    uploads = make_uploads()
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), LOCAL]))
    from app.guard import guarded
    from app.ui import build, launch_options

    page = build(parsed.outputs, parsed.logs)
    options = launch_options(parsed.outputs, page.pulse.script())
    behind = guarded(parsed.host, bool(accounts), options["max_file_size"])
    try:
        page.launch(
            server_name=f"[{parsed.host}]" if ":" in parsed.host else parsed.host,
            server_port=parsed.port,
            auth=list(accounts) or None,
            share=parsed.share,
            prevent_thread_lock=True,
            enable_monitoring=False,
            app_kwargs={**behind, "routes": [page.pulse.route]},
            _frontend=False,  # else Gradio asks for the page and gives up after 3 s: too soon where a machine is busy
            **options,
        )
        if parsed.share and not page.share_url:  # Gradio has printed why
            raise OutputFailed("The page could not be opened to the internet: start it without --share, or try again.")
        left_over = page.jobs.take_up()
        greet(parsed.host, parsed.port, parsed.open_browser)
        tell_left_over(left_over, page.jobs.queue())
        while True:
            # Short, because the system may hand a signal to another thread, which does not wake this one.
            time.sleep(WAKE_SECONDS)
    finally:
        # A second Ctrl-C ends the program at once, without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        page.close(verbose=False)
        uploads.cleanup()


def greet(host: str, port: int, open_browser: bool) -> None:
    """Print the page's address, and what the machine has."""
    shown = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    address = f"http://{shown}:{port}"
    print(f"Image-to-Video is at {address} (Ctrl-C ends it).", flush=True)
    name, driver = gpu_name()
    if name:
        print(f"NVIDIA GPU: {name}, driver {driver}.", flush=True)
    else:
        print("No NVIDIA GPU was found: the embedded engine needs none.", flush=True)
    if open_browser:
        webbrowser.open(address)


def tell_left_over(waiting: int, queue: "Queue") -> None:
    """Print what the last start of the program has left."""
    if waiting:
        runs = "1 run was waiting" if waiting == 1 else f"{waiting} runs were waiting"
        how = "the queue is paused" if queue.is_paused else "the queue goes on"
        print(f"{runs} when the program ended: {how}.", flush=True)
    if queue.interrupted:
        count = len(queue.interrupted)
        print(f"{count} {'run was' if count == 1 else 'runs were'} broken off: the page offers to resume.", flush=True)
