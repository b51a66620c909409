"""A driving video: read as a stream, cut to a shape, and shown at the times of another film."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.errors import InvalidInput
from pipeline.frames import Frame
from pipeline.image_colour import Note
from pipeline.interpolation.around import ALONE, Around
from pipeline.interpolation.film import passages, retimed
from pipeline.interpolation.footage import Footage, open_footage
from pipeline.interpolation.method import FlowMethod
from pipeline.interpolation.scenes import Found, Sight
from pipeline.settings import PrepareSettings

LARGEST_FILE = 4_000_000_000
"""Bytes that a driving video may have: it is read as a whole for its digest, and its packets are counted."""

LOOKED_AT, APART = 5, 8
"""Frames that are looked at beforehand, and how many frames they are apart."""

GLANCE = 256
"""Longer side in pixels of the frames that are looked at beforehand."""

REDUCING_GAP = 3.0
"""Pillow may shrink by a whole factor first, down to this many times the wanted size: quick, and fair beyond notice."""

_Timed = Iterator[tuple[Fraction, Frame]]


@dataclass(frozen=True)
class DrivingVideo:
    """A video that can be read, and what its headers say. `last` is the time of its last frame in seconds."""

    path: Path
    width: int
    height: int
    last: Fraction
    settings: PrepareSettings

    def glance(self) -> list[Frame]:
        """A few of its first frames, small, drawn lines not blurred away: to tell what it shows."""
        frames = _open(self.path, self.settings, _unsaid).frames
        shrink = max(1, max(self.width, self.height) // GLANCE)
        return [
            np.ascontiguousarray(frame[::shrink, ::shrink]) for _, frame in islice(frames, 0, LOOKED_AT * APART, APART)
        ]

    def frames_at(
        self, times: Sequence[Fraction], size: tuple[int, int], is_drawn: bool, note: Note, workers: int
    ) -> Generator[Frame]:
        """The frames at ascending `times` in seconds, of `size` (width, height), made while they are read.

        Between two frames a new one is made from both by `workers` threads, but of drawn lines the nearer is taken.
        After the last frame it is held. Raises InvalidInput for what turns out unreadable on the way.
        """
        frames = _from(_open(self.path, self.settings, note).frames, times[0])
        sights = (Sight(time, fitted(frame, size)) for time, frame in frames)
        rows = passages(sights, Found(), repeats=not is_drawn, cuts=not is_drawn)
        return retimed(rows, times, _Nearest() if is_drawn else FlowMethod(), workers)


def open_driving(path: Path, settings: PrepareSettings) -> DrivingVideo:
    """Open a driving video. Raises InvalidInput, one sentence, for a file that cannot be one."""
    if not path.is_file():
        raise InvalidInput(f"animate.control.video: there is no file '{path}'.")
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise InvalidInput(
            f"The driving video {path.name} has {size / 1e9:.1f} GB, and {LARGEST_FILE / 1e9:.0f} GB are the most: "
            "cut out the part that is needed."
        )
    footage = _open(path, settings, _unsaid)
    if footage.fps is None:
        raise InvalidInput(f"The driving video {path.name} is a still: give a video, or leave it empty.")
    if footage.count < 2:
        raise InvalidInput(f"The driving video {path.name} holds a single frame, in which nothing moves.")
    megapixels = footage.width * footage.height / 1e6
    if megapixels > settings.max_megapixels:
        raise InvalidInput(
            f"The driving video {path.name} has frames of {megapixels:.1f} megapixels, and {settings.max_megapixels} "
            "are the most: make it smaller."
        )
    return DrivingVideo(path, footage.width, footage.height, (footage.count - 1) / footage.fps, settings)


def clip_times(count: int, frames: int, fps: Fraction, start: float) -> list[Fraction]:
    """When each of `count` frames is shown that stand for `frames` frames at `fps`, in seconds from `start` on."""
    step = Fraction(frames - 1, max(count - 1, 1)) / fps
    begin = Fraction(start).limit_denominator(1000)
    return [begin + number * step for number in range(count)]


def back_and_forth(time: Fraction, last: Fraction) -> Fraction:
    """The time in a film whose last frame is at `last` that is shown when it runs back and forth."""
    place = time % (2 * last)
    return min(place, 2 * last - place)


def at_any_times(times: Sequence[Fraction], read: Callable[[Sequence[Fraction]], Iterator[Frame]]) -> list[Frame]:
    """Frames at times in any order, by `read` for those in ascending order; a time that comes twice is read once."""
    ascending = sorted(set(times))
    known = dict(zip(ascending, read(ascending), strict=True))
    return [known[time] for time in times]


def fitted(frame: Frame, size: tuple[int, int]) -> Frame:
    """The largest part of a frame, from its middle, that has the shape of `size` (width, height), in that size.

    It is cut between pixels where need be, so that nothing is stretched. Lanczos, whose support grows with a reduction.
    """
    height, width = frame.shape[:2]
    scale = min(width / size[0], height / size[1])
    left, top = (width - size[0] * scale) / 2, (height - size[1] * scale) / 2
    box = max(left, 0.0), max(top, 0.0), min(width - left, width), min(height - top, height)
    whole = Image.fromarray(frame)
    return np.array(whole.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=REDUCING_GAP))


def _from(frames: _Timed, start: Fraction) -> _Timed:
    """Leave out what comes before the frame that is shown at `start`."""
    held = next(frames, None)
    for each in frames:
        if each[0] > start and held is not None:
            yield held
        held = each
    if held is not None:
        yield held


def _open(path: Path, settings: PrepareSettings, note: Note) -> Footage:
    def warn(message: str, level: str = "warning") -> None:
        if level == "warning":  # an uneven rate is no matter: every frame is taken at its own time
            note(message, "warning")

    return open_footage([path], settings, warn)


def _unsaid(_message: str, _level: str = "") -> None:
    return None


class _Nearest:
    """Of two frames the nearer one: lines that a model reads must not be blended."""

    name = "nearest"

    def frames(self, frame0: Frame, frame1: Frame, times: Sequence[float], around: Around = ALONE) -> list[Frame]:  # noqa: ARG002
        """The frames for times from 0 to 1."""
        return [frame0 if time < 0.5 else frame1 for time in times]

    def close(self) -> None:
        """Nothing is held."""
