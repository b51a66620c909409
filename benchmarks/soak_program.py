"""The program as people start it, in a process of its own that can be killed at any moment, for the soaks."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.report import PROJECT
from tests.browser import free_port

START_SECONDS = 600
END_SECONDS = 120

WATCH = """
import os, sys

FOLDERS = tuple(os.path.realpath(each) for each in os.environ["SOAK_FOLDERS"].split(os.pathsep))
REPORT = os.environ["SOAK_REPORT"]
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
NAMING = {"os.rename", "os.link", "os.symlink"}
CHANGES = {"os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.utime", "os.chmod", "shutil.rmtree"} | NAMING

def watch(event, arguments):
    if event == "open":
        path, _, flags = arguments
        if not isinstance(path, (str, bytes)) or not (flags or 0) & WRITES:
            return
    elif event in CHANGES:
        path = arguments[1] if event in NAMING else arguments[0]
        # Names within an open folder, as rmtree has them: its descriptor comes last.
        folder = arguments[-1] if len(arguments) > 1 and event != "os.truncate" else None
        if isinstance(folder, int) and folder >= 0 and isinstance(path, (str, bytes)):
            path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), os.fsdecode(path))
    else:
        return
    if not isinstance(path, (str, bytes)):
        return
    real = os.path.realpath(os.fsdecode(path))
    if real == os.devnull or real == REPORT or real.startswith("/proc/") or real.startswith(FOLDERS):
        return
    with open(REPORT, "a") as report:
        report.write(f"{event} {real}\\n")

sys.addaudithook(watch)
"""
"""A `sitecustomize` that writes down every change of a file outside the folders of the program, as Python is asked for
it; a folder that is removed from within one is not told of."""


@dataclass
class Program:
    """`python -m app` over a folder of its own: outputs, logs and temporary files lie below it."""

    folder: Path
    address: str = ""
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def outputs(self) -> Path:
        """Where videos and records go."""
        return self.folder / "outputs"

    @property
    def temporary(self) -> Path:
        """Where it has its temporary files."""
        return self.folder / "temporary"

    @property
    def report(self) -> Path:
        """What was changed outside of its folders; absent where nothing was."""
        return self.folder / "outside.txt"

    @property
    def said(self) -> Path:
        """What it prints."""
        return self.folder / "said.txt"

    def start(self, wait: bool = True) -> None:
        """Start it, and wait until it says that it is ready: it has taken up then what was left over."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        (self.folder / "watch").mkdir(exist_ok=True)
        (self.folder / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
        port = free_port()
        self.address, self.starts = f"http://127.0.0.1:{port}", self.starts + 1
        arguments = ["--port", str(port), "--outputs", str(self.outputs), "--logs", str(self.folder / "logs")]
        with self.said.open("ab") as said:
            self.process = self.run("app", arguments, said)
        end = time.monotonic() + START_SECONDS
        while wait and not self.is_ready():
            if time.monotonic() > end or self.process.poll() is not None:
                self.kill()
                raise SystemExit(f"the program did not start: {self.said.read_text()[-2000:]}")
            time.sleep(0.1)

    def run(self, module: str, arguments: list[str], said: object) -> subprocess.Popen[bytes]:
        """Start a module of the program with its folders and watched as the page is."""
        folders = os.pathsep.join([str(self.outputs), str(self.folder / "logs"), str(self.temporary)])
        environment = {
            **os.environ,
            **self.environment,
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(self.folder / "watch"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SOAK_FOLDERS": folders,
            "SOAK_REPORT": str(self.report),
            "GRADIO_ANALYTICS_ENABLED": "False",
        }
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=said, stderr=subprocess.STDOUT)  # type: ignore[call-overload,no-any-return]

    def is_ready(self) -> bool:
        """Whether it has said where it is."""
        return f"is at {self.address}" in self.said.read_text(encoding="utf-8")

    def memory(self) -> int:
        """Resident memory of the program and its children in bytes."""
        whole = psutil.Process(self._running.pid)
        return sum(each.memory_info().rss for each in (whole, *whole.children(recursive=True)))

    def kill(self) -> None:
        """End it as a power cut would: at once, whatever it does."""
        self._running.send_signal(signal.SIGKILL)
        self._running.wait()

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self._running.send_signal(signal.SIGINT)
        self._running.wait(END_SECONDS)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise RuntimeError("the program was not started")
        return self.process
