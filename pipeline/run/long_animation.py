"""The job `animate` with segments: stretches with a prompt each become one film of any length."""

import hashlib
import json
import shutil
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.catalogue import get_card, model_names
from pipeline.context import CandidateFrames, Context, Fact, Settled
from pipeline.engines import EMBEDDED, get_engine
from pipeline.engines.diffusion.sampling import model_record, with_precision
from pipeline.engines.motion.engine import MotionEngine, joined_paths
from pipeline.enhancement import steadied
from pipeline.enhancement.tone_path import Wishes
from pipeline.environment import diffusion_packages, package_version
from pipeline.frames import Frame, FrameStream, PreparedImage, pixel_digest
from pipeline.heap import release_unused
from pipeline.lengths import film_length
from pipeline.memory.forecast import Work
from pipeline.memory.machine import read_machine
from pipeline.models.files import locate
from pipeline.models.identity import digest, identity
from pipeline.quality import advise
from pipeline.records import ModelRecord, Notice
from pipeline.resolve import count_from
from pipeline.run.animation import Animation
from pipeline.run.inputs import files_named
from pipeline.sequence import ENDLESS, Chain, KeptFilms, Part, split
from pipeline.settings import Settings
from pipeline.stages.animate import Animate
from pipeline.stages.prepare import Prepare

VERSION = 1
"""Of how parts are made: raised when the same request gives other frames."""


_BESIDE_PIXELS: Any = {"lora": True, "keep_candidates": True, "precision": True, "control": {"video"}}
"""Settings of the section `animate` that do not decide pixels, or whose file's content does."""

BEGIN_ANEW = (
    "Each segment begins with the last frames of the one before: with depth, a dolly zoom or a loop the camera cannot "
    "go on over the image itself."
)


class LongAnimation(Animation):
    """prepare -> animate, part after part -> encode.

    The embedded engine renders each part when its first frame is due. What a model has made of a part is kept on disk,
    so that a run which breaks off goes on from there.
    """

    def work(self) -> None:
        """Make one part after the other, and their film."""
        settings = self._resolve()
        context = self.context(settings)
        with self.stage("prepare"):
            image = Prepare()(self.images[0], settings, context)
        parts = _Parts(self, image, settings, context)
        count = film_length(settings)
        if settings.animate.engine == EMBEDDED:
            frames = Chain(parts.all, parts.rendered).frames
            with self.stage(self.maker, count):
                pass  # it renders while its frames are encoded
        else:
            frames = Chain(parts.all, parts.read).frames
            for _ in Chain(parts.all, parts.made).frames():
                context.check_cancelled()
            if self.record.model is None:  # every part was kept by earlier runs
                self.keep_fact(parts.model_record())
        stream = FrameStream(frames(), image.width, image.height, settings.encode.fps, count, frames)
        encoded = self.encode(stream, image.image, context)
        self.publish(encoded)
        self.record.advice = advise(self.record.quality, self.used, settings.animate.engine != EMBEDDED)
        self.save()

    def keep_fact(self, fact: Fact) -> None:
        """Write what an engine says of a part into the record of the whole."""
        if isinstance(fact, CandidateFrames):
            return  # of a part, it would be no video of its own
        if isinstance(fact, Settled):
            fact = Settled(_whole(fact.settings, self.used))
        super().keep_fact(fact)

    def notify(self, notice: Notice) -> None:
        """Say something once, though every part says it again."""
        if notice not in self.record.notices:
            super().notify(notice)


class _Parts:
    """The passes of one run, and what makes them."""

    def __init__(self, run: LongAnimation, image: PreparedImage, settings: Settings, context: Context) -> None:
        self._run, self._image, self._asked, self._context = run, image, settings, context
        self._films = KeptFilms(run.outputs)
        self._keys: dict[int, str] = {}
        animate = settings.animate
        at_least = partial(count_from, rules=get_engine(animate.engine).capabilities)
        longest = ENDLESS if animate.engine == EMBEDDED else animate.num_frames
        self.all = split(animate.segments, settings.encode.fps, animate.overlap, longest, at_least)
        self._paths = None
        if animate.engine == EMBEDDED:
            self._paths = joined_paths([self._settings(number, settings) for number in range(len(self.all))])
            if self._paths is None and len(self.all) > 1:
                context.note("animate", BEGIN_ANEW)

    def rendered(self, number: int, start: Frame | None) -> Generator[Frame]:
        """The frames of a part as the embedded engine makes them.

        Where its camera can go on, it looks at the image itself all the time, of which nothing is lost.
        """
        if self._paths is None:
            stream = self._animate(number, start, self._context)
        else:
            settings = self._settings(number, self._run.used)
            context = replace(self._context, seed=self._seed(number))
            stream = MotionEngine().animate(self._image, settings, context, self._paths[number])
        try:
            yield from stream.frames
        finally:
            if isinstance(stream.frames, Generator):
                stream.frames.close()
            release_unused()  # what threads freed stays in their heaps: at 1080p over 100 MB a part

    def made(self, number: int, start: Frame | None) -> Generator[Frame]:
        """The frames of a part from the disk, where it is put first unless an earlier run has done so."""
        part, key = self.all[number], self._key(number, start)
        self._keys[number] = key
        with self._run.stage(self._run.maker, part.num_frames) as entry:
            entry.method, entry.cache_hit = f"part {number + 1} of {len(self.all)}", self._films.has(key, part.shown)
            entry.reason = f"Segment {part.segment + 1}: {self._prompt(part) or 'no prompt'}"
            entry.artifacts = {"file": self._films.file(key)}
            if not entry.cache_hit:
                self._keep(number, start, key)
        yield from self._films.frames(key)

    def read(self, number: int, _start: Frame | None) -> Generator[Frame]:
        """The frames of a part that was made."""
        return self._films.frames(self._keys[number])

    def _keep(self, number: int, start: Frame | None, key: str) -> None:
        folder = self._context.work_dir / f"part_{number + 1}"
        folder.mkdir()
        stream = self._animate(number, start, replace(self._context, work_dir=folder))
        shown = islice(stream.frames, self.all[number].shown)
        held = steadied(shown, float(stream.fps), Wishes(deflicker=0.0, colour=self._asked.animate.hold_colour))
        self._films.keep(key, (each.corrected() for each in held), stream.fps)
        shutil.rmtree(folder, ignore_errors=True)

    def _animate(self, number: int, start: Frame | None, context: Context) -> FrameStream:
        image = self._image if start is None else PreparedImage(start, start)
        context = replace(context, seed=self._seed(number), cache=None)  # parts have a place of their own
        return Animate()(image, self._settings(number, self._run.used), context)

    def _settings(self, number: int, base: Settings) -> Settings:
        """The settings of a part: its own prompt, length and seed, and the engine's reading of the prompt."""
        part, animate = self.all[number], base.animate
        motion = animate.motion.model_copy(update={"plan": self._run.record.requested.animate.motion.plan})
        driven = animate.control.model_copy(update={"start": self._asked.animate.control.start + self._begins(number)})
        changes = {"segments": (), "num_frames": part.num_frames, "seconds": None, "motion": motion, "control": driven}
        is_image = number == 0 or animate.engine == EMBEDDED  # the others begin with a frame that masks do not fit
        prepare = base.prepare.model_copy(update={"masks": self._asked.prepare.masks if is_image else ()})
        own = {"prompt": self._prompt(part), "seed": self._seed(number), "prepare": prepare}
        settings = base.model_copy(update={**own, "animate": animate.model_copy(update=changes)})
        return get_engine(animate.engine).resolve(settings)[0]

    def _begins(self, number: int) -> float:
        """Second of the film that the first frame of a part is shown at."""
        frames = sum(part.fresh for part in self.all[:number]) - self.all[number].lead
        return float(frames / self._asked.encode.fps)

    def _prompt(self, part: Part) -> str:
        return part.prompt or self._asked.prompt

    def _seed(self, number: int) -> int:
        return (self._asked.seed + number) % 2**32

    def _key(self, number: int, start: Frame | None) -> str:
        """The digest of all that decides a part's pixels. Rungs of the memory ladder are not known beforehand."""
        settings = self._settings(number, self._asked)
        frame = self._image.image if start is None else start
        decides = {
            "version": [VERSION, get_engine(settings.animate.engine).version],
            "model": self._model(settings),
            "files": {each.name: digest(path) for each, path in files_named(settings, 1)},
            "packages": {**diffusion_packages(), "numpy": package_version("numpy")},
            "animate": settings.animate.model_dump(mode="json", exclude=_BESIDE_PIXELS),
            "shown": self.all[number].shown,
            "prompt": settings.prompt,
            "seed": settings.seed,
            "start": pixel_digest(frame),
        }
        text = json.dumps(decides, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def model_record(self) -> ModelRecord:
        """What the record says of the model that has made the parts."""
        card, device = get_card(self._asked.animate.engine), read_machine(self._asked.runtime, Path()).device
        used = with_precision(self._run.used, card, device)
        return model_record(card, locate(card, used.runtime), used, device)

    @staticmethod
    def _model(settings: Settings) -> object:
        """The weights, and the number format that they work in, which is the device's where none is asked for."""
        engine = settings.animate.engine
        if engine not in model_names():
            return engine
        card, device = get_card(engine), read_machine(settings.runtime, Path()).device
        return [identity(locate(card, settings.runtime)), Work.of(settings, card, device).precision]


def _whole(part: Settings, film: Settings) -> Settings:
    """The settings of the film with what the memory ladder has changed for a part."""
    kept = ("segments", "num_frames", "seconds", "motion")
    animate = part.animate.model_copy(update={name: getattr(film.animate, name) for name in kept})
    control = animate.control.model_copy(update={"start": film.animate.control.start})
    animate = animate.model_copy(update={"control": control})
    return part.model_copy(update={"prompt": film.prompt, "seed": film.seed, "animate": animate})
