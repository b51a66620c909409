"""A picture of any shape in a frame of a fixed shape, and out again: for models that know a single size."""

import numpy as np

from pipeline.frames import Frame
from pipeline.interpolation import enlarge


def inner_size(picture: tuple[int, int], frame: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a picture of this shape where it is as large as it can be inside the frame."""
    scale = min(frame[0] / picture[0], frame[1] / picture[1])
    return min(max(round(picture[0] * scale), 1), frame[0]), min(max(round(picture[1] * scale), 1), frame[1])


def put_into_frame(picture: Frame, width: int, height: int) -> Frame:
    """The whole picture in the middle of a frame of `width` x `height`, which its mirrored edges fill up."""
    size = inner_size((picture.shape[1], picture.shape[0]), (width, height))
    inner = enlarge(picture, *size)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    around = ((top, height - size[1] - top), (left, width - size[0] - left), (0, 0))
    return np.pad(inner, around, mode="symmetric")


def take_from_frame(frame: Frame, width: int, height: int) -> Frame:
    """The part of a frame that `put_into_frame` put a picture of this shape in, as `width` x `height`."""
    size = inner_size((width, height), (frame.shape[1], frame.shape[0]))
    left, top = (frame.shape[1] - size[0]) // 2, (frame.shape[0] - size[1]) // 2
    return enlarge(np.ascontiguousarray(frame[top : top + size[1], left : left + size[0]]), width, height)
