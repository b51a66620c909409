"""Doubles raw frames in a file by the method `flow`, and throws them away: `python -m benchmarks.double_raw FILE W H`.

It imports no more than the method itself needs, so that its start costs next to nothing.
"""

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from pipeline.interpolation.film import passages, retimed
from pipeline.interpolation.method import FlowMethod
from pipeline.interpolation.scenes import Found, Sight


def main() -> None:
    """Make 2 N - 1 frames of N, with the search for cuts and repeats, as the command does."""
    raw, width, height = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    count = raw.stat().st_size // (3 * width * height)
    times = (Fraction(number, 2) for number in range(2 * count - 1))
    for _ in retimed(passages(_sights(raw, width, height), Found()), times, FlowMethod()):
        pass


def _sights(raw: Path, width: int, height: int) -> Iterator[Sight]:
    with raw.open("rb") as file:
        number = 0
        while data := file.read(3 * width * height):
            yield Sight(Fraction(number), np.frombuffer(data, np.uint8).reshape(height, width, 3))
            number += 1


if __name__ == "__main__":
    main()
