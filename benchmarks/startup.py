"""Benchmark of the start: `python -m benchmarks.startup` takes about a minute.

Time from starting `python -m app` to the first good answer to an HTTP request, beside the least page that gradio can
serve (bare_page.py). The two take turns, so that both see the same machine; medians count.
"""

import argparse
import http.client
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.report import PROJECT, save, table

TARGET = 1.5
"""The page may take at most this many times as long as the bare one."""

POLL_SECONDS = 0.02
TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class Start:
    """One start: seconds to the first good answer, and processor seconds spent until then."""

    seconds: float
    cpu_seconds: float


def main() -> None:
    """Measure, then write the results and the document's section."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5, help="starts of each; the medians count")
    rounds = arguments.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        commands = {"python -m app": _app(Path(folder)), "bare page": _bare()}
        for command in commands.values():
            measure(command)  # fills the disk's cache, unrecorded
        starts: dict[str, list[Start]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                starts[name].append(measure(command))
    report(starts)


def _app(folder: Path) -> list[str]:
    return [sys.executable, "-m", "app", "--outputs", str(folder / "outputs"), "--logs", str(folder / "logs"), "--port"]


def _bare() -> list[str]:
    return [sys.executable, str(PROJECT / "benchmarks" / "bare_page.py")]


def measure(command: list[str]) -> Start:
    """Start a server, whose port is appended to `command`, wait for its first good answer, and end it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    started = time.monotonic()
    with subprocess.Popen([*command, str(port)], cwd=PROJECT, stdout=subprocess.DEVNULL) as process:
        try:
            while not answers(port):
                if process.poll() is not None or time.monotonic() - started > TIMEOUT_SECONDS:
                    raise RuntimeError(f"{' '.join(command)} does not answer")
                time.sleep(POLL_SECONDS)
            seconds = time.monotonic() - started
            used = psutil.Process(process.pid).cpu_times()
        finally:
            process.terminate()
    return Start(seconds, used.user + used.system)


def answers(port: int) -> bool:
    """Whether a request to the page's address is answered with status 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def report(starts: dict[str, list[Start]]) -> None:
    """Write benchmarks/results/startup.json and the section of docs/benchmarks.md, and print the ratio."""
    seconds = {name: statistics.median(start.seconds for start in runs) for name, runs in starts.items()}
    cpu = {name: statistics.median(start.cpu_seconds for start in runs) for name, runs in starts.items()}
    ratio = seconds["python -m app"] / seconds["bare page"]
    rounds = len(starts["bare page"])
    rows = [[name, f"{seconds[name]:.2f}", f"{cpu[name]:.2f}"] for name in starts]
    summary = (
        f"`python -m benchmarks.startup`: from the start to the first good answer, medians of {rounds} starts in turn "
        f"on {os.cpu_count()} cores. Target: at most {TARGET} times the bare gradio page; measured: {ratio:.2f} times."
    )
    section = "\n\n".join(["## Start of the page", summary, table(["", "wall s", "processor s"], rows)])
    results = {
        "machine": {
            "cpu_count": os.cpu_count(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
            "gradio": version("gradio"),
        },
        "target_ratio": TARGET,
        "ratio": round(ratio, 3),
        "starts": {name: [asdict(start) for start in runs] for name, runs in starts.items()},
    }
    save("startup", results, section)
    print(f"{ratio:.2f} times the bare page ({', '.join(f'{name} {value:.2f} s' for name, value in seconds.items())})")


if __name__ == "__main__":
    main()
