"""Short films whose motion, light, sharpness and colour are known."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from pipeline.frames import Frame
from pipeline.quality import QualityMeter
from tests.photos import photo


def square(name: str, side: int = 256) -> Frame:
    """The middle of a photo, `side` pixels square."""
    frame = photo(name)
    top, left = (length // 2 - side // 2 for length in frame.shape[:2])
    return np.ascontiguousarray(frame[top : top + side, left : left + side])


def panning(name: str, step: tuple[float, float], size: tuple[int, int] = (320, 240), count: int = 10) -> list[Frame]:
    """A window that moves over a photo by `step` pixels a frame, right and down."""
    across, down = step
    return [
        np.asarray(
            cv2.warpAffine(
                photo(name),
                np.array([[1.0, 0.0, 30.0 + across * index], [0.0, 1.0, 30.0 + down * index]]),
                size,
                flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            ),
            np.uint8,
        )
        for index in range(count)
    ]


def lit(frame: Frame, levels: Sequence[float]) -> Iterator[Frame]:
    """The frame with so many levels added to every channel, away from black and white."""
    muted = frame * 0.8 + 25.0
    return (np.rint(muted + level).astype(np.uint8) for level in levels)


def measured(frames: Sequence[Frame], reference: Frame | None = None) -> dict[str, float]:
    """What the meter says of a film."""
    meter = QualityMeter(frames[0] if reference is None else reference, len(frames))
    for _ in meter.watch(iter(frames)):
        pass
    return meter.result()
