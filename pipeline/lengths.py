"""How many frames a video has."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from pipeline.settings import InterpolateSettings, Segment, Settings


def film_length(settings: Settings) -> int:
    """Frames that a resolved animation has: those of its segments, or of its one clip."""
    animate = settings.animate
    return sum(frame_counts(animate.segments, settings.encode.fps)) if animate.segments else animate.num_frames


def frame_counts(segments: Sequence[Segment], fps: Fraction) -> Iterator[int]:
    """Frames of each segment, at least one. Ends are rounded, not lengths: many short ones do not add up an error."""
    end, seconds = 0, Fraction(0)
    for segment in segments:
        seconds += Fraction(segment.seconds).limit_denominator(1000)
        until = max(end + 1, round(seconds * fps))
        yield until - end
        end = until


def outgoing(count: int, fps: Fraction, wanted: InterpolateSettings) -> tuple[Fraction, int]:
    """Frames per second, and frames, that a film of `count` frames at `fps` goes out with.

    With a rate the length stays what it is; with a factor (count - 1) * factor + 1 frames play that much faster.
    """
    if wanted.fps is not None:
        return wanted.fps, max(1, round(count * wanted.fps / fps))
    return fps * wanted.factor, (count - 1) * wanted.factor + 1
