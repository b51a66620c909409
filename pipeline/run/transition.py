"""The job `transition`: two images become one video; and `plan`, which stops before anything is painted."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from pipeline.cache import cache_key
from pipeline.catalogue import helper_names
from pipeline.context import Context, Way
from pipeline.engines.stable_diffusion import choose_models
from pipeline.errors import InvalidSetting
from pipeline.frames import FrameStream, PictureKey, PreparedImage, pixel_digest
from pipeline.models.identity import digest
from pipeline.morphing import Passage, with_ends
from pipeline.resolve import check_models, resolve_transition
from pipeline.run.kept_morphs import KeptMorphs, Morphs, morphs_key
from pipeline.run.runner import Runner
from pipeline.settings import Settings
from pipeline.stages.align import Align, AlignedPair, Homography
from pipeline.stages.animate import Animate
from pipeline.stages.caption import Caption
from pipeline.stages.interpolate import Anchors, Interpolate, Route
from pipeline.stages.keyframes import Keyframes, KeyframesInput
from pipeline.stages.plan import Plan
from pipeline.stages.prepare import Prepare
from pipeline.transition_settings import FLOW, KEYFRAMES, NONE

Pair = tuple[PreparedImage, PreparedImage]


class Transition(Runner):
    """prepare -> align -> [caption -> plan -> keyframes] -> interpolate -> encode; or a model makes the middle.

    More than two images become one passage through all of them.
    """

    def work(self) -> None:
        """Lead one image over into another."""
        context, images = self.begin()
        engine = self.used.transition.engine
        if engine in (FLOW, KEYFRAMES):
            anchors = self._painted(images, context) if engine == KEYFRAMES else self._anchors(images, context)
            stream = self._interpolate(anchors, context)
        else:
            stream = self._sample(images[0], images[-1], context)
        encoded = self.encode(stream, images[0].image, context)
        self.publish(encoded)

    def begin(self) -> tuple[Context, list[PreparedImage]]:
        """Settle the settings and prepare the images."""
        settings = self._resolve()
        context = self.context(settings)
        with self.stage("prepare"):
            images = [Prepare()(path, settings, context) for path in self.images]
        return context, images

    def _resolve(self) -> Settings:
        """Settle every setting that does not depend on what the images show."""
        asked = self.record.requested.model_copy(update={"seed": self.record.seed})
        if asked.prepare.masks:
            raise InvalidSetting("prepare.masks: a transition takes no masks; leave them out.")
        if len(self.images) > 2 and asked.transition.engine != FLOW:
            raise InvalidSetting(
                f"transition.engine: {asked.transition.engine} leads two images over; more than two take `{FLOW}`."
            )
        self.keep_inputs(asked)
        image = self.record.inputs[0]
        used, notices = resolve_transition(asked, image.width or 0, image.height or 0)
        check_models(used)
        self.settle(used, notices)
        self.say(
            f"Video {used.prepare.width} x {used.prepare.height}, {used.transition.num_frames} frames at "
            f"{float(used.encode.fps):g} per second, engine {used.transition.engine}, seed {used.seed}"
        )
        return used

    def _anchors(self, images: list[PreparedImage], context: Context) -> Anchors:
        """The images themselves, and how each lies to the next."""
        found = [self.align(pair, context) for pair in pairwise(images)]
        keys = tuple(each.picture_key for each in images)
        return Anchors(tuple(each.image for each in images), tuple(each.homography for each in found), keys=keys)

    def _painted(self, images: list[PreparedImage], context: Context) -> Anchors:
        """The two images, and what is painted between them."""
        first, last = images
        aligned = self.align((first, last), context)
        prompts = self.write_plan((first, last), context)
        return self._paint((first, last), aligned, prompts, context)

    def align(self, pair: Pair, context: Context) -> AlignedPair:
        """Find one scene in both images, or say why there is none."""
        with self.stage("align") as entry:
            aligned = Align()(pair, self.used, context)
            entry.method, entry.reason = aligned.way.method, aligned.way.reason
            found = aligned.alignment
            if found is not None:
                entry.artifacts = {
                    "homography": None if aligned.homography is None else aligned.homography.tolist(),
                    "keypoints": list(found.keypoints),
                    "matches": len(found.matches.points0),
                    "inliers": found.inliers,
                    "inlier_ratio": round(found.inlier_ratio, 4),
                    "overlap": round(found.overlap, 4),
                }
            if aligned.picture is not None:
                number = sum(stage.name == "align" for stage in self.record.stages)
                name = "matches" if number == 0 else f"matches_{number + 1}"
                entry.artifacts["picture"] = self.keep_picture(aligned.picture(), name)
        return aligned

    def _paint(self, pair: Pair, aligned: AlignedPair, prompts: tuple[str, ...], context: Context) -> Anchors:
        """Paint the key frames over the morph; return them between the two images."""
        first, last = pair[0].image, pair[1].image
        way = Passage(first, last, aligned.homography, self.used.transition)
        styled, times = painted_prompts(prompts, self.used), painted_times(self.used)
        with self.stage("keyframes", len(times)) as entry:
            pictures = [way.at(t) for t in times]
            painted = Keyframes()(KeyframesInput(pictures, times, styled), self.used, context)
            entry.method, entry.reason = painted.way.method, painted.way.reason
            entry.artifacts = {"painted": painted.painted, "files": painted.files, "times": list(times)}
        self._settle_painter(painted.way)
        morphs = Morphs(tuple(map(pixel_digest, pictures)), way.between((0.0, *times, 1.0)))
        key = morphs_key((pair[0].key, pair[1].key), aligned.homography, times, self.used.transition)
        KeptMorphs(context.cache).keep(key, morphs)
        ends = pair[0].picture_key, pair[1].picture_key
        try:
            route = painted_route(ends, aligned.homography, morphs, painted.files, self.outputs)
        except OSError:  # somebody has thrown a painting away: its pixels tell it as well
            return Anchors((first, *painted.frames, last), morphs.homographies, are_cropped=True)
        frames = painted.frames if any(painted.painted) else []
        return Anchors((first, *frames, last), route.homographies, route.are_cropped, route.pictures)

    def write_plan(self, pair: Pair, context: Context) -> tuple[str, ...]:
        """Describe both images and write a prompt for each key frame on the way."""
        return self._plan(self._describe(pair, context), context)

    def _describe(self, pair: Pair, context: Context) -> tuple[str, str]:
        with self.stage("caption") as entry:
            captions = Caption()(pair, self.used, context)
            texts = captions.text0, captions.text1
            entry.method, entry.reason = captions.way.method, captions.way.reason
            entry.artifacts = {"captions": list(texts), "methods": [captions.way0.method, captions.way1.method]}
        model = max((_model_of(way) for way in (captions.way0, captions.way1)), key=lambda name: name != NONE)
        self._settle_section("caption", text0=texts[0], text1=texts[1], model=model)
        return texts

    def _plan(self, captions: tuple[str, str], context: Context) -> tuple[str, ...]:
        with self.stage("plan") as entry:
            planned = Plan()(captions, self.used, context)
            entry.method, entry.reason = planned.way.method, planned.way.reason
            entry.artifacts = {"prompts": list(planned.prompts)}
        self._settle_section("plan", prompts=planned.prompts, model=_model_of(planned.way))
        return planned.prompts

    def _settle_painter(self, way: Way) -> None:
        """Name the model that has painted, and its ControlNet, for `auto` may mean others another day."""
        self._settle_section("keyframes", model=_model_of(way))
        painters = choose_models(self.used)
        control = painters.control_card if painters is not None else None
        self._settle_section("keyframes", control=control.name if control is not None else NONE)

    def _settle_section(self, section: str, **values: object) -> None:
        """Write what a stage has found out into the settings as used, so that a repeated run need not find it again."""
        below = getattr(self.used, section).model_copy(update=values)
        self.settle(self.used.model_copy(update={section: below}))

    def _interpolate(self, anchors: Anchors, context: Context) -> FrameStream:
        self.maker = "interpolate"
        with self.stage(self.maker, self.used.transition.num_frames) as entry:
            moved = Interpolate()(anchors, self.used, context)
            entry.method, entry.reason = moved.way.method, moved.way.reason
        return moved.stream

    def _sample(self, first: PreparedImage, last: PreparedImage, context: Context) -> FrameStream:
        """Let a model that takes both images make the whole passage, from the prompt or what the images show."""
        if not self.used.prompt:
            self.settle(with_told_prompt(self.used, self._describe((first, last), context)))
        with self.stage(self.maker, self.used.animate.num_frames) as entry:
            entry.method, entry.reason = self.used.animate.engine, "You chose a model that leads from image to image."
            key = both_key(first.key, last.key) if first.key and last.key else None
            stream = Animate()(replace(first, last_image=last.image, key=key), self.used, context)
        return with_ends(stream, first.image, last.image)


def painted_times(used: Settings) -> tuple[float, ...]:
    """When key frames stand on the way, from 0 to 1."""
    count = used.keyframes.count
    return tuple(step / (count + 1) for step in range(1, count + 1))


def painted_prompts(prompts: Sequence[str], used: Settings) -> tuple[str, ...]:
    """The prompts of the plan, each with the style that is asked for."""
    return tuple(", ".join(filter(None, (prompt, used.prompt))) for prompt in prompts)


def painted_route(
    images: tuple[PictureKey, PictureKey],
    homography: Homography | None,
    morphs: Morphs,
    files: Sequence[str],
    outputs: Path,
) -> Route:
    """The way by key frames, of which `files` names those that are painted, below `outputs`; "" for the others.

    A painted picture is told by its file. Raises OSError where one cannot be read.
    """
    if not any(files):
        return Route(images, (homography,))
    between = [digest(outputs / file) if file else morph for file, morph in zip(files, morphs.digests, strict=True)]
    return Route((images[0], *between, images[1]), morphs.homographies, are_cropped=True)


def with_told_prompt(used: Settings, captions: Sequence[str]) -> Settings:
    """The settings with what both images show as the prompt."""
    return used.model_copy(update={"prompt": ", then ".join(filter(None, captions))})


def both_key(first: str, last: str) -> str:
    """The key of an image that a model leads over into another one, from the keys of both."""
    return cache_key("both", "1", {"first": first, "last": last})


def _model_of(way: Way) -> str:
    """The model that a stage worked with, as its setting names it."""
    return way.method if way.method in helper_names() else NONE


class Outline(Transition):
    """prepare -> align -> caption -> plan: what a transition would be painted from, to be looked at and changed."""

    def work(self) -> None:
        """Write the plan into the record."""
        context, (first, last) = self.begin()
        self.align((first, last), context)
        self.write_plan((first, last), context)
