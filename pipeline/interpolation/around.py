"""The frames before and after a pair, and how they bend the way between the two.

From two frames alone every way is straight and even. But hands shake and things speed up: where four successive frames
are known, so is the acceleration, and with it where a pixel is half-way. That gains 0.8 dB in the mean of real clips,
and up to 1.5 dB on a hand-held one.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.frames import Frame
from pipeline.optical_flow import Flow, Grey, dense_flow, luma
from pipeline.workers import once

SIDE, MOST_SHRUNK = 320, 4
"""Longer side in pixels of the pictures in which steps are searched for, and how many times smaller than the frames
they are at the most. Finer ones are slower and hardly better: twice as fine ones gain nothing on clips of 720p."""

SMOOTHING = 4.0
"""Sigma, in pixels of these pictures, of the Gaussian that acceleration is smoothed with. It is a small difference of
large numbers, and what bends ways most, the camera's shaking, is alike all over the picture."""

TRUST = 0.75
"""Share of the measured acceleration that is applied. It errs, and what shakes does not keep its acceleration between
two frames; half and the whole of it were tried, and are worse on clips."""

TRUST_ONE_SIDED = 0.5
"""The same where only one of the two frames around is known."""


class Step:
    """Two frames of one size, and the motion between them in small pictures, each way searched for once.

    May be used from several threads at once: successive pairs of a film share their steps.
    """

    def __init__(self, first: Frame, second: Frame) -> None:
        self._frames = first, second

    @once
    def there(self) -> Flow:
        """The flow from the first frame to the second."""
        return dense_flow(*self.greys, 0, quick=True)

    @once
    def back(self) -> Flow:
        """The flow from the second frame to the first."""
        return dense_flow(*self.greys[::-1], 0, quick=True)

    @once
    def greys(self) -> tuple[Grey, Grey]:
        """The luma of both frames in the size of the flow."""
        first, second = (_small(frame) for frame in self._frames)
        return first, second


@dataclass(frozen=True)
class Around:
    """The frames before and after a pair, of its size, where there are any that show the same scene.

    Times are in units of the pair's own, which stands at 0 and 1. `steps` lead from the frame before over the pair to
    the frame after; they are made where they are not given.
    """

    before: Frame | None = None
    after: Frame | None = None
    before_time: float = -1.0
    after_time: float = 2.0
    steps: tuple[Step | None, Step, Step | None] | None = None

    def ways(self, frame0: Frame, frame1: Frame) -> tuple[Step | None, Step, Step | None]:
        """The steps, from the frame before to the frame after."""
        if self.steps is not None:
            return self.steps
        into = None if self.before is None else Step(self.before, frame0)
        return into, Step(frame0, frame1), None if self.after is None else Step(frame1, self.after)


ALONE = Around()
"""Nothing is known of what comes before and after."""


def acceleration(frame0: Frame, frame1: Frame, around: Around, result: tuple[int, int]) -> Flow | None:
    """How the motion from one frame to the other changes, in pixels per squared unit of time.

    `result` is the width and height that it is wanted in, and that its pixels are of. None where nothing is known.
    """
    into, over, out = around.ways(frame0, frame1)
    found = []
    if around.before is not None and into is not None:
        found.append(_bend(over.there, into.back, -around.before_time))
    if around.after is not None and out is not None:
        found.append(_bend(over.back, out.there, around.after_time - 1.0))
    if not found:
        return None
    trust = TRUST if len(found) == 2 else TRUST_ONE_SIDED
    height, width = found[0].shape[:2]
    scale = np.array([result[0] / width, result[1] / height], np.float32) * np.float32(trust / len(found))
    bend = cv2.GaussianBlur(np.sum(found, axis=0, dtype=np.float32) * scale, (0, 0), SMOOTHING)
    return np.asarray(cv2.resize(bend, result, interpolation=cv2.INTER_LINEAR), np.float32)


def _bend(there: Flow, beyond: Flow, distance: float) -> Flow:
    """The second difference of the way through a picture, from its flow to one 1 away, and to one on its far side.

    With x(1) and x(-d) from the pixel's place, d being `distance`: x'' = 2 (x(1) + x(-d) / d) / (1 + d).
    """
    flow = (there + beyond / np.float32(distance)) * np.float32(2 / (1 + distance))
    parts = (cv2.medianBlur(np.ascontiguousarray(part), 5) for part in cv2.split(flow))
    return np.dstack(list(parts)).astype(np.float32)


def _small(frame: Frame) -> Grey:
    height, width = frame.shape[:2]
    shrink = min(max(1.0, max(height, width) / SIDE), MOST_SHRUNK)
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    return np.asarray(cv2.resize(luma(frame), size, interpolation=cv2.INTER_AREA), np.uint8)
