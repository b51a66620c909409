"""How fast frames are enhanced to 1080p, beside plain loops: `python -m benchmarks.enhancement`.

Frames are a photo that moves, 1280x720. The plain loop does the same one frame after the other, without threads; the
naive one sharpens with scikit-image. Rates are of one run and depend on what else the machine does; CPU time does so
less.
"""

import os
import time
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from skimage.filters import unsharp_mask

from pipeline.context import Context
from pipeline.enhance_settings import EnhanceSettings
from pipeline.enhancement import sharpened
from pipeline.frames import Frame, FrameStream
from pipeline.interpolation import enlarge
from pipeline.settings import Settings
from pipeline.stages.enhance import Enhance
from tests.photos import ASTRONAUT, photo

COUNT = 48
WIDTH, HEIGHT = 1280, 720


def film() -> list[Frame]:
    """Frames of a camera that moves over an enlarged photo."""
    large = np.asarray(cv2.resize(photo(ASTRONAUT), (1400, 1400), interpolation=cv2.INTER_CUBIC), np.uint8)
    return [np.ascontiguousarray(large[300 : 300 + HEIGHT, k : k + WIDTH]) for k in range(COUNT)]


def staged(frames: list[Frame], folder: Path, **asked: float) -> Iterable[Frame]:
    """What the stage makes of them."""
    context = Context(seed=0, threads=os.cpu_count() or 1, work_dir=folder)
    stream = FrameStream(iter(frames), WIDTH, HEIGHT, Fraction(24), COUNT)
    return Enhance()(stream, Settings(enhance=EnhanceSettings.model_validate(asked)), context).frames


def naive(frame: Frame) -> Frame:
    """Enlarged and sharpened as libraries offer it."""
    return np.asarray(np.rint(255 * unsharp_mask(enlarge(frame, 1920, 1080), 1.0, 0.6, channel_axis=2)), np.uint8)


def main() -> None:
    """Measure each way once and print a line for it."""
    frames = film()
    with TemporaryDirectory() as folder:
        ways: dict[str, Callable[[], Iterable[Frame]]] = {
            "enlarged": lambda: staged(frames, Path(folder), height=1080),
            "enlarged, sharpened": lambda: staged(frames, Path(folder), height=1080, sharpen=0.5),
            "the same in a plain loop": lambda: (sharpened(enlarge(each, 1920, 1080), 0.5) for each in frames),
            "the same, naive": lambda: map(naive, frames),
            "deflickered, colour held, enlarged, sharpened": lambda: staged(
                frames, Path(folder), height=1080, deflicker=1.0, colour=0.5, sharpen=0.5
            ),
        }
        for name, way in ways.items():
            wall, processor = time.perf_counter(), time.process_time()
            count = sum(1 for _ in way())
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            print(f"{name}: {count / wall:.1f} frames/s, {1000 * processor / count:.0f} ms of CPU a frame")


if __name__ == "__main__":
    main()
