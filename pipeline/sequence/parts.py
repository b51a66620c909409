"""From stretches in seconds to passes of an engine in frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pipeline.lengths import frame_counts
from pipeline.settings import Segment

ENDLESS = 10**6
"""More frames than any video has."""


@dataclass(frozen=True)
class Part:
    """One pass of an engine.

    It makes `num_frames` frames, of which the first `lead` lie over the last ones of the part before, and the first
    `lead` + `fresh` are shown. `segment` counts from 0.
    """

    segment: int
    prompt: str
    num_frames: int
    lead: int
    fresh: int

    @property
    def shown(self) -> int:
        """How many of its frames are used."""
        return self.lead + self.fresh


def split(
    segments: Sequence[Segment], fps: Fraction, overlap: int, longest: int, at_least: Callable[[int], int]
) -> tuple[Part, ...]:
    """Cut stretches into passes that the engine can make.

    `at_least` is the smallest number of frames from some number on that the engine makes, or its largest; a pass has
    about `longest` at the most. `overlap` frames lie over those of the part before, and one more where they meet: the
    frame that a part begins with is shown already.
    """
    parts: list[Part] = []
    most = at_least(ENDLESS)
    for number, (segment, count) in enumerate(zip(segments, frame_counts(segments, fps), strict=True)):
        left = count
        while left > 0:
            # A part gives no more away than it shows, and the next one needs a frame of its own.
            lead = min(overlap + 1, parts[-1].shown, most - 1) if parts else 0
            made = at_least(min(left + lead, max(longest, lead + 1)))
            fresh = min(made - lead, left)
            parts.append(Part(number, segment.prompt, made, lead, fresh))
            left -= fresh
    return tuple(parts)
