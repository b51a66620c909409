"""One film from many: each part begins with a frame of the one before, and they dissolve into each other."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import islice

import cv2
import numpy as np

from pipeline.frames import Frame
from pipeline.sequence.parts import Part

Make = Callable[[int, Frame | None], Generator[Frame]]
"""The frames of a part, by its number and the frame that it begins with: None for the first one.

A generator, which lets go of its files and threads when it is closed.
"""


class Chain:
    """The frames of all parts in a row. No more than those of one overlap are held, whatever the length."""

    def __init__(self, parts: Sequence[Part], make: Make) -> None:
        self._parts, self._make = parts, make

    def frames(self) -> Generator[Frame]:
        """Yield every frame of the film; parts are made when their first frame is due."""
        tail: deque[Frame] = deque()
        for number, part in enumerate(self._parts):
            following = self._parts[number + 1].lead if number + 1 < len(self._parts) else 0
            held: deque[Frame] = deque()
            with closing(self._make(number, tail[0] if tail else None)) as made:
                for index, frame in enumerate(islice(made, part.shown)):
                    held.append(dissolve(tail.popleft(), frame, index, part.lead) if index < part.lead else frame)
                    if len(held) > following:
                        yield held.popleft()
            tail = held


def dissolve(before: Frame, after: Frame, index: int, lead: int) -> Frame:
    """Frame `index` of `lead` that lie over each other: the first one is the old film's, and then the new one comes."""
    if index == 0:
        return before
    share = index / lead
    smooth = share * share * (3.0 - 2.0 * share)
    return np.asarray(cv2.addWeighted(before, 1.0 - smooth, after, smooth, 0.0), np.uint8)
