"""The ways of making a 10 s slow zoom that the camera benchmark compares; each runs in a process of its own.

All of them encode with libx264 and the same settings, and zoom by the same exponential path as well as they can.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from pipeline.frames import Frame, FrameStream
from pipeline.settings import EncodeSettings
from pipeline.video import write_video
from pipeline.video.codecs import codec_options

WIDTH, HEIGHT, FPS, ZOOM = 1920, 1080, 30, 1.25
ENCODE = EncodeSettings()


@dataclass(frozen=True)
class Job:
    """One slow zoom: the picture, the number of frames, the file to make, and raw RGB frames to encode."""

    picture: Path
    num_frames: int
    output: Path
    raw_frames: Path


def ours(job: Job) -> list[str]:
    """The program's own command line."""
    plan = json.dumps({"camera": {"zoom": ZOOM, "easing": "linear"}})
    options = {
        "animate.motion.plan": plan,
        "animate.num_frames": job.num_frames,
        "prepare.width": WIDTH,
        "prepare.height": HEIGHT,
        "encode.fps": FPS,
        "seed": 0,
        "runtime.cache_gb": 0,
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    folders = ["--outputs", str(job.output.parent), "--logs", str(job.output.parent / "logs"), "--json"]
    return [sys.executable, "-m", "pipeline", "animate", str(job.picture), *flags, *folders]


def encode_only(job: Job) -> list[str]:
    """Our encoder alone, fed with the frames that `ours` encodes, read from a raw file that was rendered before."""
    return [sys.executable, "-m", "benchmarks.camera_rivals", "encode", str(job.raw_frames), str(job.output)]


def zoompan(job: Job) -> list[str]:
    """The zoompan filter of ffmpeg on the picture as it is."""
    return _zoompan(job, upscale=1)


def zoompan_upscaled(job: Job) -> list[str]:
    """The usual cure for its shaking: the picture is enlarged four times first."""
    return _zoompan(job, upscale=4)


def moviepy(job: Job) -> list[str]:
    """The resize effect of moviepy, centred on a frame of the video's size."""
    command = [sys.executable, "-m", "benchmarks.camera_rivals", "moviepy"]
    return [*command, str(job.picture), str(job.num_frames), str(job.output)]


RIVALS = {
    "ours": ours,
    "encode only": encode_only,
    "ffmpeg zoompan": zoompan,
    "ffmpeg zoompan, 4x upscaled": zoompan_upscaled,
    "moviepy": moviepy,
}


def _zoompan(job: Job, upscale: int) -> list[str]:
    last = job.num_frames - 1
    path = f"z='pow({ZOOM},on/{last})':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2'"
    zoom = f"zoompan={path}:d={job.num_frames}:s={WIDTH}x{HEIGHT}:fps={FPS}"
    filters = f"scale={upscale}*iw:-1:flags=bicubic,{zoom}" if upscale > 1 else zoom
    codec = [part for name, value in codec_options(ENCODE, WIDTH, HEIGHT).items() for part in (f"-{name}", value)]
    encoder = ["-c:v", "libx264", *codec, "-threads", str(ENCODE.threads), "-pix_fmt", "yuv420p"]
    start = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-y", "-i", str(job.picture)]
    return [*start, "-vf", filters, "-frames:v", str(job.num_frames), *encoder, str(job.output)]


def _encode_raw(raw_frames: Path, output: Path) -> None:
    size = WIDTH * HEIGHT * 3
    count = raw_frames.stat().st_size // size

    def read() -> Iterator[Frame]:
        with raw_frames.open("rb") as file:
            while data := file.read(size):
                yield np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH, 3)

    write_video(FrameStream(read(), WIDTH, HEIGHT, Fraction(FPS), count), output, ENCODE)


def _run_moviepy(picture: Path, num_frames: int, output: Path) -> None:
    from moviepy import CompositeVideoClip, ImageClip

    duration = num_frames / FPS
    last = (num_frames - 1) / FPS
    clip = ImageClip(str(picture), duration=duration).resized(lambda time: ZOOM ** (time / last))
    film = CompositeVideoClip([clip.with_position("center")], size=(WIDTH, HEIGHT))
    codec = codec_options(ENCODE, WIDTH, HEIGHT)
    film.write_videofile(
        str(output),
        fps=FPS,
        codec="libx264",
        preset=codec.pop("preset"),
        threads=ENCODE.threads,
        audio=False,
        ffmpeg_params=[part for name, value in codec.items() for part in (f"-{name}", value)],
        pixel_format="yuv420p",
        logger=None,
    )


if __name__ == "__main__":
    task, *arguments = sys.argv[1:]
    if task == "encode":
        _encode_raw(Path(arguments[0]), Path(arguments[1]))
    else:
        _run_moviepy(Path(arguments[0]), int(arguments[1]), Path(arguments[2]))
