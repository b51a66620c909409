"""The stage `interpolate`: from pictures along the way to all frames of a transition."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipeline.cache import cache_key
from pipeline.catalogue import get_helper
from pipeline.choices import InterpolationMethod
from pipeline.context import Context, Way
from pipeline.engines.interpolators import get_method
from pipeline.environment import PIXEL_PACKAGES, package_version
from pipeline.frames import Frame, FrameStream, PictureKey, pixel_digest
from pipeline.interpolation.method import Method
from pipeline.morphing import CAMERA, Film, positions
from pipeline.settings import Settings


@dataclass(frozen=True)
class Route:
    """Pictures at equal steps of the way, by what tells them from all others, and how each maps to the next.

    Homographies lead from pixels of a picture to pixels of the next; None where that is not known. `are_cropped`:
    the pictures between the images show the common crop already.
    """

    pictures: tuple[PictureKey, ...]
    homographies: tuple[NDArray[np.float64] | None, ...]
    are_cropped: bool = False


@dataclass(frozen=True)
class Anchors:
    """The pictures themselves, the two images first and last; see `Route`. `keys` are theirs, where they are known."""

    pictures: tuple[Frame, ...]
    homographies: tuple[NDArray[np.float64] | None, ...]
    are_cropped: bool = False
    keys: tuple[PictureKey, ...] | None = None

    @property
    def route(self) -> Route:
        """The way without the pictures, whose pixels are digested where they have no keys."""
        keys = self.keys or tuple(pixel_digest(each) for each in self.pictures)
        return Route(keys, self.homographies, self.are_cropped)


@dataclass(frozen=True)
class Moved:
    """The frames of a transition, and which way they are made."""

    stream: FrameStream
    way: Way


class Interpolate:
    """Moves from each picture to the next one, in the timing of settings.transition."""

    name = "interpolate"
    version = "1"

    def __call__(self, value: Anchors, settings: Settings, context: Context) -> Moved:
        """Return the frames, which are made while they are read; the first and the last are the images themselves.

        Raises ModelMissing when the weights of the method are not here, before a frame is made.
        """
        wanted = settings.transition
        times = positions(wanted.num_frames, wanted.curve, wanted.hold)
        height, width = value.pictures[0].shape[:2]
        method = get_method(settings.interpolate.method, settings.runtime, lambda said: context.note(self.name, said))
        film = Film(
            value.pictures,
            value.homographies,
            wanted.model_copy(update={"common_crop": wanted.common_crop and not value.are_cropped}),
            None if method.name == InterpolationMethod.FLOW else partial(_single, method),
        )
        made = partial(_released, method, partial(film.frames, times, context.threads, context.check_cancelled))
        stream = self.outline(value.route, settings)
        return Moved(replace(stream, frames=made(), width=width, height=height, again=made), _way(method, film))

    def outline(self, value: Route | None, settings: Settings) -> FrameStream:
        """The film's size, rate, length and key, before any work, from resolved settings.

        It has no key where a network makes the frames, for weights are not told apart, or the way is not known yet.
        """
        width, height, count = settings.prepare.width or 0, settings.prepare.height or 0, settings.transition.num_frames
        flows = settings.interpolate.method is InterpolationMethod.FLOW
        key = _key(value, settings) if flows and value is not None else None
        ends = frozenset({0, count - 1})
        return FrameStream(iter(()), width, height, settings.encode.fps, count, keyframes=ends, key=key)


def _key(value: Route, settings: Settings) -> str:
    """The digest of all that decides the frames."""
    decides = {
        "pictures": list(value.pictures),
        "homographies": [None if each is None else each.tolist() for each in value.homographies],
        "are_cropped": value.are_cropped,
        "settings": settings.transition.model_dump(mode="json", exclude={"engine", "seconds"}),
        "packages": {name: package_version(name) for name in PIXEL_PACKAGES},
    }
    return cache_key(Interpolate.name, Interpolate.version, decides)


def _single(method: Method, frame0: Frame, frame1: Frame, time: float) -> Frame:
    return method.frames(frame0, frame1, (time,))[0]


def _released(method: Method, frames: Callable[[], Iterator[Frame]]) -> Iterator[Frame]:
    """All frames; what the method holds is freed after the last one, or when no more are read."""
    try:
        yield from frames()
    finally:
        method.close()


def _way(method: Method, film: Film) -> Way:
    """How the pictures are led over, and by what."""
    if method.name == InterpolationMethod.FLOW:
        return Way(film.method, film.reason)
    title = get_helper(method.name).title
    if film.method == CAMERA:
        return Way(method.name, f"{title} makes what moves beside the camera, which goes from view to view.")
    return Way(method.name, f"{title} makes the frames between the pictures.")
