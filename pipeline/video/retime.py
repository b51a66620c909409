"""Changes how fast a video plays without encoding it again."""

from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from pipeline.choices import VideoFormat
from pipeline.errors import InvalidInput
from pipeline.video.failures import output_errors
from pipeline.video.read import probe
from pipeline.video.write import flush_to_disk, open_output


def retime(source: Path, target: Path, fps: Fraction, comment: str = "") -> None:
    """Copy the encoded frames of an mp4 of constant rate to a new mp4 that plays at `fps` and has this comment.

    The frames stay as they are, byte for byte. A webm or gif keeps the length of its last frame in ways that do not
    survive copying, so those are encoded again. Raises InvalidInput when the source is not an H.264 video, OutputFailed
    when the target exists or cannot be written; then nothing is left behind.
    """
    info = probe(source)
    if info.codec != "h264":
        raise InvalidInput(f"{source.name} holds {info.codec} video: only H.264 can be re-timed without encoding.")
    with output_errors(target):
        output = open_output(target, VideoFormat.MP4, comment)
        try:
            with output, av.open(str(source)) as file:
                stream = output.add_stream_from_template(file.streams.video[0], time_base=1 / fps)
                copy_packets(file, output, stream, info.fps, fps)
            flush_to_disk(target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def copy_packets(
    file: InputContainer, output: OutputContainer, target: VideoStream, old: Fraction, new: Fraction
) -> None:
    """Copy all packets of a video of constant rate `old` to a stream of rate `new`: times are counted in frames."""
    for packet in file.demux(file.streams.video[0]):
        if packet.pts is None or packet.dts is None or packet.time_base is None:
            continue  # the empty packet at the end
        frames_per_tick = packet.time_base * old
        packet.pts, packet.dts = round(packet.pts * frames_per_tick), round(packet.dts * frames_per_tick)
        packet.duration, packet.time_base = 1, 1 / new
        packet.stream = target
        output.mux(packet)
