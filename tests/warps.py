"""Photographs seen again from elsewhere: homographies of known truth, with blur, noise and other light."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame


@dataclass(frozen=True)
class Warped:
    """The second view, the homography that leads to it, and the share of the first image that it shows."""

    image: Frame
    homography: NDArray[np.float64]
    overlap: float


def warped(photo: Frame, rng: np.random.Generator) -> Warped:
    """A photo at any rotation, half to twice as large, in perspective, blurred up to sigma 2, with noise up to 12."""
    height, width = photo.shape[:2]
    scale = float(np.exp(rng.uniform(np.log(0.5), np.log(2.0))))
    homography = _homography(rng, width, height, scale)
    source = photo.astype(np.float32)
    if scale < 1:
        source = blurred(source, 0.5 * float(np.sqrt(1 / scale**2 - 1)))
    fill = (int(rng.integers(0, 256)),) * 3
    view = cv2.warpPerspective(source, homography, (width, height), flags=cv2.INTER_CUBIC, borderValue=fill)
    lit = np.clip(view * rng.uniform(0.7, 1.3) + rng.uniform(-30, 30), 0, 255)
    soft = blurred(np.asarray(lit, np.float32), rng.uniform(0, 2))
    noisy = soft + rng.normal(0, rng.uniform(0, 12), soft.shape)
    return Warped(np.clip(noisy, 0, 255).astype(np.uint8), homography, _overlap(homography, width, height))


def blurred(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """A picture after a Gaussian blur; as it is for a sigma under 0.3 pixels."""
    return picture if sigma < 0.3 else np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def transfer(points: NDArray[np.float64], homography: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where places go, shape (n, 2)."""
    return np.asarray(cv2.perspectiveTransform(points.reshape(-1, 1, 2), homography).reshape(-1, 2), np.float64)


def corner_error(found: NDArray[np.float64], truth: NDArray[np.float64], width: int, height: int) -> float:
    """Mean distance in pixels of the second image between where both send the corners of the first."""
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)
    return float(np.linalg.norm(transfer(corners, found) - transfer(corners, truth), axis=1).mean())


def _homography(rng: np.random.Generator, width: int, height: int, scale: float) -> NDArray[np.float64]:
    """Turned about the centre by any angle, moved by up to a fifth of the size, and seen in perspective."""
    centre = np.array([width / 2, height / 2])
    angle = rng.uniform(-np.pi, np.pi)
    turn = np.eye(3)
    turn[:2, :2] = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn[:2, 2] = centre + rng.uniform(-0.2, 0.2, 2) * (width, height)
    tilt, back = np.eye(3), np.eye(3)
    tilt[2, :2] = rng.uniform(-0.25, 0.25, 2) / (width, height)
    back[:2, 2] = -centre
    homography = turn @ tilt @ back
    return np.asarray(homography / homography[2, 2], np.float64)


def _overlap(homography: NDArray[np.float64], width: int, height: int) -> float:
    x, y = np.meshgrid(np.linspace(0, width - 1, 40), np.linspace(0, height - 1, 40))
    there = transfer(np.stack([x.ravel(), y.ravel()], axis=1), homography)
    return float(((there >= 0) & (there <= (width - 1, height - 1))).all(axis=1).mean())
