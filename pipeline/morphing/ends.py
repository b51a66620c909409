"""A film that was made between two pictures begins and ends with those pictures themselves."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame, FrameStream

_CELLS = 48
"""Longer side of the field in which colours are compared: light and tone, not content."""

_BLUR = 4.0
"""Blur of that field, in cells: a twelfth of the picture."""

_Field = NDArray[np.float32]


def with_ends(stream: FrameStream, first: Frame, last: Frame) -> FrameStream:
    """The film with `first` and `last` as its first and last frame, exactly, and no jump of colour beside them.

    What the film's own first and last frame lack in light and tone is added to all others: at each end the whole of
    that end's difference, and between them what leads from the one to the other. The film is read through once, when
    the first frame is asked for. Raises ValueError when the film cannot be read twice, has fewer than two frames, or
    has another size than the pictures.
    """
    again = stream.again
    if again is None or stream.count < 2:
        raise ValueError("a film that is given its ends must be readable twice and have two frames or more")
    if {first.shape[:2], last.shape[:2]} != {(stream.height, stream.width)}:
        raise ValueError(f"the ends must be {stream.width}x{stream.height}, as the film is")

    def frames() -> Iterator[Frame]:
        return _led(again, stream.count, first, last)

    return replace(stream, frames=frames(), again=frames, keyframes=frozenset({0, stream.count - 1}))


def _led(again: Callable[[], Iterator[Frame]], count: int, first: Frame, last: Frame) -> Iterator[Frame]:
    own_first, own_last = _own_ends(again())
    lacking0, lacking1 = _lacking(own_first, first), _lacking(own_last, last)
    for index, frame in enumerate(again()):
        if index in (0, count - 1):
            yield (first if index == 0 else last).copy()
        else:
            passed = index / (count - 1)
            share = passed * passed * (3.0 - 2.0 * passed)
            yield _with_light(frame, lacking0 * np.float32(1.0 - share) + lacking1 * np.float32(share))


def _own_ends(frames: Iterator[Frame]) -> tuple[Frame, Frame]:
    first = last = next(frames)
    for last in frames:  # noqa: B007 - only the last one counts
        pass
    return first, last


def _lacking(made: Frame, wanted: Frame) -> _Field:
    """The difference of light and tone, in 8-bit levels, in cells all over the picture."""
    difference = wanted.astype(np.float32) - made
    scale = min(1.0, _CELLS / max(made.shape))
    size = max(1, round(made.shape[1] * scale)), max(1, round(made.shape[0] * scale))
    cells = cv2.resize(difference, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(cells, (0, 0), _BLUR, borderType=cv2.BORDER_REPLICATE), np.float32)


def _with_light(frame: Frame, light: _Field) -> Frame:
    added = cv2.resize(light, frame.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(np.rint(frame + added), 0, 255), np.uint8)
