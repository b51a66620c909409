"""How long stages wait for each other while frames stream through them, and how long the encoder has left."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pipeline.context import Event, Progress, Way
from pipeline.frames import Frame, FrameStream


@dataclass
class Timed:
    """Measures how long the reader of a stream waits for its frames."""

    stream: FrameStream
    seconds: float = 0.0

    def frames(self) -> Iterator[Frame]:
        """Yield the stream's frames, adding up the waiting time; closes the stream when closed."""
        source = self.stream.frames
        try:
            while True:
                before = time.monotonic()
                frame = next(source, None)
                self.seconds += time.monotonic() - before
                if frame is None:
                    return
                yield frame
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()


@dataclass(frozen=True)
class Wait:
    """Which stage makes frames, in which way, and how long its reader waited; None where that is the encoder."""

    stage: str
    way: Way
    timed: Timed | None = None


class Pace:
    """Adds the seconds left to the progress of the encoder, from the pace so far."""

    def __init__(self, listen: Callable[[Event], None], clock: Callable[[], float]) -> None:
        self._listen, self._clock, self._start = listen, clock, clock()

    def __call__(self, progress: Progress) -> None:
        """Hand progress on."""
        elapsed = self._clock() - self._start
        left = elapsed / progress.done * (progress.total - progress.done) if progress.done else None
        self._listen(replace(progress, seconds_left=left))
