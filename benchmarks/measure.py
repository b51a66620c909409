"""What benchmarks measure with: the cost of a command, and the motion between two frames."""

import platform
import subprocess
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from os import wait4
from pathlib import Path

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray

from pipeline.frames import Frame

Affine = NDArray[np.float64]
"""Shape (2, 3): maps pixels (x, y, 1) of one frame to pixels of another."""

POLL_SECONDS = 0.02
"""Time between two readings of memory."""


@dataclass(frozen=True)
class Usage:
    """What a command cost, all its child processes included; memory is the largest sum of resident sets seen."""

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int


def run_measured(command: list[str], folder: Path, log_path: Path) -> Usage:
    """Run a command in a folder and measure it. Raises RuntimeError, with the end of its output, when it fails."""
    with log_path.open("w+b") as log:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        memory = _MemoryWatch(process.pid)
        _, status, used = wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = status
        peak = memory.stop()
        if status:
            log.seek(0)
            raise RuntimeError(f"{command[0]} failed: {log.read()[-2000:].decode(errors='replace')}")
    return Usage(round(wall, 3), round(used.ru_utime + used.ru_stime, 3), peak)


class _MemoryWatch:
    """Reads the memory of a process and its children until told to stop."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The largest sum of resident sets seen, in bytes."""
        self._done.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._done.wait(POLL_SECONDS):
            self._peak = max(self._peak, self._resident())

    def _resident(self) -> int:
        total = 0
        try:
            for process in (self._process, *self._process.children(recursive=True)):
                total += process.memory_info().rss
        except psutil.NoSuchProcess:
            return total
        return total


def measured_affine(before: Frame, after: Frame, guess: Affine) -> Affine:
    """The affine map from pixels of `before` to pixels of `after`, by whole-frame ECC from a rough guess.

    ECC (Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation coefficient maximization",
    2008) is accurate to about 0.01 px on photographs.
    """
    whole = np.full(before.shape[:2], 255, np.uint8)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-8)
    _, found = cv2.findTransformECC(
        _luma(before), _luma(after), guess.astype(np.float32), cv2.MOTION_AFFINE, criteria, whole, 3
    )
    return np.asarray(found, np.float64)


def rms_distance(one: Affine, other: Affine, width: int, height: int) -> float:
    """RMS distance in pixels, over a frame, between where two maps put its pixels."""
    x, y = np.meshgrid(np.linspace(0, width - 1, 33), np.linspace(0, height - 1, 33))
    apart = np.stack([x, y, np.ones_like(x)], axis=-1) @ (one - other).T
    return float(np.sqrt(np.mean(np.sum(apart**2, axis=-1))))


def machine() -> dict[str, str | int]:
    """What the figures depend on."""
    import imageio_ffmpeg  # only benchmarks need it, and tests import this module

    packages = ("numpy", "opencv-contrib-python", "av", "pillow", "moviepy")
    return {
        "cpu_count": psutil.cpu_count() or 1,
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "ffmpeg": imageio_ffmpeg.get_ffmpeg_version(),
        **{name: version(name) for name in packages},
    }


def _luma(frame: Frame) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.float32)
