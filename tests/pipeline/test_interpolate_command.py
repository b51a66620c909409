"""The command `interpolate`: what it makes of videos and images, and what it says."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.command_line import main
from pipeline.frames import Frame, FrameStream
from pipeline.interpolation.footage import open_footage
from pipeline.settings import EncodeSettings, PrepareSettings
from pipeline.video import probe, read_frames, write_video
from tests.photos import ASTRONAUT, CHELSEA, COFFEE, photo


def view(name: str, right: float, size: tuple[int, int] = (160, 120)) -> Frame:
    matrix = np.array([[1.0, 0.0, 60.0 + right], [0.0, 1.0, 80.0]])
    return np.asarray(cv2.warpAffine(photo(name), matrix, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP), np.uint8)


def film(path: Path, frames: list[Frame], fps: Fraction = Fraction(8)) -> Path:
    height, width = frames[0].shape[:2]
    write_video(FrameStream(iter(frames), width, height, fps, len(frames)), path, EncodeSettings(crf=8))
    return path


def pictures(folder: Path, frames: list[Frame]) -> list[Path]:
    paths = [folder / f"given_{index}.png" for index in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        Image.fromarray(frame).save(path)
    return paths


def run(tmp_path: Path, *arguments: object) -> int:
    return main(["interpolate", *map(str, arguments), "--logs", str(tmp_path / "logs")])


def made(folder: Path) -> list[Frame]:
    return [np.array(Image.open(path)) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize(("count", "factor"), [(1, 3), (2, 1), (2, 5), (4, 2)])
def test_images_become_frames_with_the_given_ones_among_them(tmp_path: Path, count: int, factor: int) -> None:
    given = [view(ASTRONAUT, 4.0 * index, (121, 75)) for index in range(count)]
    assert run(tmp_path, *pictures(tmp_path, given), "--factor", factor, "--frames-dir", tmp_path / "out") == 0
    frames = made(tmp_path / "out")
    assert len(frames) == (count - 1) * factor + 1
    for frame, truth in zip(frames[::factor], given, strict=True):
        assert (frame == truth).all()
    for index, frame in enumerate(frames):
        assert cv2.PSNR(frame, view(ASTRONAUT, 4.0 * index / factor, (121, 75))) > 34.0


def test_equal_images_all_stay(tmp_path: Path) -> None:
    given = [view(COFFEE, right) for right in (0.0, 0.0, 3.0, 3.0, 6.0)]
    assert run(tmp_path, *pictures(tmp_path, given), "--factor", 2, "--frames-dir", tmp_path / "out") == 0
    assert all((a == b).all() for a, b in zip(made(tmp_path / "out")[::2], given, strict=True))


@pytest.mark.parametrize(("fps", "count"), [("24", 30), ("60", 75), ("24000/1001", 30), ("5", 6)])
def test_a_new_rate_keeps_the_duration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fps: str, count: int
) -> None:
    source = film(tmp_path / "in.mp4", [view(CHELSEA, 6.0 * index) for index in range(10)])
    assert run(tmp_path, source, "--fps", fps, "--output", tmp_path / "out.mp4", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    info = probe(tmp_path / "out.mp4")
    assert (info.num_frames, info.fps) == (count, Fraction(fps)) == (result["num_frames"], Fraction(result["fps"]))
    assert abs(info.duration - 10 / 8) <= 0.5 / Fraction(fps) + 0.001
    assert (result["method"], result["cuts"], result["repeats"]) == ("flow", 0, 0)
    for index, frame in enumerate(read_frames(tmp_path / "out.mp4").frames):
        shown = min(index / Fraction(fps) * 8, Fraction(9))
        assert cv2.PSNR(frame, view(CHELSEA, 6.0 * float(shown))) > 29.0


def test_a_factor_on_a_video(tmp_path: Path) -> None:
    frames = [view(CHELSEA, 5.0 * index) for index in range(5)]
    source = film(tmp_path / "in.mp4", frames)
    assert run(tmp_path, source, "--factor", 3, "--frames-dir", tmp_path / "out") == 0
    given = list(read_frames(source).frames)
    assert all((a == b).all() for a, b in zip(made(tmp_path / "out")[::3], given, strict=True))
    assert len(made(tmp_path / "out")) == 13


def test_cuts_and_repeats_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenes = [view(name, 4.0 * (index // 2)) for name in (ASTRONAUT, COFFEE) for index in range(10)]
    source = film(tmp_path / "in.mp4", scenes)
    assert run(tmp_path, source, "--fps", 16, "--output", tmp_path / "out.mp4", "--json") == 0
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert (result["cuts"], result["repeats"]) == (1, 8)
    assert "1 cut was found" in told.err
    assert "8 repeated frames were taken out" in told.err


def test_odd_sides_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = pictures(tmp_path, [view(COFFEE, right, (61, 45)) for right in (0.0, 2.0)])
    assert run(tmp_path, *given, "--factor", 4, "--fps", 10, "--output", tmp_path / "out.mp4") == 0
    info = probe(tmp_path / "out.mp4")
    assert (info.width, info.height, info.fps, info.num_frames) == (62, 46, Fraction(10), 5)
    assert "even sides" in capsys.readouterr().err


def test_sound_is_said_to_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as file:
        pictures_out = file.add_stream("libx264", rate=8)
        pictures_out.width, pictures_out.height, pictures_out.pix_fmt = 160, 120, "yuv420p"
        sound_out = file.add_stream("aac", rate=44100)
        for index in range(4):
            file.mux(pictures_out.encode(av.VideoFrame.from_ndarray(view(COFFEE, 3.0 * index), "rgb24")))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 22050), np.float32), "fltp", "mono")
        silence.sample_rate = 44100
        file.mux(sound_out.encode(silence))
        for stream in (pictures_out, sound_out):
            file.mux(stream.encode(None))
    assert run(tmp_path, path, "--factor", 2, "--frames-dir", tmp_path / "out") == 0
    assert "sound is not kept" in capsys.readouterr().err
    assert len(made(tmp_path / "out")) == 7


def test_a_video_that_is_shown_turned_is_turned(tmp_path: Path) -> None:
    import imageio_ffmpeg

    source = film(tmp_path / "in.mp4", [view(COFFEE, 3.0 * index) for index in range(3)])
    turned = tmp_path / "turned.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-display_rotation", "90", "-i", source]
    subprocess.run([*command, "-c", "copy", turned], check=True)
    subprocess.run([*command[:3], "-i", turned, "-frames:v", "1", tmp_path / "shown.png"], check=True)
    footage = open_footage([turned], PrepareSettings(), lambda *_: None)
    assert (footage.width, footage.height) == (120, 160)
    shown = np.array(Image.open(tmp_path / "shown.png"))  # by ffmpeg, which turns pictures by itself
    assert cv2.PSNR(next(footage.frames)[1], shown) > 30.0


def test_frames_keep_their_own_times(tmp_path: Path) -> None:
    path, ticks = tmp_path / "uneven.mp4", [0, 100, 500, 600, 1300]
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=10, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, tick in enumerate(ticks):
            picture = av.VideoFrame.from_ndarray(view(COFFEE, 3.0 * index), "rgb24")
            picture.pts, picture.time_base = tick, Fraction(1, 1000)
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))
    notes: list[str] = []
    footage = open_footage([path], PrepareSettings(), lambda message, _level: notes.append(message))
    assert [sight.time for sight in footage.by_time()] == [Fraction(tick, 1000) for tick in ticks]
    assert len(notes) == 1
    assert "no even frame rate" in notes[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{a}", "{b}", "--factor", "2"], "Give one place for the result"),
        (["{a}", "{b}", "--factor", "0", "--frames-dir", "{new}"], "from 1 to 1000"),
        (["{a}", "{b}", "--factor", "2.5", "--frames-dir", "{new}"], "invalid int value"),
        (["{a}", "{b}", "--frames-dir", "{new}"], "say with --factor"),
        (["{film}", "--frames-dir", "{new}"], "how many frames there should be"),
        (["{film}", "--fps", "fast", "--frames-dir", "{new}"], "a frame rate is a number"),
        (["{film}", "--fps", "-3", "--frames-dir", "{new}"], "above 0"),
        (["{film}", "--fps", "500", "--output", "{new}.mp4"], "outside of what mp4 holds"),
        (["{film}", "{film}", "--factor", "2", "--frames-dir", "{new}"], "give one video alone"),
        (["{a}", "{wide}", "--factor", "2", "--frames-dir", "{new}"], "give images of one size"),
        (["{a}", "{b}", "--factor", "2", "--frames-dir", "{full}"], "is not empty"),
        (["{a}", "{b}", "--factor", "2", "--output", "{film}"], "exists already"),
        (["{a}", "{b}", "--factor", "2", "--output", "{new}.avi"], "should end in"),
        (["{a}", "{b}", "--factor", "2", "--output", "{new}/x.mp4"], "there is no folder"),
        (["{a}", "{b}", "--factor", "2", "--frames-dir", "{new}", "--method", "flo"], "did you mean 'flow'?"),
        (["{a}", "{gone}", "--factor", "2", "--frames-dir", "{new}"], "There is no file"),
        (["{text}", "--factor", "2", "--frames-dir", "{new}"], "cannot be read as a video"),
        (["{a}", "{b}", "--factor", "2", "--frames-dir", "{new}", "--encode.fps", "9"], "--fps does"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    first, second = pictures(tmp_path, [view(COFFEE, 0.0), view(COFFEE, 3.0)])
    wide, full, text = tmp_path / "wide.png", tmp_path / "full", tmp_path / "text.mp4"
    Image.fromarray(view(COFFEE, 0.0, (200, 120))).save(wide)
    full.mkdir()
    text.write_text("no video", encoding="utf-8")
    (full / "frame_000000.png").touch()
    video = film(tmp_path / "film.mp4", [view(COFFEE, 0.0)] * 2)
    names = {"a": first, "b": second, "wide": wide, "full": full, "film": video, "text": text}
    names |= {"new": tmp_path / "new", "gone": tmp_path / "gone.png"}
    size = video.stat().st_size
    assert run(tmp_path, *(argument.format(**names) for argument in arguments)) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.strip().splitlines()) == 1
    assert not list(tmp_path.glob("new*"))
    assert video.stat().st_size == size


def test_slow_motion_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = film(tmp_path / "in.mp4", [view(COFFEE, 3.0 * index) for index in range(3)])
    assert run(tmp_path, source, "--factor", 4, "--fps", 8, "--output", tmp_path / "slow.mp4") == 0
    assert "0.25 times as fast, in slow motion" in capsys.readouterr().err
    assert run(tmp_path, source, "--factor", 2, "--output", tmp_path / "same.mp4") == 0
    assert "times as fast" not in capsys.readouterr().err


@pytest.mark.parametrize("method", ["film", "rife"])
def test_missing_weights_name_the_embedded_method(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    given = pictures(tmp_path, [view(COFFEE, 0.0), view(COFFEE, 3.0)])
    place = ["--frames-dir", tmp_path / "new", "--runtime.models_dir", tmp_path]
    assert run(tmp_path, *given, "--factor", 2, "--method", method, *place) == 4
    assert "`flow`" in capsys.readouterr().err


def test_it_starts_without_torch(tmp_path: Path) -> None:
    given = pictures(tmp_path, [view(COFFEE, 0.0), view(COFFEE, 3.0)])
    arguments = ["interpolate", *map(str, given), "--factor", "2", "--frames-dir", str(tmp_path / "out")]
    script = f"import sys; from pipeline.command_line import main; main({arguments!r}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
