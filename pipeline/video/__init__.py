"""Video files: writing them frame by frame, reading them back, and saying what they really hold."""

from pipeline.video.comment import read_comment, write_comment
from pipeline.video.containers import (
    ContainerRules,
    container_rules,
    container_size_multiple,
    keeps_fps_exactly,
    max_fps,
)
from pipeline.video.lossless import write_lossless
from pipeline.video.read import VideoInfo, middle_frame, probe, read_frames, timed_frames
from pipeline.video.retime import retime
from pipeline.video.write import VideoWriter, encode_frames, write_video

__all__ = [
    "ContainerRules",
    "VideoInfo",
    "VideoWriter",
    "container_rules",
    "container_size_multiple",
    "encode_frames",
    "keeps_fps_exactly",
    "max_fps",
    "middle_frame",
    "probe",
    "read_comment",
    "read_frames",
    "retime",
    "timed_frames",
    "write_comment",
    "write_lossless",
    "write_video",
]
