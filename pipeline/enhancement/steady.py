"""A film whose flicker and drift are corrected while it is read, half a second behind its source."""

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.enhancement.tone import Reading, ToneTracker
from pipeline.enhancement.tone_path import REACH, Course, Curves, Wishes, curves, smoothed
from pipeline.frames import Frame


@dataclass(frozen=True)
class Steadied:
    """A frame as it was, and what its levels are to be replaced by; None leaves it as it is."""

    frame: Frame
    curves: Curves | None

    def corrected(self) -> Frame:
        """The corrected frame. Kept apart, so that several threads can do it."""
        if self.curves is None:
            return self.frame
        return np.asarray(cv2.LUT(self.frame, self.curves.reshape(256, 1, 3)), np.uint8)


def steadied(frames: Iterable[Frame], fps: float, wishes: Wishes) -> Generator[Steadied]:
    """Yield each frame with its correction; where nothing is wished for, each is passed on at once.

    At most REACH + 1 frames are held, whatever the length of the film. Shots are told apart, and nothing is carried
    over a cut: each is corrected towards its own first frame. Closing it early closes `frames` where that is a
    generator.
    """
    made = _corrected(frames, fps, wishes) if wishes.any else (Steadied(frame, None) for frame in frames)
    try:
        yield from made
    finally:
        if isinstance(frames, Generator):
            frames.close()


def _corrected(frames: Iterable[Frame], fps: float, wishes: Wishes) -> Generator[Steadied]:
    track = ToneTracker()
    shot = _Shot(wishes, fps)
    for frame in frames:
        reading = track(frame)
        if reading.is_cut:
            yield from shot.rest()
            shot = _Shot(wishes, fps)
        yield from shot.add(frame, reading)
    yield from shot.rest()


class _Shot:
    """The frames of a shot that wait for those after them, and the tones on both sides of the next one."""

    def __init__(self, wishes: Wishes, fps: float) -> None:
        self._course = Course(wishes, fps)
        self._waiting: deque[Frame] = deque()
        self._readings: list[Reading] = []

    def add(self, frame: Frame, reading: Reading) -> Generator[Steadied]:
        """Take in a frame, and give out the one that now has all its neighbours."""
        self._waiting.append(frame)
        self._readings.append(reading)
        if len(self._waiting) > REACH:
            yield self._next()

    def rest(self) -> Generator[Steadied]:
        """The frames that wait, when no more come."""
        while self._waiting:
            yield self._next()

    def _next(self) -> Steadied:
        centre = len(self._readings) - len(self._waiting)
        tone = self._readings[centre].followed
        smooth = smoothed([reading.followed for reading in self._readings], centre)
        smooth_overall = smoothed([reading.overall for reading in self._readings], centre)
        wanted = self._course.wanted(tone, smooth, smooth_overall)
        if centre >= REACH:
            del self._readings[0]
        return Steadied(self._waiting.popleft(), curves(tone, wanted))
