"""What a film is made from: one video, or several images in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av

from pipeline import images
from pipeline.errors import InvalidImage, InvalidInput
from pipeline.frames import Frame
from pipeline.image_colour import Note
from pipeline.image_kinds import kind_of
from pipeline.interpolation.scenes import Sight
from pipeline.settings import PrepareSettings
from pipeline.video import probe, timed_frames

NEAR = Fraction(1, 1000)
"""Seconds by which a frame's time stamp may miss the even rate it is meant to have: Matroska keeps milliseconds."""


@dataclass(frozen=True)
class Footage:
    """Frames to make others between, which can be read once.

    `count` frames come at `fps`, which is None for images. `has_sound` tells whether the file holds sound as well.
    """

    frames: Iterator[tuple[Fraction, Frame]]
    """Each with its time in seconds, which is that of an even rate wherever that is within NEAR; for images, with its
    number."""
    width: int
    height: int
    count: int
    fps: Fraction | None = None
    has_sound: bool = False

    def by_time(self) -> Iterator[Sight]:
        """The frames at their times."""
        return (Sight(time, frame) for time, frame in self.frames)

    def by_number(self) -> Iterator[Sight]:
        """The frames at the times 0, 1, 2 and so on."""
        return (Sight(Fraction(number), frame) for number, (_, frame) in enumerate(self.frames))


def open_footage(paths: Sequence[Path], settings: PrepareSettings, note: Note) -> Footage:
    """Open one video, or images of one size. They are decoded while they are read.

    Raises InvalidImage or InvalidInput for what cannot be read, at once where the headers tell it, and for images of
    different sizes.
    """
    videos = [path for path in paths if _is_video(path, settings)]
    if videos and len(paths) > 1:
        raise InvalidInput(f"'{videos[0].name}' is no image: give one video alone, or several images.")
    if videos:
        return _open_video(videos[0], note)
    return _open_images(paths, settings, note)


def _is_video(path: Path, settings: PrepareSettings) -> bool:
    """Whether a file holds anything but a still."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            kind = kind_of(file, path.name)
    except InvalidImage:
        return True
    except OSError:
        return False
    return kind.name == "GIF" and images.probe(path, settings.max_megapixels, settings.max_file_mb).frames > 1


def _open_images(paths: Sequence[Path], settings: PrepareSettings, note: Note) -> Footage:
    sizes = []
    for path in paths:
        info = images.probe(path, settings.max_megapixels, settings.max_file_mb)
        sizes.append((info.width, info.height))
    for path, size in zip(paths, sizes, strict=True):
        if size != sizes[0]:
            raise InvalidImage(
                f"'{path.name}' is {size[0]} x {size[1]} pixels and '{paths[0].name}' {sizes[0][0]} x {sizes[0][1]}: "
                "give images of one size."
            )
    frames = ((Fraction(number), images.read_image(path, settings, note)) for number, path in enumerate(paths))
    return Footage(frames, *sizes[0], count=len(paths))


def _open_video(path: Path, note: Note) -> Footage:
    info = probe(path)
    frames = timed_frames(path)
    first = next(frames, None)
    if first is None:
        raise InvalidInput(f"{path.name} holds no frame that can be decoded.")
    height, width = first[1].shape[:2]
    checked = _checked(chain([first], frames), path.name, info.num_frames, info.fps, note)
    return Footage(checked, width, height, info.num_frames, info.fps, _has_sound(path))


def _checked(
    frames: Iterator[tuple[Fraction, Frame]], name: str, promised: int, fps: Fraction, note: Note
) -> Iterator[tuple[Fraction, Frame]]:
    """The frames of a video at ascending times, and in one size."""
    last, shape, number, uneven = Fraction(-1), None, 0, False
    for number, (own, frame) in enumerate(frames, start=1):
        even = (number - 1) / fps
        time = even if abs(own - even) <= NEAR else own
        if time is own and not uneven:
            uneven = True
            note(f"{name} has no even frame rate: a new rate keeps each frame's own time, a factor does not.", "info")
        if shape not in (None, frame.shape):
            raise InvalidInput(f"{name} changes its size on the way: give a video of one size.")
        shape = frame.shape
        if time > last:  # of two frames at one time, only the first can be shown
            yield time, frame
            last = time
    if number < promised:
        note(f"{name} promises {promised} frames, but only {number} can be decoded: the last one is held.", "warning")


def _has_sound(path: Path) -> bool:
    with av.open(str(path)) as file:
        return bool(file.streams.audio)
