"""The stage: what it says while it works, what it checks, and how a file gets its final name."""

import errno
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.choices import VideoFormat
from pipeline.context import Context, Progress
from pipeline.errors import Cancelled, OutputFailed
from pipeline.frames import Frame, FrameStream, render_in_order
from pipeline.records import Notice
from pipeline.settings import EncodeSettings, Settings
from pipeline.stages.encode import Encode, EncodedVideo, publish, verify
from pipeline.video import VideoInfo, probe


def picture(index: int) -> Frame:
    down, across = np.mgrid[0:48, 0:64]
    return np.stack([2 * across + index, 3 * down, np.full_like(down, 90)], axis=-1).astype(np.uint8)


def film(count: int = 10, fps: Fraction | int = 30) -> FrameStream:
    return FrameStream(render_in_order(picture, count, 2), 64, 48, Fraction(fps), count)


def settings(kind: VideoFormat = VideoFormat.MP4) -> Settings:
    return Settings(encode=EncodeSettings(format=kind, threads=2))


def context(folder: Path) -> Context:
    return Context(seed=0, threads=2, work_dir=folder)


@pytest.fixture
def encoded(tmp_path: Path) -> EncodedVideo:
    return Encode()(film(), settings(), context(tmp_path))


@pytest.mark.parametrize("kind", VideoFormat)
def test_the_answer_describes_the_file(tmp_path: Path, kind: VideoFormat) -> None:
    encoded = Encode()(film(12, 25), settings(kind), context(tmp_path))
    content = encoded.path.read_bytes()
    assert list(tmp_path.iterdir()) == [encoded.path]
    assert encoded.path.suffix == f".{kind}"
    assert (encoded.bytes, encoded.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert encoded.info == probe(encoded.path)
    assert (encoded.info.num_frames, encoded.info.fps) == (12, Fraction(25))


@pytest.mark.parametrize("kind", VideoFormat)
@pytest.mark.parametrize("fps", ["1", "23.976", "29.97", "30", "49", "50"])
@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_the_check_accepts_every_rate_in_every_format(tmp_path: Path, kind: VideoFormat, fps: str, count: int) -> None:
    rate = EncodeSettings.model_validate({"fps": fps}).fps
    assert Encode()(film(count, rate), settings(kind), context(tmp_path)).info.num_frames == count


def test_progress_counts_every_frame(tmp_path: Path) -> None:
    seen: list[Progress] = []
    Encode()(film(5), settings(), replace(context(tmp_path), report=seen.append))
    assert seen == [Progress("encode", done, 5) for done in range(6)]


@pytest.mark.parametrize(
    ("kind", "fps", "said"),
    [
        (VideoFormat.GIF, 30, True),
        (VideoFormat.GIF, Fraction(24000, 1001), True),
        (VideoFormat.GIF, 25, False),
        (VideoFormat.GIF, 50, False),
        (VideoFormat.WEBM, 30, False),
        (VideoFormat.MP4, Fraction(30000, 1001), False),
    ],
)
def test_a_gif_that_cannot_keep_the_rate_says_so(
    tmp_path: Path, kind: VideoFormat, fps: Fraction | int, *, said: bool
) -> None:
    notices: list[Notice] = []
    Encode()(film(4, fps), settings(kind), replace(context(tmp_path), notify=notices.append))
    assert [notice.setting for notice in notices] == ["encode.fps"] * said


@pytest.mark.parametrize("kind", VideoFormat)
def test_stopping_leaves_nothing_and_closes_the_stream(tmp_path: Path, kind: VideoFormat) -> None:
    made: list[int] = []
    closed: list[bool] = []

    def frames() -> Iterator[Frame]:
        try:
            for index in range(100):
                made.append(index)
                yield picture(index)
        finally:
            closed.append(True)

    stopping = replace(context(tmp_path), is_cancelled=lambda: len(made) == 60)
    with pytest.raises(Cancelled):
        Encode()(FrameStream(frames(), 64, 48, Fraction(30), 100), settings(kind), stopping)
    assert len(made) == 60
    assert closed == [True]
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_renderer_passes_through(tmp_path: Path) -> None:
    def render(index: int) -> Frame:
        if index == 6:
            raise OSError(errno.EIO, "the renderer's own")
        return picture(index)

    stream = FrameStream(render_in_order(render, 9, 2), 64, 48, Fraction(30), 9)
    with pytest.raises(OSError, match="the renderer's own"):
        Encode()(stream, settings(), context(tmp_path))
    assert not list(tmp_path.iterdir())


INFO = VideoInfo(64, 48, Fraction(30), 9, "h264", "yuv420p", 0.3)


@pytest.mark.parametrize(
    ("info", "said"),
    [
        (replace(INFO, width=66), "its size is 66 x 48"),
        (replace(INFO, num_frames=8), "it holds 8 frames"),
        (replace(INFO, fps=Fraction(30000, 1001)), "it plays at 29.97 frames per second"),
        (replace(INFO, codec="hevc", height=50), "its size is 64 x 50 and its codec is hevc"),
    ],
)
def test_a_file_that_is_not_what_was_asked_for_is_refused(info: VideoInfo, said: str) -> None:
    asked = film(9)
    verify(INFO, asked, EncodeSettings())
    with pytest.raises(OutputFailed, match=f"^The finished file is not what was asked for: {said}.$"):
        verify(info, asked, EncodeSettings())


def test_publishing_moves_the_file(encoded: EncodedVideo, tmp_path: Path) -> None:
    final = tmp_path / "final.mp4"
    content = encoded.path.read_bytes()
    publish(encoded, final)
    assert final.read_bytes() == content
    assert not encoded.path.exists()


def test_publishing_never_overwrites(encoded: EncodedVideo, tmp_path: Path) -> None:
    final = tmp_path / "final.mp4"
    final.write_text("mine")
    with pytest.raises(OutputFailed, match=r"^final\.mp4 exists already: nothing is overwritten\.$"):
        publish(encoded, final)
    assert final.read_text() == "mine"
    assert encoded.path.exists()


def test_publishing_into_a_missing_folder_is_one_sentence(encoded: EncodedVideo, tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match="no such file or directory"):
        publish(encoded, tmp_path / "gone" / "final.mp4")


def test_publishing_works_where_there_are_no_hard_links(
    encoded: EncodedVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr("os.link", refuse)
    taken, final = tmp_path / "taken.mp4", tmp_path / "final.mp4"
    taken.write_text("mine")
    with pytest.raises(OutputFailed, match="exists already"):
        publish(encoded, taken)
    publish(encoded, final)
    assert taken.read_text() == "mine"
    assert probe(final) == encoded.info
