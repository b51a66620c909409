"""What is painted where on the way: how strongly, in how many steps, by which words, and at which size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_STRENGTH = 0.02
"""Below this nothing is painted: what so little noise hides, no model paints anew."""

LEAST_STEPS = 8
"""Steps that a key frame is given at any strength, unless fewer are asked for in all."""

STEP = 8
"""Sides are multiples of this many pixels: one latent position of the autoencoder."""

LEAST_SIDE = 64
"""Shortest side in pixels that is worked at."""

SMALLEST, LARGEST = 0.75, 1.5
"""Areas worked at, in areas of the square that the model was trained for.

In fewer pixels the model has never seen whole scenes; in more, shapes repeat.
"""


@dataclass(frozen=True)
class Words:
    """What a key frame shows: the way from one prompt to the next, of which `share` (0 to below 1) is gone."""

    first: str
    second: str
    share: float

    @property
    def nearest(self) -> str:
        """The prompt that has the larger part in it."""
        return self.first if self.share < 0.5 else self.second


def strength_at(time: float, strongest: float) -> float:
    """How much is painted anew at a time from 0 to 1: nothing at both ends, `strongest` in the middle.

    4 t (1 - t): the product of both images' shares, so as much as the morph is a mixture of two pictures there.
    """
    return strongest * 4.0 * time * (1.0 - time)


def total_steps(strength: float, steps: int) -> int:
    """The number of steps to ask a pipeline for, of which it runs the last `int(total * strength)`.

    That is `steps`, or more where so few would be run that the painting stays coarse: the noise is the same, and it is
    taken away in at least LEAST_STEPS steps, or in all of `steps` where that is less. `strength` is at least
    LEAST_STRENGTH.
    """
    least = min(LEAST_STEPS, steps)
    total = max(steps, math.ceil(least / strength))
    return total if int(total * strength) >= least else total + 1  # 5 / 0.1 may give 49.999...


def words_at(number: int, count: int, prompts: Sequence[str]) -> Words:
    """The words for key frame `number` (from 0) of `count`: the prompts are spread evenly over the key frames.

    With as many prompts as key frames each has its own; a single key frame lies in the middle of the prompts. No
    prompts count as an empty one.
    """
    texts = tuple(prompts) or ("",)
    last = len(texts) - 1
    place = number * last / (count - 1) if count > 1 else last / 2
    before = min(int(place), last)
    return Words(texts[before], texts[min(before + 1, last)], place - before)


def working_size(width: int, height: int, native: int) -> tuple[int, int]:
    """Width and height to paint a picture at: its own, as near as the model's strides and its training allow.

    `native` is the side of the square that the model was trained for. The area of smaller pictures is raised to
    SMALLEST times that of the square, the area of larger ones lowered to LARGEST times.
    """
    area = min(max(width * height, SMALLEST * native**2), LARGEST * native**2)
    scale = math.sqrt(area / (width * height))
    return snapped(width * scale), snapped(height * scale)


def snapped(pixels: float) -> int:
    """The nearest side that can be worked at."""
    return max(round(pixels / STEP) * STEP, LEAST_SIDE)
