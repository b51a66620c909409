"""What an outputs folder takes: every kind by itself, no file twice, and nothing that is not the program's."""

import os
from pathlib import Path

from pipeline.usage import Kind, measure


def put(path: Path, count: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"." * count)
    return path


def test_every_kind_is_counted_by_itself(outputs: Path) -> None:
    video = put(outputs / "video_1.mp4", 1000)
    put(outputs / "video_1.json", 10)
    put(outputs / "inputs" / "a.jpg", 20)
    put(outputs / "segments" / "a.mkv", 30)
    put(outputs / "keyframes" / "a.png", 40)
    put(outputs / "cache" / "key" / "frames.mkv", 50)
    os.link(video, outputs / "cache" / "key" / "video.mp4")  # the run's own file, under a second name
    put(outputs / ".posters" / "video_1.jpg", 60)
    put(outputs / ".index" / "history.sqlite", 70)
    put(outputs / ".trash" / "video_0" / "video_0.mp4", 80)
    put(outputs / "holiday.jpg", 5000)
    (outputs / "inputs" / "link").symlink_to("/")
    found = {each.kind: (each.files, each.bytes) for each in measure(outputs)}
    assert found == {
        Kind.VIDEOS: (2, 1010),
        Kind.INPUTS: (1, 20),
        Kind.SEGMENTS: (1, 30),
        Kind.KEYFRAMES: (1, 40),
        Kind.CACHE: (1, 50),
        Kind.HISTORY: (2, 130),
        Kind.TRASH: (1, 80),
    }


def test_a_folder_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    assert all(each.files == each.bytes == 0 for each in measure(tmp_path / "none"))
