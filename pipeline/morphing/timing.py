"""When each frame of a passage is: the curve of its speed, and the rest at both ends."""

from collections.abc import Callable

from pipeline.choices import Curve

LONGEST_HOLD = 0.45
"""Share of the duration that each end may rest for at most, so that a tenth is left to move in."""

_CURVES: dict[Curve, Callable[[float], float]] = {
    Curve.LINEAR: lambda x: x,
    Curve.EASE: lambda x: x * x * (3.0 - 2.0 * x),
    Curve.EASE_IN: lambda x: x * x,
    Curve.EASE_OUT: lambda x: x * (2.0 - x),
}


def positions(count: int, curve: Curve, hold: float) -> list[float]:
    """The time of each of `count` frames, never falling; the first is exactly 0.0 and the last exactly 1.0.

    `hold` is the share of the duration that rests at each end, from 0 to LONGEST_HOLD. Raises ValueError for fewer
    than two frames and for a hold outside of its range.
    """
    if count < 2:
        raise ValueError(f"a passage has two frames or more, but {count} were asked for")
    if not 0.0 <= hold <= LONGEST_HOLD:
        raise ValueError(f"each end may rest for 0 to {LONGEST_HOLD} of the duration, but {hold} was given")
    moving = 1.0 - 2.0 * hold
    even = (min(max((index / (count - 1) - hold) / moving, 0.0), 1.0) for index in range(1, count - 1))
    return [0.0, *(_CURVES[curve](time) for time in even), 1.0]
