"""Films kept without any loss: x264 in RGB without quantization, many times smaller than raw, and quick."""

from collections.abc import Iterable
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.frames import Frame
from pipeline.paths import written_whole
from pipeline.video.failures import output_errors


def write_lossless(path: Path, frames: Iterable[Frame], fps: Fraction) -> None:
    """Write frames of one size, uint8 RGB, to a Matroska file: readers find all of it or none.

    `read_frames` gives them back as they were. Raises OutputFailed.
    """
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial, closing(av.open(str(partial), "w", format="matroska")) as file:
            _write(file, frames, fps)


def _write(file: OutputContainer, frames: Iterable[Frame], fps: Fraction) -> None:
    stream: VideoStream | None = None
    for frame in frames:
        if stream is None:
            stream = file.add_stream("libx264rgb", rate=fps, options={"qp": "0", "preset": "veryfast"})
            stream.height, stream.width = frame.shape[:2]
            stream.pix_fmt = "rgb24"
        file.mux(stream.encode(VideoFrame.from_ndarray(frame, format="rgb24")))
    if stream is not None:
        file.mux(stream.encode(None))
