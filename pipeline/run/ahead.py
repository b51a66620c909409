"""What a run would take from the cache and what it would do, before it is begun."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from pipeline.cache import Cache, Recalled, Value, open_cache
from pipeline.engines import get_engine, stable_diffusion
from pipeline.errors import ImageToVideoError
from pipeline.frames import FrameStream, PictureKey
from pipeline.lengths import film_length
from pipeline.run.finishing import ENCODING, REFINEMENTS
from pipeline.run.kept_morphs import KeptMorphs, Morphs, morphs_key
from pipeline.run.kept_videos import KeptVideos
from pipeline.run.transition import both_key, painted_prompts, painted_route, painted_times, with_told_prompt
from pipeline.settings import Settings
from pipeline.stages.align import Align, Homography
from pipeline.stages.animate import Animate
from pipeline.stages.caption import Caption
from pipeline.stages.interpolate import Interpolate, Route
from pipeline.stages.keyframes import Keyframes
from pipeline.stages.plan import Plan
from pipeline.stages.prepare import prepared_key
from pipeline.transition_settings import FLOW, KEYFRAMES


@dataclass(frozen=True)
class Foreseen:
    """Names of the stages that a run would take from the cache, and of those that it would do, as its record has them.

    Stages that have nothing to do, and `prepare`, which is always done, stand in neither. What depends on a stage that
    is done counts as done as well, though that may turn out as it was before.
    """

    kept: tuple[str, ...] = ()
    anew: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the video itself is there, and nothing is done on the way to it."""
        return ENCODING in self.kept and not self.anew


def foresee_animation(image: Path, used: Settings, outputs: Path) -> Foreseen:
    """What an animation with resolved settings would take and do.

    Says nothing of painted areas and of long videos. Quick: entries are looked for, and of them only facts are read.
    """
    cache = open_cache(outputs, used.runtime.cache_gb)
    if cache is None or used.prepare.masks or used.animate.segments:
        return Foreseen()
    try:
        return _Outlook(used, cache, outputs).animation(prepared_key(image, used))
    except (OSError, ImageToVideoError):  # the run itself will say what is wrong
        return Foreseen()


def foresee_transition(images: Sequence[Path], used: Settings, outputs: Path) -> Foreseen:
    """What a transition with resolved settings through two or more images would take and do; quick as well."""
    cache = open_cache(outputs, used.runtime.cache_gb)
    if cache is None or len(images) < 2 or used.prepare.masks:
        return Foreseen()
    try:
        return _Outlook(used, cache, outputs).transition([prepared_key(image, used) for image in images])
    except (OSError, ImageToVideoError):
        return Foreseen()


@dataclass
class _Outlook:
    """One look: each stage is asked, in the order of the run, what it would return without work."""

    used: Settings
    cache: Cache
    outputs: Path
    kept: list[str] = field(default_factory=list)
    anew: list[str] = field(default_factory=list)

    def animation(self, image: str) -> Foreseen:
        """By the key of the image."""
        key, is_sampled = get_engine(self.used.animate.engine).kept(image, self.used, self.cache)
        return self._finish(self._film(key, film_length(self.used)), Animate().name, is_sampled)

    def transition(self, images: Sequence[str]) -> Foreseen:
        """By the keys of the images."""
        engine = self.used.transition.engine
        if engine not in (FLOW, KEYFRAMES):
            return self._sampled((images[0], images[-1]))
        route = self._flow(images) if engine == FLOW else self._painted((images[0], images[-1]))
        return self._finish(Interpolate().outline(route, self.used), Interpolate.name, is_made=False)

    def _flow(self, images: Sequence[str]) -> Route | None:
        found = [self._asked(Align.name, Align().recall(pair, self.used, self.cache)) for pair in pairwise(images)]
        homographies = tuple(each.value.homography for each in found if each is not None)
        return Route(tuple(images), homographies) if len(homographies) == len(found) else None

    def _painted(self, images: tuple[str, str]) -> Route | None:
        aligned = self._asked(Align.name, Align().recall(images, self.used, self.cache))
        captions = self._captions(images)
        plan = Plan()
        prompts = self._asked(plan.name, plan.recall(captions, self.used, self.cache))
        morphs = None if aligned is None else self._morphs(images, aligned.value.homography)
        known = None if morphs is None or prompts is None else (morphs.digests, prompts.value.prompts)
        files = self._asked(Keyframes().name, None if known is None else self._files(*known))
        if aligned is None or morphs is None or files is None:
            return None
        return painted_route(images, aligned.value.homography, morphs, files.value, self.outputs)

    def _morphs(self, images: tuple[str, str], homography: Homography | None) -> Morphs | None:
        key = morphs_key(images, homography, painted_times(self.used), self.used.transition)
        return KeptMorphs(self.cache).find(key)

    def _files(self, morphs: Sequence[PictureKey], prompts: Sequence[str]) -> Recalled[list[str]] | None:
        wanted = painted_times(self.used), painted_prompts(prompts, self.used)
        return stable_diffusion.recall(morphs, *wanted, self.used, self.outputs)

    def _captions(self, images: tuple[str, str]) -> tuple[str, str] | None:
        stage = Caption()
        found = self._asked(stage.name, stage.recall(images, self.used, self.cache))
        return None if found is None else (found.value.text0, found.value.text1)

    def _sampled(self, images: tuple[str, str]) -> Foreseen:
        """A model leads from image to image."""
        used, key, is_sampled = self.used, None, False
        if not used.prompt:
            captions = self._captions(images)
            used = used if captions is None else with_told_prompt(used, captions)
        if used.prompt:
            key, is_sampled = get_engine(used.animate.engine).kept(both_key(*images), used, self.cache)
        count = used.animate.num_frames
        film = replace(self._film(key, count), keyframes=frozenset({0, count - 1}))
        return self._finish(film, Animate().name, is_sampled)

    def _asked(self, stage: str, recalled: Recalled[Value] | None) -> Recalled[Value] | None:
        """Note down what a stage has said."""
        if recalled is None:
            self.anew.append(stage)
        elif recalled.is_kept:
            self.kept.append(stage)
        return recalled

    def _film(self, key: str | None, count: int) -> FrameStream:
        width, height = self.used.prepare.width or 0, self.used.prepare.height or 0
        return FrameStream(iter(()), width, height, self.used.encode.fps, count, key=key)

    def _finish(self, film: FrameStream, maker: str, is_made: bool) -> Foreseen:
        """The end of all runs: a film, which is already made or not, is refined and encoded."""
        names = []
        for stage in REFINEMENTS:
            refined = stage.outline(film, self.used)
            names += [stage.name] if refined is not film else []
            film = refined
        if KeptVideos(self.cache).has(film, self.used.encode):
            return Foreseen((*self.kept, maker, *names, ENCODING), tuple(self.anew))
        self._asked(maker, Recalled(film, is_kept=True) if is_made else None)
        return Foreseen(tuple(self.kept), (*self.anew, *names, ENCODING))
