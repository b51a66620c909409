"""What goes wrong is one sentence and leaves nothing behind; memory stays bounded."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipeline.choices import VideoFormat
from pipeline.errors import OutputFailed
from pipeline.frames import Frame, FrameStream
from pipeline.settings import EncodeSettings
from pipeline.video import write_video
from tests.disks import small_disk
from tests.pipeline.video.films import FORMATS, stream, write


def bad_streams() -> dict[str, tuple[Callable[[int], Frame], int]]:
    good = np.zeros((64, 96, 3), np.uint8)
    return {
        r"ended after 5 of the 9": (lambda _: good, 5),
        r"more than the 9": (lambda _: good, 12),
        r"frame 3 is uint8 \(64, 96\)": (lambda index: good if index < 3 else good[..., 0], 9),
        r"frame 3 is float32": (lambda index: good if index < 3 else good.astype(np.float32), 9),
        r"frame 0 is uint8 \(96, 64, 3\)": (lambda _: good.swapaxes(0, 1), 9),
    }


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("message", bad_streams())
def test_a_stream_that_breaks_its_promise_leaves_nothing(tmp_path: Path, kind: VideoFormat, message: str) -> None:
    make, count = bad_streams()[message]
    closed = []

    def frames() -> Iterator[Frame]:
        try:
            for index in range(count):
                yield make(index)
        finally:
            closed.append(True)

    with pytest.raises(ValueError, match=message):
        write(tmp_path, FrameStream(frames(), 96, 64, Fraction(30), 9), kind)
    assert closed
    assert not list(tmp_path.iterdir())


def test_a_writer_never_overwrites_and_never_starts_where_it_cannot_write(tmp_path: Path) -> None:
    taken = tmp_path / "taken.mp4"
    taken.write_text("mine")
    with pytest.raises(OutputFailed, match="file exists"):
        write_video(stream(3), taken, EncodeSettings())
    assert taken.read_text() == "mine"
    with pytest.raises(OutputFailed, match="no such file or directory"):
        write_video(stream(3), tmp_path / "missing" / "a.mp4", EncodeSettings())


@pytest.mark.parametrize("kind", FORMATS)
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, kind: VideoFormat) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 128, 128, 3), np.uint8)
    film = FrameStream(iter(noise), 128, 128, Fraction(30), 20)
    with small_disk(tmp_path, 200) as disk:
        with pytest.raises(OutputFailed, match=r"^The disk with the outputs is full \(0 MB free\): free some space"):
            write(disk, film, kind)
        assert not list(disk.iterdir())


POOR_CHILD = """
import resource, sys
from fractions import Fraction
from pathlib import Path
import numpy as np, psutil
from pipeline.errors import OutOfMemory
from pipeline.frames import FrameStream
from pipeline.settings import EncodeSettings
from pipeline.video import write_video
limit = psutil.Process().memory_info().vms + int(sys.argv[2]) * 10**6
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
frame = np.zeros((1080, 1920, 3), np.uint8)
try:
    write_video(FrameStream(iter([frame] * 50), 1920, 1080, Fraction(30), 50), Path(sys.argv[1]), EncodeSettings())
except OutOfMemory:
    sys.exit(3)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on address space is Linux's")
@pytest.mark.parametrize("megabytes", [30, 150])
def test_no_memory_is_an_error_of_its_own(tmp_path: Path, megabytes: int) -> None:
    command = [sys.executable, "-c", POOR_CHILD, str(tmp_path / "a.mp4"), str(megabytes)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(command, check=False, env=environment, capture_output=True).returncode == 3
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", FORMATS)
def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path, kind: VideoFormat) -> None:
    process = psutil.Process()
    used: list[int] = []

    # Making a palette takes its time.
    few, many = (20, 120) if kind is VideoFormat.GIF else (100, 1000)

    def watched(count: int) -> FrameStream:
        film = stream(count)

        def frames() -> Iterator[Frame]:
            for index, frame in enumerate(film.frames):
                yield frame
                if index + 1 in (few, count):
                    used.append(process.memory_info().rss)

        return FrameStream(frames(), film.width, film.height, film.fps, film.count)

    write(tmp_path, watched(many), kind)
    after_few, after_many = used
    assert after_many - after_few < 0.25 * (many - few) * 96 * 64 * 3 + 10**6
