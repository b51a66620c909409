"""What a driving video tells a model: its frames at the times of a film, and the maps that are made of them."""

from pipeline.control.depth_clip import depth_frames, estimated, steadied
from pipeline.control.driving import DrivingVideo, at_any_times, back_and_forth, clip_times, open_driving
from pipeline.control.edges import canny_clip
from pipeline.control.flow_colours import flow_clip
from pipeline.control.grey import grey_clip
from pipeline.control.rendered import is_rendered

__all__ = [
    "DrivingVideo",
    "at_any_times",
    "back_and_forth",
    "canny_clip",
    "clip_times",
    "depth_frames",
    "estimated",
    "flow_clip",
    "grey_clip",
    "is_rendered",
    "open_driving",
    "steadied",
]
