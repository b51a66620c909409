"""The same frames and settings give the same bytes, whatever the machine did before."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest

from pipeline.choices import VideoFormat, X264Preset
from pipeline.settings import EncodeSettings
from pipeline.video.codecs import LOOKAHEAD, codec_options, vp9_crf
from tests.pipeline.video.films import FORMATS, stream, write


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, kind: VideoFormat) -> None:
    first, second = (write(tmp_path, stream(40), kind) for _ in range(2))
    assert first.read_bytes() == second.read_bytes()


CHILD = """
import sys
from fractions import Fraction
from pathlib import Path
import cv2, numpy as np
from pipeline.frames import FrameStream
from pipeline.settings import EncodeSettings
from pipeline.video import write_video
small = np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8)
image = cv2.resize(small, (320, 240), interpolation=cv2.INTER_CUBIC)
frames = (image[i : i + 160, 2 * i : 2 * i + 208] for i in range(24))
settings = EncodeSettings(threads=int(sys.argv[2]))
write_video(FrameStream(frames, 208, 160, Fraction(30), 24), Path(sys.argv[1]), settings)
"""


@pytest.mark.parametrize("threads", [1, 4])
def test_the_bytes_do_not_depend_on_what_memory_held_before(tmp_path: Path, threads: int) -> None:
    digests = set()
    for filler in ("0", "85", "200"):
        path = tmp_path / f"{filler}.mp4"
        environment = os.environ | {"MALLOC_PERTURB_": filler, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", CHILD, str(path), str(threads)], check=True, env=environment)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_nothing_in_the_file_tells_when_it_was_made(tmp_path: Path) -> None:
    for kind in FORMATS:
        with av.open(str(write(tmp_path, stream(3), kind))) as file:
            assert not [name for name in file.metadata | file.streams.video[0].metadata if "time" in name]


def test_the_lookahead_is_the_presets_own_until_memory_counts() -> None:
    def lookahead(preset: X264Preset, width: int, height: int) -> int:
        params = codec_options(EncodeSettings(x264_preset=preset), width, height)["x264-params"]
        return int(params.split(":")[0].removeprefix("rc-lookahead="))

    assert [lookahead(preset, 640, 360) for preset in X264Preset] == [LOOKAHEAD[preset] for preset in X264Preset]
    assert [lookahead(X264Preset.MEDIUM, *size) for size in ((1280, 720), (1920, 1080), (4096, 4096))] == [27, 12, 10]
    assert lookahead(X264Preset.ULTRAFAST, 4096, 4096) == 0


def test_the_rate_factor_of_vp9_covers_its_range() -> None:
    values = [vp9_crf(crf) for crf in range(52)]
    assert (values[0], values[18], values[51]) == (0, 25, 63)
    assert values == sorted(values)
