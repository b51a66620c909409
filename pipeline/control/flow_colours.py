"""Optical flow as colours, on which models are trained that take motion as a picture."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.optical_flow import Flow, dense_flow, luma

WHEEL = ((0, 255, 0, 0), (15, 255, 255, 0), (21, 0, 255, 0), (25, 0, 255, 255), (36, 0, 0, 255), (49, 255, 0, 255))
"""Steps of the colour wheel at which pure colours stand, of 55, and their red, green and blue. From Baker et al., "A
Database and Evaluation Methodology for Optical Flow" (IJCV 2011): hues that look evenly spaced."""

STEPS = 55

FASTEST = 0.99
"""Share of a clip's pixels that move slower than what gets full colours; the few faster ones get them too."""

STILL = 1.0
"""Pixels a frame that get full colours at the least: where nothing moves, noise must not be shown as motion."""


def flow_clip(frames: Sequence[Frame]) -> list[Frame]:
    """The motion to each frame from the one before in the colours of WHEEL, white where nothing moves.

    One scale holds for the whole clip. The first frame, which comes from nowhere, is the second one again, as in the
    clips that models are trained on.
    """
    if len(frames) < 2:
        return [np.full_like(frame, 255) for frame in frames]
    # Kept in half precision: the scale is known when all are.
    flows = [flow.astype(np.float16) for flow in _flows(frames)]
    speeds = np.concatenate([np.hypot(*_parts(flow[::4, ::4])).ravel() for flow in flows])
    fastest = max(float(np.quantile(speeds, FASTEST)), STILL)
    shown = [coloured(flow.astype(np.float32) / np.float32(fastest)) for flow in flows]
    return [shown[0], *shown]


def coloured(flow: Flow) -> Frame:
    """Displacements, of which length 1 and more gets full colours, as colours of their direction."""
    across, down = _parts(flow)
    places = (np.arctan2(-down, -across) / np.pi + 1) / 2 * (STEPS - 1)
    full = _on_wheel(places.astype(np.float32))
    strength = np.minimum(np.hypot(across, down), 1.0)[..., None]
    return np.rint(255 - strength * (255 - full)).astype(np.uint8)


def _flows(frames: Sequence[Frame]) -> Iterator[Flow]:
    greys = (luma(frame) for frame in frames)
    for first, second in pairwise(greys):
        yield dense_flow(first, second)


def _parts(flow: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return flow[..., 0].astype(np.float32), flow[..., 1].astype(np.float32)


def _on_wheel(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Red, green and blue at places of the wheel, between its pure colours by proportion."""
    wheel = np.array([*WHEEL, (STEPS, *WHEEL[0][1:])], np.float32)
    channels = [np.interp(places, wheel[:, 0], wheel[:, channel]) for channel in (1, 2, 3)]
    return np.stack(channels, axis=-1).astype(np.float32)
