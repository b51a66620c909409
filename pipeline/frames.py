"""Frames and streams of frames: the values that travel between the stages."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipeline.workers import in_order

Frame = NDArray[np.uint8]
"""One picture: uint8, shape (height, width, 3), RGB, sRGB transfer."""

Mask = NDArray[np.uint8]
"""One soft mask: uint8, shape (height, width), 0 = outside, 255 = inside."""


PictureKey = str | list[int | str]
"""What tells a picture from all others, as JSON has it: the digest of all that decides it, or of its pixels."""


def pixel_digest(frame: Frame) -> list[int | str]:
    """What tells a frame from all others, as JSON has it: its shape and the SHA-256 of its pixels."""
    return [*frame.shape, hashlib.sha256(np.ascontiguousarray(frame).data).hexdigest()]


@dataclass(frozen=True)
class PreparedImage:
    """What `prepare` hands on: one crop of the input, in the aspect of the video.

    `image` has exactly the size of the video. `plate` is the same crop with the input's own detail where it has more:
    between 1 and 2 times the size of the video, for engines that move a camera over it. `masks` have the plate's size.
    """

    image: Frame
    plate: Frame
    masks: tuple[Mask, ...] = ()
    depth: NDArray[np.float32] | None = None
    """How near the plate's pixels are, 0 to 1, of any size: the user's own depth map in the same crop."""
    last_image: Frame | None = None
    """The picture that the video should end with, of the size of `image`, for engines that take one."""
    key: str | None = None
    """The digest of all that decides these pixels, where it is known: what is made of them can be found again by it."""

    @property
    def picture_key(self) -> PictureKey:
        """What tells `image` from all other pictures."""
        return self.key or pixel_digest(self.image)

    @property
    def width(self) -> int:
        """Width of the video in pixels."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height of the video in pixels."""
        return int(self.image.shape[0])


@dataclass(frozen=True)
class FrameStream:
    """A film that is made while it is read: memory does not grow with its duration.

    `frames` yields `count` frames of `height` x `width` x 3 and can be read once. `again` reads or makes them from the
    start, where that is known. `keyframes` numbers the frames that the file should hold as pictures of their own. `key`
    is the digest of all that decides the frames, whatever their rate, where that is known.
    """

    frames: Iterator[Frame]
    width: int
    height: int
    fps: Fraction
    count: int
    again: Callable[[], Iterator[Frame]] | None = None
    keyframes: frozenset[int] = frozenset()
    key: str | None = None


def render_in_order(render: Callable[[int], Frame], count: int, workers: int) -> Iterator[Frame]:
    """Yield `render(0)`, ..., `render(count - 1)` in order, computed by `workers` threads; see `in_order`."""
    return in_order(render, range(count), workers)
