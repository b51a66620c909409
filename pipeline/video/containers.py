"""What each kind of file can hold, as data, so that settings are snapped before a run and nothing is resized in it."""

from dataclasses import dataclass
from fractions import Fraction

from pipeline.choices import VideoFormat


@dataclass(frozen=True)
class ContainerRules:
    """What one kind of file can hold.

    Sides are multiples of `size_multiple` pixels. `max_fps` is the highest frame rate. `tick` is the unit, in seconds,
    that its time stamps are kept in; 0 means that every frame rate is kept exactly.
    """

    muxer: str
    encoder: str
    codec: str
    pixel_format: str
    size_multiple: int
    max_fps: int
    tick: Fraction


_RULES = {
    # 4:2:0 stores one colour sample for 2 x 2 pixels, and H.264 players crop odd sides differently.
    VideoFormat.MP4: ContainerRules("mp4", "libx264", "h264", "yuv420p", 2, 120, Fraction(0)),
    # Matroska keeps milliseconds; VP9 stores any size.
    VideoFormat.WEBM: ContainerRules("webm", "libvpx-vp9", "vp9", "yuv420p", 1, 120, Fraction(1, 1000)),
    # A delay is a whole number of 1/100 s, and browsers play anything under 2/100 s as 10/100 s.
    VideoFormat.GIF: ContainerRules("gif", "gif", "gif", "pal8", 1, 50, Fraction(1, 100)),
}


def container_rules(kind: VideoFormat) -> ContainerRules:
    """The rules of one kind of file."""
    return _RULES[kind]


def container_size_multiple(kind: VideoFormat) -> int:
    """The number of pixels that both sides must be a multiple of: 2 for mp4, 1 for webm and gif."""
    return _RULES[kind].size_multiple


def max_fps(kind: VideoFormat) -> int:
    """The highest frame rate that plays as it should: 50 for gif, 120 otherwise."""
    return _RULES[kind].max_fps


def keeps_fps_exactly(kind: VideoFormat, fps: Fraction) -> bool:
    """Whether every frame of this rate falls on a time stamp that the file can hold."""
    tick = _RULES[kind].tick
    return tick == 0 or (1 / (fps * tick)).denominator == 1
