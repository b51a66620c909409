"""A film cut into spans, at the ends of which key frames are painted; no span crosses from one shot into another."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.frames import Frame


@dataclass(frozen=True)
class Given:
    """A frame of the film, its ground, which shows where no painting can be had, and whether a shot begins with it."""

    frame: Frame
    ground: Frame
    new_shot: bool = False


@dataclass(frozen=True)
class Span:
    """Successive frames of one shot, from one key frame to the next, both included.

    `number` is that of its first frame in the film, from 0. `goes_on` says that this frame is the last of the span
    before, too.
    """

    number: int
    given: Sequence[Given]
    goes_on: bool

    @property
    def last(self) -> int:
        """The number of its last frame in the film."""
        return self.number + len(self.given) - 1


def spans(film: Iterable[Given], every: int) -> Iterator[Span]:
    """The spans of a film: a key frame every `every` frames, and one on both sides of each cut.

    At most `every + 1` frames are held, while they are read.
    """
    number, held, goes_on = 0, list[Given](), False
    for given in film:
        if given.new_shot and held:
            if len(held) > goes_on:
                yield Span(number, held, goes_on)
            number, held, goes_on = number + len(held), [], False
        held.append(given)
        if len(held) > every:
            yield Span(number, held, goes_on)
            number, held, goes_on = number + len(held) - 1, held[-1:], True
    if len(held) > goes_on:
        yield Span(number, held, goes_on)
