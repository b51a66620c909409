"""A style laid over a film while it is read."""

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol

import cv2
import numpy as np

from pipeline.frames import Frame, render_in_order
from pipeline.style.weave import Anchors, Weave

Look = Callable[[Frame, Weave], Frame]
"""Paints one frame, given where its textures lie. May be called from several threads at once."""

_SMALLEST_SIDE = 16
"""Shorter frames are painted with their edges repeated to this, as filters have no room in less."""


class Painter(Protocol):
    """A style for one pass over a film."""

    def follow(self, frame: Frame, is_new_shot: bool) -> Look:
        """What the next frame is painted with. Called once a frame, in order."""


def styled(frames: Iterable[Frame], count: int, painter: Painter, strength: float, workers: int) -> Iterator[Frame]:
    """Paint `count` frames of one size over, in order, while they are read.

    `strength`, above 0 to 1, is the share of the style in each pixel. `workers` threads paint; memory does not grow
    with the number of frames. Raises ValueError when there are fewer frames than that.
    """
    return render_in_order(_Renderer(frames, painter, strength), count, workers)


class _Renderer:
    """Paints frame k. Frames are asked for in nearly ascending order, by several threads."""

    def __init__(self, frames: Iterable[Frame], painter: Painter, strength: float) -> None:
        self._jobs = _jobs(frames, painter, strength)
        self._drawn: dict[int, Callable[[], Frame]] = {}
        self._next = 0
        self._lock = threading.Lock()

    def __call__(self, index: int) -> Frame:
        with self._lock:
            # Whoever comes first follows the film for those before it as well.
            while self._next <= index:
                self._drawn[self._next] = next(self._jobs)
                self._next += 1
            job = self._drawn.pop(index)
        return job()


def _jobs(frames: Iterable[Frame], painter: Painter, strength: float) -> Iterator[Callable[[], Frame]]:
    """What paints each frame, in order."""
    anchors = Anchors()
    for frame in frames:
        padded = _padded(frame)
        weave, is_new_shot = anchors.follow(padded)
        yield partial(_painted, frame, padded, painter.follow(padded, is_new_shot), weave, strength)
    raise ValueError("the film holds fewer frames than it promised")


def _painted(frame: Frame, padded: Frame, look: Look, weave: Weave, strength: float) -> Frame:
    height, width = frame.shape[:2]
    made = look(padded, weave)[:height, :width]
    if strength == 1.0:
        return np.ascontiguousarray(made)
    return np.asarray(cv2.addWeighted(frame, 1.0 - strength, made, strength, 0.0), np.uint8)


def _padded(frame: Frame) -> Frame:
    down, right = (max(_SMALLEST_SIDE - side, 0) for side in frame.shape[:2])
    if not (down or right):
        return frame
    return np.asarray(cv2.copyMakeBorder(frame, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)
