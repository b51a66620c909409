"""Eulerian flow: what is in a region streams on for ever, though the still shows only one moment of it.

A steady velocity field carries the picture. Because a still runs out of picture, two copies of it flow half a period
apart; each starts behind its true place, passes it in the middle of its life and fades away ahead of it, while the
other one takes over (Holynski et al., "Animating pictures with Eulerian motion fields", CVPR 2021, with the two-phase
flow maps of Vlachos, "Water flow in Portal 2", SIGGRAPH 2010). Three things keep the eye from seeing the seam: each
copy is shown nearest to its true place, the copies change over at other moments in other places, and the detail that
two blended copies lose is given back.
"""

import math

import cv2
import numpy as np

from pipeline.engines.motion.flow_style import FLOW_STYLES, FlowStyle
from pipeline.engines.motion.oscillation import Clock, Oscillation, Wave
from pipeline.engines.motion.patch import Field, Patch, blend, smoothstep
from pipeline.engines.motion.points import FEW, find_points, split_light
from pipeline.engines.motion.velocity import flow_velocity, path_polynomial, recession, smooth_noise
from pipeline.frames import Frame
from pipeline.motion_plan import FRAMES_PER_UNIT_TIME, Region, RegionKind

CROSSFADE = 0.32
"""Half of the part of a half-period in which the copies change over: less is sharper, more is smoother."""

STAGGER = 0.35
"""How far apart in time, in periods, places change over."""

LIVELIEST_STAGGER = 0.3
"""How much the staggering may change the local speed."""

SHORTEST_LIFE, LONGEST_LIFE = 8.0, 240.0
"""Bounds of the life of a copy in frames."""

RIPPLES = ((0.11, 0.45), (0.07, 0.6), (0.045, 0.8), (0.03, 1.0), (0.085, 0.5))
"""Length, as a fraction of the unit, and cycles in 30 frames of the waves on water: short ones swing faster."""

GLINTS, FLICKERS = (0.6, 1.0, 1.7), (1.3, 2.1, 3.4)
"""Times in 30 frames that the glints on water and the light of flames come and go."""

DIMMED = (0.9, 0.65, 0.4, 0.0)
"""Red, green and blue of flames that burn low, relative to the still: as they cool, they redden."""

DARK = 110.0
"""Median luminance below which a sky can have stars."""


class FlowMover:
    """Carries a region along a steady velocity field, for any number of frames."""

    def __init__(self, plate: Frame, patch: Patch, region: Region, clock: Clock, seed: int) -> None:
        """Prepare the paths of all pixels; this takes the time of a few frames."""
        rng = np.random.default_rng(seed)
        style = FLOW_STYLES.get(region.kind, FLOW_STYLES[RegionKind.DRIFT])
        self._plate, self._stars = _apart_from_stars(plate, patch) if style.keeps_stars else (plate, None)
        self._still, self._patch, self._clock, self._style = patch.crop(plate), patch, clock, style
        soft = patch.softness(style.edge)
        rate = style.rate * region.speed
        self._period = _period(style, rate, clock)
        self._single = self._period > 2 * clock.num_frames
        velocity = flow_velocity(patch, region, style, soft, rng) * np.float32(rate * patch.unit / FRAMES_PER_UNIT_TIME)
        self._paths = path_polynomial(velocity, patch, self._period / 2.0)
        self._stagger = np.clip(smooth_noise(patch, 0.3, rng) / 2.0, -1.0, 1.0)
        self._ripples = _ripples(patch, style, soft, clock, rng)
        self._shimmer = _glints(patch, 0.02, style.shimmer * soft, [clock.angular(r) for r in GLINTS], rng)
        self._flicker = _glints(patch, 0.06, style.flicker * soft, [clock.angular(r) for r in FLICKERS], rng)
        self._blur = max(2, round(0.02 * patch.unit))
        self._held = _Held(patch.crop(plate), max(2, round(style.held * patch.unit))) if style.held else None
        self._likeness = 1.0 - soft * np.float32(1.0 - self._measure_likeness())

    def apply(self, canvas: Frame, index: int) -> None:
        """Write frame `index` of the region into `canvas`, a picture of the plate's size."""
        patch = self._patch
        ripple = self._ripples.at(index)
        if self._single:
            phase = np.full((patch.rows, patch.columns), 2.0 * index / self._period, np.float32)
            moved = self._warped(phase, ripple)
        else:
            moved, detail = self._two_copies(index, ripple)
            detail *= 1.0 + self._shimmer.at(index)[..., 0]
            moved = blend(moved, _low(moved, self._blur), patch.to_pixels(detail))
        if self._style.flicker:
            light = patch.to_pixels(1.0 + self._flicker.at(index)[..., 0])
            low_fire = np.asarray(cv2.multiply(moved, DIMMED), dtype=np.uint8)  # type: ignore[call-overload]
            moved = blend(moved, low_fire, light)
        if self._held is not None:
            moved = self._held.restored(moved)
        if self._stars is not None:
            cv2.add(moved, self._stars, dst=moved)
            twinkled = cv2.subtract(patch.crop(canvas), self._still, dtype=cv2.CV_16S)
            cv2.add(moved, twinkled, dst=moved, dtype=cv2.CV_8U)
        patch.write(moved, canvas)

    def _two_copies(self, index: int, ripple: Field) -> tuple[Frame, Field]:
        """The two copies at frame `index`, cross-faded, and the gain that gives back the detail lost by that.

        Two copies of likeness r in the shares p and q keep sqrt(p^2 + q^2 + 2 r p q) of their contrast.
        """
        time = index / self._period + self._staggered(index)
        first, second = (np.mod(time + shift, 1.0).astype(np.float32) * 2.0 - 1.0 for shift in (0.5, 0.0))
        share = smoothstep((0.5 - np.abs(first)) / (2.0 * CROSSFADE) + 0.5)
        copies = self._warped(first, ripple), self._warped(second, ripple)
        kept = share**2 + (1.0 - share) ** 2 + 2.0 * self._likeness * share * (1.0 - share)
        return blend(*copies, self._patch.to_pixels(share)), np.asarray(1.0 / np.sqrt(kept), dtype=np.float32)

    def _warped(self, phase: Field, ripple: Field) -> Frame:
        """The box of the plate with every pixel taken from where it was `phase` half-lives ago."""
        a, b, c = self._paths
        s = phase[..., None]
        offset = ((c * s + b) * s + a) * s + ripple
        return self._patch.warp(self._plate, offset)

    def _staggered(self, index: int) -> Field:
        """How far each cell is ahead of the clock, in periods: nowhere at frame 0, so that it shows the still."""
        if self._clock.loop:
            most = LIVELIEST_STAGGER * self._clock.num_frames / (math.pi * self._period)
            level = min(STAGGER, most) * math.sin(math.pi * index / self._clock.num_frames) ** 2
        else:
            level = STAGGER * float(
                smoothstep(np.asarray(index * LIVELIEST_STAGGER / (1.5 * STAGGER * self._period), np.float32))
            )
        return np.asarray(self._stagger * level, dtype=np.float32)

    def _measure_likeness(self) -> float:
        """Correlation of the detail of the two copies when they change over: it is the same at every change."""
        half = np.full((self._patch.rows, self._patch.columns), 0.5, dtype=np.float32)
        still = np.zeros((*half.shape, 2), dtype=np.float32)
        inside = self._patch.inside > 0
        a, b = (_detail(self._warped(phase, still), self._blur)[inside] for phase in (half, -half))
        scale = math.sqrt(float((a * a).mean()) * float((b * b).mean()))
        return min(1.0, max(0.0, float((a * b).mean()) / scale)) if scale > 1e-3 else 1.0


class _Held:
    """Keeps what is large in its place while detail flows over it: reflections do not drift with the water."""

    def __init__(self, still: Frame, blur: int) -> None:
        self._size = (max(1, still.shape[1] // blur), max(1, still.shape[0] // blur))
        self._low = self._reduced(still)

    def _reduced(self, picture: Frame) -> Field:
        small = cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA).astype(np.float32)
        return np.asarray(cv2.blur(small, (3, 3), borderType=cv2.BORDER_REFLECT), dtype=np.float32)

    def restored(self, moved: Frame) -> Frame:
        change = np.round(self._low - self._reduced(moved)).astype(np.int16)
        large = cv2.resize(change, (moved.shape[1], moved.shape[0]), interpolation=cv2.INTER_LINEAR)
        return np.asarray(cv2.add(moved, large, dtype=cv2.CV_8U), dtype=np.uint8)


def _period(style: FlowStyle, rate: float, clock: Clock) -> float:
    """Life of a copy in frames. A short clip of slow things needs no change of copies: its period outlasts it."""
    speed = rate / FRAMES_PER_UNIT_TIME
    if not clock.loop and clock.num_frames * speed <= style.whole:
        return 2.0 * clock.num_frames + 1.0
    return clock.period(min(max(style.travel / speed, SHORTEST_LIFE), LONGEST_LIFE))


def _apart_from_stars(plate: Frame, patch: Patch) -> tuple[Frame, Frame | None]:
    """The plate without stars, and their light in the box if there are any: clouds pass, stars stay."""
    still = np.ascontiguousarray(patch.crop(plate))
    if float(np.median(cv2.cvtColor(still, cv2.COLOR_RGB2GRAY)[patch.inside > 0])) > DARK:
        return plate, None
    points = find_points(still, patch.mask, patch.unit)
    if len(points.radii) < FEW:
        return plate, None
    dark, light = split_light(still, points)
    empty = plate.copy()
    patch.crop(empty)[...] = dark
    return empty, light


def _ripples(patch: Patch, style: FlowStyle, soft: Field, clock: Clock, rng: np.random.Generator) -> Oscillation:
    """Waves that run towards the viewer over a receding surface: they grow and lengthen on their way.

    On a plane seen at a low angle, equal distances z shrink with 1/y below the horizon; waves of sin(k z + k x / y).
    """
    shape = (patch.rows, patch.columns, 2)
    if not style.ripple:
        return Oscillation.still(shape)
    x, _ = patch.centres()
    size = recession(patch, style.far)
    depth = (0.6 + 1.0) ** 2 / (0.6 + (size - style.far) / (1.0 - style.far))
    across = (x - x.mean()) / patch.unit
    waves = []
    for wavelength, cycles in RIPPLES:
        number = 2.0 * math.pi / wavelength
        heading = math.radians(rng.normal(0.0, 15.0))
        distance = depth * patch.height / patch.unit * math.cos(heading) + across / size * math.sin(heading)
        amplitude = style.ripple * patch.unit * (wavelength / RIPPLES[0][0]) ** 0.5 * soft * size**1.5
        direction = np.array([0.35 * math.sin(heading), 1.0], dtype=np.float32)
        angle = number * distance + rng.uniform(0.0, 2.0 * math.pi)
        waves.append(Wave(amplitude[..., None] * direction, -angle, -clock.angular(cycles)))
    return Oscillation(waves, shape)


def _glints(patch: Patch, size: float, strength: Field, rates: list[float], rng: np.random.Generator) -> Oscillation:
    """Something that comes and goes, each place of `size` units in its own time, at `rates` in radians per frame."""
    shape = (patch.rows, patch.columns, 1)
    if not strength.any():
        return Oscillation.still(shape)
    half = (0.5 * strength)[..., None]
    return Oscillation([Wave(half, math.pi * smooth_noise(patch, size, rng), rate) for rate in rates], shape)


def _low(picture: Frame, blur: int) -> Frame:
    """The picture without details smaller than about `blur` pixels."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (max(1, width // blur), max(1, height // blur)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _detail(picture: Frame, blur: int) -> Field:
    """Luminance less that of the picture without details."""
    sharp, low = (cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32) for part in (picture, _low(picture, blur)))
    return np.asarray(sharp - low, dtype=np.float32)
