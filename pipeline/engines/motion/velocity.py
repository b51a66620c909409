"""Velocity fields on the coarse grid, and the paths that things take in them."""

import math

import cv2
import numpy as np

from pipeline.engines.motion.flow_style import FlowStyle
from pipeline.engines.motion.patch import Field, Patch
from pipeline.motion_plan import Region

INTEGRATION_STEPS = 12
"""Steps of the midpoint rule to each side of a path: no step is longer than a few pixels."""


SWIRL_DRIFT = 0.35
"""Speed of the straight part of a flow that swirls."""


def flow_velocity(patch: Patch, region: Region, style: FlowStyle, soft: Field, rng: np.random.Generator) -> Field:
    """The velocity of a flow on the grid, (rows, columns, 2): 1 is the full speed of the kind; 0 at the area's edge."""
    angle = math.radians(style.direction if region.direction is None else region.direction)
    forward = np.array([math.cos(angle), -math.sin(angle)], dtype=np.float32)
    straight = (soft * recession(patch, style.far))[..., None] * forward
    if region.swirl:
        return np.asarray(SWIRL_DRIFT * straight + vortices(patch, soft, rng), dtype=np.float32)
    if style.turbulence:
        return np.asarray(straight + style.turbulence * turbulence(patch, soft, style.eddy, rng), dtype=np.float32)
    return straight


def recession(patch: Patch, far: float) -> Field:
    """How large things look on a surface that recedes: `far` at the top of the area, 1 at its bottom."""
    down = (np.arange(patch.rows, dtype=np.float32) + 0.5) / patch.rows
    return np.repeat((far + (1.0 - far) * down)[:, None], patch.columns, axis=1).astype(np.float32)


def smooth_noise(patch: Patch, scale: float, rng: np.random.Generator) -> Field:
    """Random field on the grid with mean 0 and deviation 1; its features are about `scale` units wide."""
    sigma_x = max(0.5, scale * patch.unit * patch.columns / patch.width / 2.0)
    sigma_y = max(0.5, scale * patch.unit * patch.rows / patch.height / 2.0)
    raw = rng.standard_normal((patch.rows, patch.columns)).astype(np.float32)
    field = np.asarray(cv2.GaussianBlur(raw, (0, 0), sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_REFLECT))
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), dtype=np.float32)


def curl(stream: Field, patch: Patch) -> Field:
    """Velocity (rows, columns, 2) of a stream function given on the grid: free of sources and sinks.

    v = (d psi / dy, -d psi / dx), in units of `stream` per pixel (Bridson et al., "Curl-noise for procedural fluid
    flow", SIGGRAPH 2007).
    """
    along_y, along_x = np.gradient(stream)
    return np.dstack([along_y * patch.rows / patch.height, -along_x * patch.columns / patch.width]).astype(np.float32)


def turbulence(patch: Patch, soft: Field, scale: float, rng: np.random.Generator) -> Field:
    """Curl noise with a root-mean-square speed of 1 inside the area; it runs along the area's edge, not across it."""
    return _of_unit_speed(curl(smooth_noise(patch, scale, rng) * soft, patch), soft)


def vortices(patch: Patch, soft: Field, rng: np.random.Generator) -> Field:
    """Large eddies that turn by turns left and right, with a root-mean-square speed of 1 inside the area.

    Each is a Gaussian hill of the stream function; centres are spread so that no two of them share a place.
    """
    x, y = patch.centres()
    stream = np.zeros_like(x)
    radius = min(0.16 * patch.unit, 0.35 * max(patch.width, patch.height))
    free = soft.copy()
    sign = 1.0 if rng.random() < 0.5 else -1.0
    for _ in range(12):
        if free.max() < 0.3:
            break
        row, column = np.unravel_index(int(np.argmax(free * rng.random(free.shape))), free.shape)
        size = radius * rng.uniform(0.55, 1.0)
        squared = (x - x[row, column]) ** 2 + (y - y[row, column]) ** 2
        stream += (sign * size * np.exp(-squared / (2.0 * (0.5 * size) ** 2))).astype(np.float32)
        free *= (1.0 - np.exp(-squared / (2.0 * (0.8 * size) ** 2))).astype(np.float32)
        sign = -sign
    return _of_unit_speed(curl(stream * soft, patch), soft)


def _of_unit_speed(velocity: Field, soft: Field) -> Field:
    """`velocity` scaled to a root-mean-square speed of 1 where `soft` is high, with the fastest places held back."""
    squared = (velocity**2).sum(axis=2)
    mean = float((squared * soft).sum() / max(float(soft.sum()), 1e-6))
    scaled = velocity / max(np.sqrt(mean), 1e-9)
    speed = np.sqrt((scaled**2).sum(axis=2, keepdims=True))
    return np.asarray(scaled / np.sqrt(1.0 + (speed / 2.5) ** 2), dtype=np.float32)


def path_polynomial(velocity: Field, patch: Patch, reach: float) -> Field:
    """Where what is seen at each cell came from, as a polynomial of time: shape (3, rows, columns, 2), in pixels.

    The offset at time s * reach, s from -1 to 1, is a s + b s^2 + c s^3. Paths run against the velocity (pixels per
    frame): they follow the vortices and stop at the area's edge instead of crossing it. `reach` is in frames.
    """
    times, offsets = [0.0], [np.zeros_like(velocity)]
    for sign in (-1.0, 1.0):
        offset = np.zeros_like(velocity)
        step = -sign * reach / INTEGRATION_STEPS
        for number in range(1, INTEGRATION_STEPS + 1):
            middle = offset + 0.5 * step * _sample(velocity, offset, patch)
            offset = offset + step * _sample(velocity, middle, patch)
            times.append(sign * number / INTEGRATION_STEPS)
            offsets.append(offset)
    powers = np.array([[s, s**2, s**3] for s in times])
    flat = np.array(offsets, dtype=np.float32).reshape(len(times), -1)
    return (np.linalg.pinv(powers).astype(np.float32) @ flat).reshape(3, *velocity.shape)


def _sample(velocity: Field, offset: Field, patch: Patch) -> Field:
    """The velocity at each cell's centre plus `offset` pixels."""
    column, row = np.meshgrid(np.arange(patch.columns), np.arange(patch.rows))
    x = (column + offset[..., 0] * patch.columns / patch.width).astype(np.float32)
    y = (row + offset[..., 1] * patch.rows / patch.height).astype(np.float32)
    return np.asarray(cv2.remap(velocity, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)
