"""What is written can be read back, is what was asked for, and is the same each time."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.errors import InvalidInput, OutputFailed
from pipeline.frames import Frame, FrameStream
from pipeline.settings import EncodeSettings, VideoFormat, X264Preset
from pipeline.video import (
    VideoWriter,
    container_rules,
    container_size_multiple,
    keeps_fps_exactly,
    max_fps,
    probe,
    read_frames,
    retime,
    write_video,
)
from pipeline.video.codecs import LOOKAHEAD, codec_options, vp9_crf
from tests.photos import ASTRONAUT, photo

NTSC = [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)]
RATES = sorted([Fraction(rate) for rate in (1, 8, 12, 24, 25, 30, 60, 120)] + NTSC)
FORMATS = list(VideoFormat)


def walk(width: int, height: int, count: int) -> Iterator[Frame]:
    """A window that moves over a photo."""
    image = photo(ASTRONAUT)
    for index in range(count):
        x, y = index % 64, 2 * index % 64
        yield image[y : y + height, x : x + width]


def stream(count: int, fps: Fraction | int = 30, width: int = 96, height: int = 64) -> FrameStream:
    return FrameStream(walk(width, height, count), width, height, Fraction(fps), count)


def write(
    folder: Path, film: FrameStream, kind: VideoFormat = VideoFormat.MP4, crf: int = 18, threads: int = 2
) -> Path:
    path = folder / f"film{len(list(folder.iterdir()))}.{kind}"
    write_video(film, path, EncodeSettings(format=kind, crf=crf, threads=threads))
    return path


def time_stamps(path: Path) -> list[Fraction]:
    with av.open(str(path)) as file:
        found = [
            packet.pts * packet.time_base
            for packet in file.demux(video=0)
            if packet.pts is not None and packet.time_base
        ]
    return sorted(found)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(video=0) if packet.size]


def psnr(frames0: list[Frame], frames1: list[Frame]) -> float:
    difference = np.asarray(frames0, np.float64) - np.asarray(frames1, np.float64)
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


@pytest.mark.parametrize("count", [1, 2, 3, 91])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_frame_is_there_and_looks_like_itself(tmp_path: Path, kind: VideoFormat, count: int) -> None:
    path = write(tmp_path, stream(count, 25), kind)
    info = probe(path)
    assert (info.width, info.height, info.num_frames, info.fps) == (96, 64, count, Fraction(25))
    assert info.codec == container_rules(kind).codec
    assert info.duration == pytest.approx(count / 25, abs=0.002)
    read = read_frames(path)
    assert (read.width, read.height, read.fps, read.count) == (96, 64, Fraction(25), count)
    frames = list(read.frames)
    assert len(frames) == count
    assert psnr(frames, list(walk(96, 64, count))) > 33


@pytest.mark.parametrize("fps", RATES, ids=str)
def test_mp4_keeps_every_rate_exactly_and_constantly(tmp_path: Path, fps: Fraction) -> None:
    path = write(tmp_path, stream(12, fps))
    info = probe(path)
    assert info.fps == fps
    assert info.duration == pytest.approx(float(12 / fps), abs=1e-9)
    assert time_stamps(path) == [index / fps for index in range(12)]


@pytest.mark.parametrize("kind", [VideoFormat.WEBM, VideoFormat.GIF])
@pytest.mark.parametrize("fps", RATES, ids=str)
def test_a_coarse_clock_is_never_off_by_more_than_a_tick(tmp_path: Path, kind: VideoFormat, fps: Fraction) -> None:
    if fps > max_fps(kind):
        pytest.skip("above the limit of the format")
    path = write(tmp_path, stream(31, fps), kind)
    tick = container_rules(kind).tick
    errors = [abs(stamp - index / fps) for index, stamp in enumerate(time_stamps(path))]
    assert max(errors) <= tick
    assert keeps_fps_exactly(kind, fps) == (max(errors) == 0)
    assert abs(Fraction(probe(path).duration) - 31 / fps) <= 2 * tick
    # A gif has no header to keep 29.97 in: 30 is the same to its clock.
    assert probe(path).fps == (fps if kind is VideoFormat.WEBM else round(fps))


def test_a_gif_never_asks_for_a_delay_that_browsers_slow_down(tmp_path: Path) -> None:
    stamps = time_stamps(write(tmp_path, stream(40, 49), VideoFormat.GIF))
    assert min(later - sooner for sooner, later in pairwise(stamps)) >= Fraction(2, 100)


SOLID = [
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 255),
    (0, 0, 0),
    (128, 128, 128),
    (200, 120, 40),
    (16, 99, 180),
]


def bt709(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    """ITU-R BT.709-6, 3.2 and 3.4, for 8 bits."""
    red, green, blue = (value / 255 for value in colour)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748


@pytest.mark.parametrize("kind", [VideoFormat.MP4, VideoFormat.WEBM])
@pytest.mark.parametrize("colour", SOLID)
def test_the_numbers_in_the_file_are_bt709_limited_range(
    tmp_path: Path, kind: VideoFormat, colour: tuple[int, int, int]
) -> None:
    frame = np.full((32, 48, 3), colour, np.uint8)
    path = write(tmp_path, FrameStream(iter([frame] * 3), 48, 32, Fraction(10), 3), kind, crf=4)
    with av.open(str(path)) as file:
        picture = next(file.decode(video=0))
    planes = [np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)[:16, :24] for plane in picture.planes]
    for plane, expected in zip(planes, bt709(colour), strict=True):
        assert float(plane.mean()) == pytest.approx(expected, abs=1.0)
    assert np.abs(next(read_frames(path).frames).astype(int) - frame).max() <= 3


@pytest.mark.parametrize("kind", FORMATS)
def test_a_smooth_gradient_stays_smooth(tmp_path: Path, kind: VideoFormat) -> None:
    down, across = np.mgrid[0:64, 0:96]
    frame = np.stack([60 + across, 90 + down, 200 - across], axis=-1).astype(np.uint8)
    path = write(tmp_path, FrameStream(iter([frame] * 4), 96, 64, Fraction(10), 4), kind, crf=12)
    assert psnr(list(read_frames(path).frames), [frame] * 4) > 40


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


@pytest.mark.parametrize(("width", "height"), [(95, 64), (96, 63), (33, 17)])
def test_odd_sides_are_refused_in_mp4_and_exact_elsewhere(tmp_path: Path, width: int, height: int) -> None:
    with pytest.raises(ValueError, match="multiples of 2"):
        write(tmp_path, stream(3, 25, width, height))
    assert not list(tmp_path.iterdir())
    for kind in (VideoFormat.WEBM, VideoFormat.GIF):
        assert container_size_multiple(kind) == 1
        path = write(tmp_path, stream(3, 25, width, height), kind, crf=6)
        frames = list(read_frames(path).frames)
        assert frames[0].shape == (height, width, 3)
        edges = [[frame[:, -4:] for frame in film] for film in (frames, list(walk(width, height, 3)))]
        assert psnr(*edges) > 25


def boxes(path: Path) -> list[str]:
    data, names, start = path.read_bytes(), [], 0
    while start < len(data):
        names.append(data[start + 4 : start + 8].decode())
        start += int.from_bytes(data[start : start + 4], "big")
    return names


def test_an_mp4_can_be_played_while_it_loads(tmp_path: Path) -> None:
    names = boxes(write(tmp_path, stream(5)))
    assert names.index("moov") < names.index("mdat")


@pytest.mark.parametrize("kind", [VideoFormat.MP4, VideoFormat.WEBM])
def test_the_tags_say_bt709(tmp_path: Path, kind: VideoFormat) -> None:
    path = write(tmp_path, stream(3), kind)
    with av.open(str(path)) as file:
        codec = file.streams.video[0].codec_context
        assert (codec.colorspace, codec.color_primaries, codec.color_trc, codec.color_range) == (1, 1, 1, 1)
        assert codec.pix_fmt == "yuv420p"


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


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(FORMATS),
    width=st.integers(8, 70),
    height=st.integers(8, 70),
    count=st.integers(1, 12),
    fps=st.sampled_from([rate for rate in RATES if rate <= 50]),
)
def test_any_size_count_and_rate(
    tmp_path_factory: pytest.TempPathFactory, kind: VideoFormat, width: int, height: int, count: int, fps: Fraction
) -> None:
    multiple = container_size_multiple(kind)
    width, height = width * multiple, height * multiple
    path = write(tmp_path_factory.mktemp("film"), stream(count, fps, width, height), kind)
    info = probe(path)
    assert (info.width, info.height, info.num_frames) == (width, height, count)
    assert sum(frame.shape == (height, width, 3) for frame in read_frames(path).frames) == count


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


@pytest.mark.parametrize("kind", [VideoFormat.MP4, VideoFormat.WEBM])
def test_key_frames_can_be_asked_for(tmp_path: Path, kind: VideoFormat) -> None:
    path = tmp_path / f"film.{kind}"
    write_video(stream(30), path, EncodeSettings(format=kind, threads=2), keyframes={29, 10})
    with av.open(str(path)) as file:
        keys = [
            packet.pts * packet.time_base
            for packet in file.demux(video=0)
            if packet.is_keyframe and packet.pts and packet.time_base
        ]
    assert [round(30 * seconds) for seconds in keys] == [10, 29]  # and 0, the first


def test_a_film_at_a_new_pace_holds_the_same_packets(tmp_path: Path) -> None:
    source, target = write(tmp_path, stream(50, 30)), tmp_path / "slow.mp4"
    for fps in (Fraction(24000, 1001), Fraction(8)):
        retime(source, target, fps)
        assert packets(target) == packets(source)
        assert time_stamps(target) == [index / fps for index in range(50)]
        assert (probe(target).fps, probe(target).num_frames) == (fps, 50)
        assert boxes(target).index("moov") < boxes(target).index("mdat")
        assert all(map(np.array_equal, read_frames(target).frames, read_frames(source).frames))
        target.unlink()


def test_retiming_refuses_what_it_cannot_copy(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"only H\.264"):
        retime(write(tmp_path, stream(3), VideoFormat.GIF), tmp_path / "slow.mp4", Fraction(8))
    source = write(tmp_path, stream(3))
    before = source.read_bytes()
    with pytest.raises(OutputFailed, match="file exists"):
        retime(source, source, Fraction(8))
    assert source.read_bytes() == before
    assert not (tmp_path / "slow.mp4").exists()


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


def test_views_of_any_layout_are_taken_as_they_look(tmp_path: Path) -> None:
    image = photo(ASTRONAUT)[:64, :96]
    with VideoWriter(tmp_path / "a.mp4", 96, 64, EncodeSettings(crf=8, threads=1)) as writer:
        writer.append(image[:, ::-1])
        writer.append(np.asfortranarray(image[:, ::-1]))
        flipped = image[:, ::-1].copy()
        flipped.setflags(write=False)
        writer.append(flipped)
        reused = flipped.copy()
        writer.append(reused)
        reused[:] = 0
    assert psnr(list(read_frames(tmp_path / "a.mp4").frames), [flipped] * 4) > 38


def test_a_writer_never_overwrites_and_never_starts_where_it_cannot_write(tmp_path: Path) -> None:
    taken = tmp_path / "taken.mp4"
    taken.write_text("mine")
    with pytest.raises(OutputFailed, match="file exists"):
        write_video(stream(3), taken, EncodeSettings())
    assert taken.read_text() == "mine"
    with pytest.raises(OutputFailed, match="no such file or directory"):
        write_video(stream(3), tmp_path / "missing" / "a.mp4", EncodeSettings())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 200 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_full_disk_is_one_sentence_and_leaves_nothing(small_disk: Path, kind: VideoFormat) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 128, 128, 3), np.uint8)
    film = FrameStream(iter(noise), 128, 128, Fraction(30), 20)
    with pytest.raises(OutputFailed, match=r"^The disk with the outputs is full \(0 MB free\): free some space"):
        write(small_disk, film, kind)
    assert not list(small_disk.iterdir())


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


def test_the_lookahead_is_the_presets_own_until_memory_counts() -> None:
    def lookahead(preset: X264Preset, width: int, height: int) -> int:
        params = codec_options(EncodeSettings(x264_preset=preset), width, height)["x264-params"]
        return int(params.split(":")[0].removeprefix("rc-lookahead="))

    assert [lookahead(preset, 640, 360) for preset in X264Preset] == [LOOKAHEAD[preset] for preset in X264Preset]
    assert [lookahead(X264Preset.MEDIUM, *size) for size in ((1280, 720), (1920, 1080), (4096, 4096))] == [40, 17, 10]
    assert lookahead(X264Preset.ULTRAFAST, 4096, 4096) == 0


def test_the_rate_factor_of_vp9_covers_its_range() -> None:
    values = [vp9_crf(crf) for crf in range(52)]
    assert (values[0], values[18], values[51]) == (0, 25, 63)
    assert values == sorted(values)
