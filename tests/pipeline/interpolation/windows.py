"""Windows on photos that move by what a test knows, and what frames between them are measured by."""

import cv2
import numpy as np
import pytest

from pipeline.frames import Frame
from pipeline.interpolation import interpolate
from pipeline.optical_flow import Flow, Grey, dense_flow
from tests.photos import photo

SMALL, LARGE = (320, 240), (1280, 720)


def view(name: str, right: float, down: float = 0.0, zoom: float = 1.0, size: tuple[int, int] = SMALL) -> Frame:
    """A window on a photo that stands at a sub-pixel place; a wider one shows it as much larger."""
    matrix = np.array([[zoom, 0.0, 60.0 + right], [0.0, zoom, 40.0 + down]]) * (SMALL[0] / size[0])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(photo(name), matrix, size, flags=flags), np.uint8)


def dissolved(frame0: Frame, frame1: Frame, t: float) -> Frame:
    return np.rint(frame0 * (1.0 - t) + frame1 * t).astype(np.uint8)


def psnr(made: Frame, truth: Frame) -> float:
    return float(cv2.PSNR(made, truth))


def assert_motion_is_met(
    name: str, t: float, motion: tuple[float, float, float], size: tuple[int, int] = SMALL
) -> None:
    """The frame at `t` of a window that goes right, down and zooms is near the truth, far nearer than a dissolve."""
    right, down, zoom = motion
    ends = view(name, 0.0, size=size), view(name, right, down, zoom, size)
    truth = view(name, t * right, t * down, 1.0 + t * (zoom - 1.0), size)
    made = interpolate(*ends, t)
    assert psnr(made, truth) > psnr(dissolved(*ends, t), truth) + 8.0
    assert psnr(made, truth) > 36.0


def psnr_at_borders(
    name: str, motion: tuple[float, float], width: int, size: tuple[int, int] = SMALL
) -> tuple[float, float]:
    """That of the middle frame, and of the dissolve, in a border of `width` pixels."""
    right, down = motion
    ends = view(name, 0.0, size=size), view(name, right, down, size=size)
    truth = view(name, right / 2, down / 2, size=size)
    border = np.ones(size[::-1], bool)
    border[width:-width, width:-width] = False
    made, plain = (psnr(frame[border], truth[border]) for frame in (interpolate(*ends, 0.5), dissolved(*ends, 0.5)))
    return made, plain


def count_searches(monkeypatch: pytest.MonkeyPatch, *modules: str) -> list[tuple[int, int]]:
    """From now on, the sizes of pictures that these modules of interpolation search for motion in."""
    searched: list[tuple[int, int]] = []

    def counted(first: Grey, second: Grey, finest_scale: int = 1, quick: bool = False) -> Flow:
        searched.append(first.shape)
        return dense_flow(first, second, finest_scale, quick)

    for module in modules:
        monkeypatch.setattr(f"pipeline.interpolation.{module}.dense_flow", counted)
    return searched
