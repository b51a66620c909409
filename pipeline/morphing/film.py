"""The way through two or more pictures, made while it is read."""

import threading
from collections.abc import Callable, Iterator, Sequence

from pipeline.frames import Frame, render_in_order
from pipeline.morphing.matrices import Matrix
from pipeline.morphing.passage import Maker, Passage
from pipeline.morphing.survey import joined_verdict
from pipeline.transition_settings import TransitionSettings

_KEPT = 2
"""Passages whose motion is held in memory: the one that is read, and the next."""


class Film:
    """The way through two or more pictures of one size, which stand at equal spacing in time.

    `homographies` lead from each picture to the next, or are None where those were not aligned. `method` and `reason`
    say how the pictures are led over, before any frame is made. A `maker` is what `Passage` takes. Raises ValueError
    when there are fewer than two pictures, when the homographies are not one fewer, and when the sizes differ.
    """

    def __init__(
        self,
        anchors: Sequence[Frame],
        homographies: Sequence[Matrix | None],
        options: TransitionSettings,
        maker: Maker | None = None,
    ) -> None:
        if len(anchors) < 2 or len(homographies) != len(anchors) - 1:
            raise ValueError(
                f"two or more pictures and a homography between each two are needed, but there are {len(anchors)} and"
                f" {len(homographies)}"
            )
        self._anchors = tuple(anchors)
        self._homographies = tuple(homographies)
        self._options = options
        self._maker = maker
        self._lock = threading.Lock()
        self._passages: dict[int, Passage] = {}
        passages = map(self._passage, range(self._parts))
        self.method, self.reason = joined_verdict([(passage.method, passage.reason) for passage in passages])

    def frames(self, times: Sequence[float], workers: int, check: Callable[[], None]) -> Iterator[Frame]:
        """The frames at `times`, each from 0 (the first picture itself) to 1 (the last), in order.

        They are made while they are read, by `workers` threads. `check` is called before each one; what it raises
        ends the film.
        """

        def made(index: int) -> Frame:
            check()
            return self._at(times[index])

        return render_in_order(made, len(times), workers)

    @property
    def _parts(self) -> int:
        return len(self._homographies)

    def _at(self, time: float) -> Frame:
        part = min(int(time * self._parts), self._parts - 1)
        return self._passage(part).at(min(max(time * self._parts - part, 0.0), 1.0))

    def _passage(self, part: int) -> Passage:
        """The passage of a part; those that were used longest ago are forgotten."""
        with self._lock:
            passage = self._passages.pop(part, None)
            if passage is None:
                before, after = self._anchors[part : part + 2]
                passage = Passage(before, after, self._homographies[part], self._options, self._maker)
            self._passages[part] = passage
            while len(self._passages) > _KEPT:
                del self._passages[next(iter(self._passages))]
            return passage
