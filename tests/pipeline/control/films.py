"""Driving videos made in the test run: what they show is known at every time."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from pipeline.frames import Frame, FrameStream
from pipeline.settings import EncodeSettings
from pipeline.video import write_video

WIDTH, HEIGHT = 160, 96

SPEED = 80.0
"""Pixels a second that the ball moves to the right."""


def film(path: Path, draw: Callable[[float], Frame], count: int, fps: Fraction | int = 25) -> Path:
    """A video of `draw(seconds)`."""
    rate = Fraction(fps)

    def frames() -> Iterator[Frame]:
        for number in range(count):
            yield draw(float(number / rate))

    height, width = draw(0.0).shape[:2]
    write_video(FrameStream(frames(), width, height, rate, count), path, EncodeSettings(crf=8, threads=1))
    return path


def ball(time: float) -> Frame:
    """A bright ball before a soft, textured ground; its middle is at (24 + SPEED * time, 48)."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    ground = 60 + 12 * np.sin(across / 5) * np.cos(down / 7)
    distance = np.hypot(across - (24 + SPEED * time), down - HEIGHT / 2)
    cover = np.clip(14.5 - distance, 0, 1)
    levels = ground * (1 - cover) + 235 * cover
    return np.repeat(np.rint(levels)[..., None], 3, axis=2).astype(np.uint8)


def place_of_ball(frame: Frame) -> float:
    """Where the middle of the ball is, across."""
    weight = np.clip(frame[..., 1].astype(float) - 110, 0, None).sum(axis=0)
    return float((weight * np.arange(len(weight))).sum() / weight.sum())


def figure(time: float) -> Frame:
    """A figure of coloured sticks on black that waves its arms, as pose detectors draw it."""
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    swing = np.sin(2 * np.pi * time)
    joints = {"head": (80, 20), "hip": (80, 60), "left": (60, 40 + 15 * swing), "right": (100, 40 - 15 * swing)}
    joints |= {"foot0": (70, 88), "foot1": (90, 88), "neck": (80, 34)}
    bones = [("head", "neck"), ("neck", "hip"), ("neck", "left"), ("neck", "right"), ("hip", "foot0"), ("hip", "foot1")]
    for number, (start, stop) in enumerate(bones):
        colour = [(255, 0, 0), (0, 255, 0), (0, 120, 255), (255, 255, 0), (255, 0, 255), (0, 255, 255)][number]
        first, last = ([round(float(each)) for each in joints[name]] for name in (start, stop))
        cv2.line(frame, first, last, colour, 3, cv2.LINE_AA)
    return frame
