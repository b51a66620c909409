"""The stage that puts new frames between those of a film, so that it goes out at a higher rate."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from functools import partial

from pipeline.cache import cache_key
from pipeline.choices import InterpolationMethod
from pipeline.context import Context, Way
from pipeline.engines.interpolators import get_method
from pipeline.frames import Frame, FrameStream
from pipeline.interpolation.film import passages, retimed
from pipeline.interpolation.method import Method
from pipeline.interpolation.scenes import Found, Sight
from pipeline.lengths import outgoing
from pipeline.settings import Settings


class Smooth:
    """Interpolates while the stream is read. Stands in records as `interpolate`."""

    name = "interpolate"
    version = "3"

    def way(self, settings: Settings) -> Way:
        """Which way it takes."""
        wanted = settings.interpolate
        aim = f"{wanted.factor} times as many frames"
        if wanted.fps is not None:
            aim = f"{float(wanted.fps):g} frames per second"
        return Way(wanted.method.value, f"You asked for {aim} from {float(settings.encode.fps):g} per second.")

    def check(self, settings: Settings) -> None:
        """Raise ModelMissing when the weights of the method are wanted and not here."""
        wanted = settings.interpolate
        if wanted.factor > 1 or wanted.fps is not None:
            get_method(wanted.method, settings.runtime, lambda _: None)

    def __call__(self, value: FrameStream, settings: Settings, context: Context) -> FrameStream:
        """Return the film at the rate that is asked for; the film itself where it has that rate.

        Every frame stays at its time, and the last one stays as long as it did. Raises InvalidSetting, and ModelMissing
        when the weights of the method are not here, before a frame is made.
        """
        outline = self.outline(value, settings)
        if outline is value:
            return value
        fps, count = outline.fps, outline.count
        method = get_method(settings.interpolate.method, settings.runtime, lambda said: context.note(self.name, said))

        def made(source: Callable[[], Iterator[Frame]]) -> Iterator[Frame]:
            return _between(source(), value.fps, fps, count, _Work(method, context))

        again = value.again
        again = None if again is None else partial(made, again)
        return replace(outline, frames=made(lambda: value.frames), again=again)

    def outline(self, value: FrameStream, settings: Settings) -> FrameStream:
        """The film's rate, length and key as they will be; the film itself where it has that rate."""
        fps, count = outgoing(value.count, value.fps, settings.interpolate)
        if (fps, count) == (value.fps, value.count):
            return value
        keyframes = frozenset(round(number / value.fps * fps) for number in value.keyframes)
        key = self._key(value, fps, count, settings)
        return replace(value, fps=fps, count=count, keyframes=keyframes, key=key)

    def _key(self, value: FrameStream, fps: Fraction, count: int, settings: Settings) -> str | None:
        wanted = settings.interpolate.method
        if value.key is None or wanted is not InterpolationMethod.FLOW:
            return None  # weights in files of the user's are not told apart
        decides = {"frames": value.key, "from": str(value.fps), "to": str(fps), "count": count}
        return cache_key(self.name, self.version, decides)


class _Work:
    """The method, and the run that it works for."""

    def __init__(self, method: Method, context: Context) -> None:
        self.method, self.context = method, context


def _between(source: Iterator[Frame], old: Fraction, new: Fraction, count: int, work: _Work) -> Iterator[Frame]:
    """The frames of a film at another rate: frame k shows the time k / new."""
    sights = (Sight(number / old, frame) for number, frame in enumerate(source))
    # A still scene of an engine is meant, and no sign of frames that were doubled.
    rows = passages(sights, Found(), repeats=False)
    try:
        with closing(
            retimed(rows, (number / new for number in range(count)), work.method, work.context.threads)
        ) as made:
            for frame in made:
                work.context.check_cancelled()
                yield frame
    finally:
        work.method.close()
