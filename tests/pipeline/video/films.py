"""Films to write, and ways to look into files, for the tests of this folder."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from pipeline.choices import VideoFormat
from pipeline.frames import Frame, FrameStream
from pipeline.settings import EncodeSettings
from pipeline.video import write_video
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


def boxes(path: Path) -> list[str]:
    data, names, start = path.read_bytes(), [], 0
    while start < len(data):
        names.append(data[start + 4 : start + 8].decode())
        start += int.from_bytes(data[start : start + 4], "big")
    return names
