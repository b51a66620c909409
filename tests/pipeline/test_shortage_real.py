"""Shortages that are real: the program in a process of its own whose address space is limited."""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.paths import PROJECT
from pipeline.video import probe
from tests.pictures import scene
from tests.tiny_models import build_middle

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="address spaces are limited and measured on Linux"),
]

MB = 1_000_000

# Threads and arenas of the C library take address space in amounts that depend on the machine, and so does a threshold
# of its own choice above which memory is given back: the same run then needs up to 80 MB more or less.
C_LIBRARY = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}
ENVIRONMENT = {**os.environ, **C_LIBRARY, "CUDA_VISIBLE_DEVICES": ""}


@dataclass
class Outcome:
    """How a run of the program ended: its record, and the most address space that it had, in bytes."""

    code: int
    record: dict[str, Any]
    peak: int
    told: str

    @property
    def phases(self) -> list[tuple[str, str]]:
        return [(each["name"], each["outcome"]) for each in self.record["stages"][1]["phases"]]

    @property
    def rungs(self) -> list[tuple[str, str]]:
        return [(each["rung"], each["reason"]) for each in self.record["downgrades"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a middle-sized model and a photo."""
    folder = tmp_path_factory.mktemp("real")
    build_middle(folder / "models")
    Image.fromarray(scene(256, 256)).save(folder / "photo.png")
    return folder


def animate(folder: Path, limit: int | None = None, **changes: object) -> Outcome:
    """Run the program, with at most `limit` bytes of address space."""
    values = {
        "prompt": "waves roll in",
        "seed": 1,
        "prepare.width": 256,
        "prepare.height": 256,
        "animate.engine": "i2vgen-xl",
        "animate.num_frames": 8,
        "animate.num_inference_steps": 1,
        "runtime.models_dir": folder / "models",
        "runtime.device": "cpu",
        "runtime.threads": 1,
        "runtime.cache_gb": 0,
        "encode.threads": 1,
        **{name.replace("_", ".", 1): value for name, value in changes.items()},
    }
    options = [word for name, value in values.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "pipeline", "animate", str(folder / "photo.png"), "--json"]
    places = ["--outputs", str(folder / "outputs"), "--logs", str(folder / "logs")]
    process = subprocess.Popen(
        [*command, *places, *options],
        cwd=PROJECT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if limit is not None:
        resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, limit))
    peak = 0
    while process.poll() is None:
        peak = max(peak, address_space(process.pid))
        time.sleep(0.02)
    out, told = process.communicate()
    assert out, told
    return Outcome(process.returncode, json.loads(out), peak, told)


def address_space(pid: int) -> int:
    """The most address space that a process has had, in bytes; 0 when it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmPeak:")), 0)


def test_memory_between_the_needs_of_two_rungs_ends_in_a_video_on_the_lower_one(folder: Path) -> None:
    one_pass, two_passes = animate(folder), animate(folder, runtime_guidance_passes=2)
    assert one_pass.code == two_passes.code == 0
    assert one_pass.peak > two_passes.peak + 100 * MB

    short = animate(folder, limit=(one_pass.peak + two_passes.peak) // 2)
    assert short.code == 0, short.told
    assert short.rungs == [("guidance-passes", "shortage")]
    assert "Guidance runs in two passes because sampling ran out of memory" in short.told
    done = [("load", "done"), ("place", "done"), ("condition", "done")]
    assert short.phases == [
        *done,
        ("sample", "out of memory"),
        ("place", "done"),
        ("sample", "done"),
        ("decode", "done"),
    ]
    info = probe(folder / "outputs" / short.record["output"]["path"])
    assert (info.width, info.height, info.num_frames) == (256, 256, 8)
    assert short.record["output"]["sha256"] == two_passes.record["output"]["sha256"]


ENCODER = """
import resource, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from pipeline.errors import OutOfMemory
from pipeline.frames import FrameStream
from pipeline.settings import EncodeSettings
from pipeline.video.write import write_video

def film():
    frames = (np.full((704, 1280, 3), 10 * index, np.uint8) for index in range(8))
    return FrameStream(frames, 1280, 704, Fraction(8), 8)

write_video(film(), Path(sys.argv[1], "first.mp4"), EncodeSettings(threads=1))
used = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmSize"))
limit = used + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
path = Path(sys.argv[1], "second.mp4")
for threads in (32, 1):
    try:
        write_video(film(), path, EncodeSettings(threads=threads))
        print("done", threads, path.stat().st_size > 0)
    except OutOfMemory:
        print("short", threads, path.exists())
"""


@pytest.mark.parametrize("room", [200 * MB, 400 * MB, 600 * MB])
def test_an_encoder_without_room_for_its_threads_works_with_one(tmp_path: Path, room: int) -> None:
    command = [sys.executable, "-c", ENCODER, str(tmp_path), str(room)]
    done = subprocess.run(command, cwd=PROJECT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["short 32 False", "done 1 True"], done.stderr
