"""The paintings of two key frames carried to the frames between them, along the film's own motion.

What moves is the film, so the paintings move as it does: each pixel of a frame is followed, step by step, to where it
was in the key frame before and to where it will be in the one after. It takes the colours that were painted there, more
of the nearer one. A pixel that cannot be followed, for it was hidden, lies outside or looks different there, takes none
of them; where neither painting can be had, the frame's own ground shows through, softly, in the paintings' colours.

In the manner of O. Jamriska et al., "Stylizing video by example" (SIGGRAPH 2019), which spreads painted key frames over
a film too; but by plain warping along dense flow, so that it works while the film is read.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Frame
from pipeline.optical_flow import Flow, Grey, dense_flow, luma, pixel_places, sample
from pipeline.style.palette import ColourMap, learned
from pipeline.style.spans import Span
from pipeline.workers import in_order

FLOW_PIXELS = 230_400
"""About the size of the pictures in which motion is searched (640 x 360): a larger film has the same motion, and what
is kept of a span's motion does not grow with the film's size."""

MISSED = (0.7, 0.1)
"""Pixels of those pictures, and share of the way, by which a step back and forth may miss its beginning; what misses by
twice as much is not trusted at all. Flow at a full stop is exact to a few hundredths of a pixel, at occlusions it
misses by many."""

UNLIKE = (14.0, 0.35)
"""Difference in 8-bit levels, and in deviations of the detail there, around a pixel and beside that of its
surroundings, up to which it looks the same in the key frame; from twice as much on it is taken for something else. Two
unrelated textures differ by 1.1 deviations."""

CALM, SAME = 1.5, 5.0
"""Deviation in 8-bit levels around a pixel up to which nothing can be told of its motion, nor need be: where it came
from looks just the same, as long as its luma differs by no more than the second figure. From twice as much on, it
must be told."""

EVEN = (1 / 30, 20.0)
"""Radius in shorter sides of those pictures, and contrast in 8-bit levels, of the guided filter that motion passes:
within edges of more contrast it is evened out. Left as it is, its noise on a plain wall adds up from step to step, and
curdles the strokes that were painted there."""

STRONGER = 1.6
"""The most that detail is raised again where two paintings disagree and their mixture would fade."""

_NEIGHBOURHOOD, _SURROUNDINGS, _WINDOW, _DETAIL = 5, 161, 7, 9
"""Sides in pixels of the windows in which likeness is looked at, from which light is told, of calm places, and below
which something is detail."""

_SOFT = 2.0
"""Blur of trust in pixels of those pictures: a painting ends softly."""

_Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Step:
    """The motion between two successive frames: `there` from the first to the second, and `back`. `ends` are both."""

    there: Flow
    back: Flow
    ends: tuple[Grey, Grey]

    @property
    def reversed(self) -> "Step":
        """The same step in a film that runs backwards."""
        return Step(self.back, self.there, self.ends[::-1])


@dataclass(frozen=True)
class Trail:
    """Where each pixel of a frame is in a key frame: that far away, in pixels; `trust` in it is from 0 to 1."""

    shift: Flow
    trust: _Plane


@dataclass(frozen=True)
class _Paintings:
    """The paintings of a span's ends, and the maps that give any ground of the span their colours."""

    ends: tuple[Frame | None, Frame | None]
    colours: tuple[ColourMap, ColourMap]

    @classmethod
    def of(cls, span: Span, first: Frame | None, last: Frame | None) -> "_Paintings":
        """Where a painting could not be had, the ground keeps its own colours."""
        start, end = span.given[0].ground, span.given[-1].ground
        maps = learned(start, start if first is None else first), learned(end, end if last is None else last)
        return cls((first, last), maps)

    def coloured(self, ground: Frame, share: float) -> Frame:
        """A ground in the colours of the paintings, `share` of those of the last one."""
        return self.colours[0].towards(self.colours[1], share)(ground)


def carried(span: Span, first: Frame | None, last: Frame | None, workers: int) -> Generator[Frame]:
    """The frames of a span, painted: `first` and `last` are the paintings of its first and last frame.

    None is a painting that could not be had: towards its place the other one fades into the ground. `workers` threads
    work. All pictures have one size. Beside the span and its paintings, some planes of FLOW_PIXELS are held for each of
    its frames.
    """
    if len(span.given) == 1 or (first is None and last is None):
        yield from (given.ground if first is None else first for given in span.given)
        return
    paintings = _Paintings.of(span, first, last)
    greys = [_small(given.frame) for given in span.given]
    steps = list(in_order(lambda number: _step(greys[number], greys[number + 1]), range(len(greys) - 1), workers))
    after = list(trails(step.reversed for step in reversed(steps)))
    pairs = zip(trails(steps), reversed(after), strict=True)
    render = partial(_rendered, span, greys, paintings)
    yield from in_order(lambda item: render(*item), enumerate(pairs), workers)


def trails(steps: Iterable[Step]) -> Iterator[Trail]:
    """The trail of each frame to the key frame that the first step begins with, that frame itself included.

    Trust ends where a step does not lead back to its beginning, and it never comes again further on.
    """
    trail = None
    for step in steps:
        if trail is None:
            trail = Trail(np.zeros_like(step.back), np.ones(step.back.shape[:2], np.float32))
            yield trail
        height, width = step.back.shape[:2]
        places = pixel_places(range(height), width) + step.back
        shift = step.back + sample(trail.shift, places)
        trail = Trail(shift, _returns(step, places) * sample(trail.trust, places, border=cv2.BORDER_CONSTANT))
        yield trail


def _step(first: Grey, second: Grey) -> Step:
    return Step(
        _evened(dense_flow(first, second, 0), first), _evened(dense_flow(second, first, 0), second), (first, second)
    )


def _evened(flow: Flow, grey: Grey) -> Flow:
    """Motion that changes where the picture has edges (K. He et al., "Guided image filtering", PAMI 2013)."""
    radius = max(1, round(EVEN[0] * min(grey.shape)))
    return np.asarray(cv2.ximgproc.guidedFilter(grey, flow, radius, EVEN[1] ** 2), np.float32)


def _returns(step: Step, places: Flow) -> _Plane:
    """Trust in a step back: 1 where the step there leads to its beginning again, 0 where it misses it by far.

    Calm places are trusted as well, where the step leads to one that looks the same.
    """
    missed = step.back + sample(step.there, places)
    miss, way = (cv2.magnitude(*cv2.split(vectors)) for vectors in (missed, step.back))
    first, second = (grey.astype(np.float32) for grey in step.ends)
    calm = _calm(second) * _fallen(np.abs(second - sample(first, places)) / np.float32(SAME))
    led = _fallen(miss / (np.float32(MISSED[0]) + np.float32(MISSED[1]) * way))
    return np.asarray(np.maximum(led, calm), np.float32)


def _calm(grey: _Plane) -> _Plane:
    """1 where a picture has no texture that motion could be told by, 0 where it has."""
    window = (_WINDOW, _WINDOW)
    mean, squared = cv2.blur(grey, window), cv2.blur(grey * grey, window)
    return _fallen(np.asarray(np.sqrt(np.maximum(squared - mean * mean, 0)), np.float32) / np.float32(CALM))


def _rendered(span: Span, greys: list[Grey], paintings: _Paintings, number: int, ways: tuple[Trail, Trail]) -> Frame:
    """Frame `number` of a span, from the paintings and their trails."""
    here, end = span.given[number], len(greys) - 1
    if number in (0, end) and (whole := paintings.ends[number // end]) is not None:
        return whole
    size = here.frame.shape[1], here.frame.shape[0]
    weights, layers = [], []
    for painting, trail, grey, share in zip(
        paintings.ends, ways, (greys[0], greys[-1]), (1 - number / end, number / end), strict=True
    ):
        if painting is not None:
            trust = _soft(trail.trust * _likeness(greys[number], grey, trail.shift))
            weights.append((_full(trust, size), np.float32(share)))
            layers.append(_warped(painting, trail.shift))
    painted, covered = layers[0], weights[0][0] * weights[0][1]
    if len(layers) == 2:
        painted = _blended(layers, [trust * share for trust, share in weights])
        covered = np.maximum(weights[0][0], weights[1][0])
    ground = paintings.coloured(here.ground, number / end)
    return np.asarray(cv2.blendLinear(painted, ground, covered, 1 - covered), np.uint8)


def _blended(layers: list[Frame], weights: list[_Plane]) -> Frame:
    """Two layers mixed, with as much detail as they have in the mean.

    Where they show the same, nothing is changed. The mixture of strokes that lie elsewhere is fainter than either.
    """
    mixed = np.asarray(cv2.blendLinear(*layers, *weights), np.uint8)
    share = weights[1] / np.maximum(weights[0] + weights[1], np.float32(1e-6))
    strengths = [_detail(luma(layer)) for layer in layers]
    wanted = strengths[0] + share * (strengths[1] - strengths[0])
    gain = np.clip(wanted / np.maximum(_detail(luma(mixed)), np.float32(1)), 1, np.float32(STRONGER))
    colours = mixed.astype(np.float32)
    smooth = cv2.blur(colours, (_DETAIL, _DETAIL))
    return np.asarray(cv2.convertScaleAbs(np.maximum(smooth + gain[..., None] * (colours - smooth), 0)), np.uint8)


def _detail(grey: Grey) -> _Plane:
    """The deviation of a picture from its surroundings, around each pixel."""
    window, plane = (_DETAIL, _DETAIL), grey.astype(np.float32)
    fine = plane - cv2.blur(plane, window)
    return np.asarray(cv2.sqrt(cv2.blur(fine * fine, window)), np.float32)


def _warped(painting: Frame, shift: Flow) -> Frame:
    """The painting as a frame sees it, whose pixels are that far away in it."""
    height, width = painting.shape[:2]
    scale = np.array([width / shift.shape[1], height / shift.shape[0]], np.float32)
    return sample(painting, pixel_places(range(height), width) + _full(shift, (width, height)) * scale, cv2.INTER_CUBIC)


def _likeness(here: Grey, key: Grey, shift: Flow) -> _Plane:
    """1 where a pixel and its place in the key frame look the same but for the light, 0 where they do not."""
    places = pixel_places(range(len(here)), here.shape[1]) + shift
    apart = here.astype(np.float32) - sample(key, places).astype(np.float32)
    apart -= cv2.blur(apart, (_SURROUNDINGS, _SURROUNDINGS))
    unlike = cv2.blur(np.abs(apart), (_NEIGHBOURHOOD, _NEIGHBOURHOOD))
    bound = np.float32(UNLIKE[0]) + np.float32(UNLIKE[1]) * _detail(here)
    return _fallen(np.asarray(unlike / bound, np.float32))


def _fallen(excess: _Plane) -> _Plane:
    """1 up to an excess of 1, and evenly down to 0 at 2."""
    return np.asarray(np.clip(np.float32(2) - excess, 0, 1), np.float32)


def _soft(trust: _Plane) -> _Plane:
    """Trust that is lost a little earlier, and softly."""
    least = cv2.erode(trust, np.ones((3, 3), np.uint8))
    return np.asarray(np.minimum(cv2.GaussianBlur(least, (0, 0), _SOFT), trust), np.float32)


def _small(frame: Frame) -> Grey:
    """The luma of a frame, in the size in which motion is searched."""
    grey = luma(frame)
    height, width = grey.shape
    scale = (FLOW_PIXELS / (height * width)) ** 0.5
    if scale >= 1:
        return grey
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _full(plane: _Plane, size: tuple[int, int]) -> _Plane:
    """A plane in the film's size, width and height."""
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32)
