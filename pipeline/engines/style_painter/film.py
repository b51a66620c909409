"""A film painted over while it is read: key frame by key frame, and the frames between them."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from fractions import Fraction

from pipeline.frames import Frame
from pipeline.interpolation.scenes import Found, Marked, Sight, with_cuts
from pipeline.style.carry import carried
from pipeline.style.spans import Given, spans

Paint = Callable[[int, Frame], Frame | None]
"""Paints over the ground of the key frame of that number, from 0; None where no painting can be had."""

Grounds = Callable[[Iterable[Frame]], Iterator[Frame]]
"""What the film is painted over, one ground for each frame, in order; it may read a few frames ahead."""


def given(frames: Iterable[Frame], grounds: Grounds) -> Iterator[Given]:
    """The frames of a film with their grounds, and which of them begin a shot."""
    ahead: deque[Marked] = deque()

    def watched() -> Iterator[Frame]:
        sights = (Sight(Fraction(number), frame) for number, frame in enumerate(frames))
        for marked in with_cuts(sights, Found()):
            ahead.append(marked)
            yield marked.sight.frame

    for ground in grounds(watched()):
        marked = ahead.popleft()
        yield Given(marked.sight.frame, ground, marked.new_scene)


def painted_over(film: Iterable[Given], every: int, paint: Paint, workers: int) -> Generator[tuple[Given, Frame]]:
    """Each frame, and it painted: a key frame every `every` frames and on both sides of each cut, others from those.

    Each key frame is painted once, when the span before it is due. Memory grows with `every`, not with the film.
    """
    last = None
    for span in spans(film, every):
        first = last if span.goes_on else paint(span.number, span.given[0].ground)
        last = first if len(span.given) == 1 else paint(span.last, span.given[-1].ground)
        made = carried(span, first, last, workers)
        for number, pair in enumerate(zip(span.given, made, strict=True)):
            if number or not span.goes_on:
                yield pair
