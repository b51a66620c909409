"""What is written can be read back, and is what was asked for."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.choices import VideoFormat
from pipeline.frames import FrameStream
from pipeline.settings import EncodeSettings
from pipeline.video import (
    VideoWriter,
    container_rules,
    container_size_multiple,
    keeps_fps_exactly,
    max_fps,
    probe,
    read_frames,
    write_video,
)
from tests.photos import ASTRONAUT, photo
from tests.pipeline.video.films import FORMATS, RATES, boxes, psnr, stream, time_stamps, walk, write


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
