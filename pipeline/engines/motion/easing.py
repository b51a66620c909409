"""How the camera's speed changes over the clip.

The speed is that of a camera on a slider: it rises along a raised cosine, stays constant, and falls in the same way.
Speed and acceleration are continuous at both ramps, and the long constant middle keeps a slow move from feeling as if
it never got going, as an S-curve over the whole clip does.
"""

import math

from pipeline.motion_plan import Easing

_RAMPS = {
    Easing.LINEAR: (0.0, 0.0),
    Easing.EASE_IN: (0.4, 0.0),
    Easing.EASE_OUT: (0.0, 0.4),
    Easing.EASE_IN_OUT: (0.3, 0.3),
}
"""The parts of the clip in which the camera starts and stops."""

_TURNING_RAMPS = dict.fromkeys(Easing, (0.3, 0.3)) | {Easing.LINEAR: (0.1, 0.1)}
"""The same for each way of a loop, where the camera turns at both ends and so must stop at both."""


def ease(easing: Easing, time: float) -> float:
    """The part of the travel that is done at `time`; both run from 0 to 1."""
    return _travel(*_RAMPS[easing], time)


def ease_there_and_back(easing: Easing, time: float) -> float:
    """The same for a loop: 0 at times 0 and 1, and 1 at half time, smooth at the turns."""
    return _travel(*_TURNING_RAMPS[easing], 1 - abs(1 - 2 * time))


def _travel(start: float, stop: float, time: float) -> float:
    full_speed = 1 / (1 - (start + stop) / 2)
    if time < start:
        return full_speed * _ramp(time, start)
    if time > 1 - stop:
        return 1 - full_speed * _ramp(1 - time, stop)
    return full_speed * (time - start / 2)


def _ramp(time: float, duration: float) -> float:
    """Distance after `time` when the speed rises from 0 to 1 as sin^2 within `duration`."""
    return time / 2 - duration / (2 * math.pi) * math.sin(math.pi * time / duration)
