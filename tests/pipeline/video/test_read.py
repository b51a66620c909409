"""Files are read by what they hold, and not by what they say."""

import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from pipeline.errors import InvalidInput
from pipeline.video import probe, read_frames
from tests.pipeline.video.films import NTSC, stream, write


@pytest.mark.parametrize(("code", "height", "matrix"), [(5, 720, 5), (2, 480, 5), (1, 480, 1), (2, 720, 1)])
def test_reading_follows_the_matrix_of_the_file(tmp_path: Path, code: int, height: int, matrix: int) -> None:
    frame = np.full((height, 64, 3), (200, 60, 30), np.uint8)
    path = tmp_path / "other.mp4"
    with av.open(str(path), "w") as file:
        target = file.add_stream("libx264", rate=10, options={"crf": "4"})
        target.width, target.height, target.pix_fmt = 64, height, "yuv420p"
        target.codec_context.colorspace = code
        picture = VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p", dst_colorspace=matrix)
        picture.colorspace = code
        file.mux(target.encode(picture))
        file.mux(target.encode(None))
    assert np.abs(next(read_frames(path).frames).astype(int) - frame).max() <= 4


def test_what_is_not_a_video_is_refused_in_one_sentence(tmp_path: Path) -> None:
    for name, content in {"empty.mp4": b"", "text.mp4": b"no video at all\n" * 100}.items():
        (tmp_path / name).write_bytes(content)
        for look in (probe, read_frames):
            with pytest.raises(InvalidInput, match=rf"^{name} cannot be read as a video \("):
                look(tmp_path / name)
    for path in (tmp_path / "missing.mp4", tmp_path):
        with pytest.raises(InvalidInput, match="cannot be read as a video"):
            probe(path)


def test_a_probe_counts_and_does_not_trust_the_header(tmp_path: Path) -> None:
    path = write(tmp_path, stream(60))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    assert probe(path).num_frames < 60


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffprobe")
def test_ffprobe_agrees(tmp_path: Path) -> None:
    path = write(tmp_path, stream(20, NTSC[1]))
    fields = "codec_name,width,height,pix_fmt,color_space,color_range,r_frame_rate,avg_frame_rate,nb_read_frames"
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", f"stream={fields}", "-of", "default=nw=1"]
    answer = subprocess.run([*command, str(path)], check=True, capture_output=True, text=True)
    found = dict(line.split("=", 1) for line in answer.stdout.split())
    assert (found["codec_name"], found["width"], found["height"], found["pix_fmt"]) == ("h264", "96", "64", "yuv420p")
    assert (found["color_space"], found["color_range"]) == ("bt709", "tv")
    assert found["r_frame_rate"] == found["avg_frame_rate"] == "30000/1001"
    assert found["nb_read_frames"] == "20"
    assert not answer.stderr
