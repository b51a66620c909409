"""The key frames of one run: those on disk are taken, the others painted, with the way down the ladder between them.

What was painted stays, whatever happens to those after it.
"""

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.catalogue import Phase
from pipeline.context import Context, Glimpse, Painted
from pipeline.engines.diffusion.phases import ShortageError, watched
from pipeline.engines.stable_diffusion.gallery import Gallery, key_of, shared_part
from pipeline.engines.stable_diffusion.ladder import descend, downgrade
from pipeline.engines.stable_diffusion.models import Models, arranged, load, load_plan
from pipeline.engines.stable_diffusion.pace import STAGE, Pace
from pipeline.engines.stable_diffusion.painter import Brush, Task, preview
from pipeline.engines.stable_diffusion.prompts import Embedding, between, encode, unprompted
from pipeline.engines.stable_diffusion.setup import Setup
from pipeline.engines.stable_diffusion.tone import match_tone
from pipeline.errors import OutOfMemory
from pipeline.frames import Frame, pixel_digest
from pipeline.interpolation import enlarge
from pipeline.models.placement import put, unplace
from pipeline.models.resident import RESIDENT
from pipeline.settings import Settings

if TYPE_CHECKING:
    import torch

PLACE = "place"
"""What records call the second part of loading."""


@dataclass(frozen=True)
class Finished:
    """A key frame that was painted, and its file, relative to the outputs folder. `kept`: by an earlier run."""

    frame: Frame
    file: str
    kept: bool


class Painting:
    """Paints key frames. `finished` are those done, by their numbers from 0; `setup` is the one in use.

    `count` is how many there are in all, as people are told.
    """

    def __init__(self, models: Models, setup: Setup, settings: Settings, context: Context, count: int) -> None:
        self.models, self.setup = models, setup
        self.finished: dict[int, Finished] = {}
        self._settings, self._asked, self._context, self.count = settings, settings.keyframes, context, count
        self._gallery = Gallery(context.outputs or context.work_dir)
        self._shared = shared_part(models, settings.keyframes)
        self._placed: tuple[Any, Setup] | None = None
        self._sampled: tuple[str, torch.Tensor] | None = None
        self._shown: torch.Tensor | None = None
        self._said: set[str] = set()
        self._pace = Pace(context)

    def run(self, tasks: Sequence[Task]) -> None:
        """Paint them all.

        Raises OutOfMemory when the ladder has no rung left, ModelMissing for damaged files, and Cancelled within one
        step of the user's Stop; what is finished by then stays in `finished` and on disk.
        """
        waiting = deque(tasks)
        try:
            while True:
                try:
                    return self._work(waiting)
                except ShortageError as shortage:
                    phase = shortage.phase
                self._step_down(phase)
        finally:
            self._sampled = None
            if not self._settings.runtime.keep_model:
                self._clear_device()
                RESIDENT.release()

    def _work(self, waiting: deque[Task]) -> None:
        """Finish the tasks from the left, and remove them."""
        self._take_kept(waiting)
        if not waiting:
            return
        self._pace.begin(sum(task.steps(self._asked) for task in waiting))
        self._look()
        pipe = self._pipe()
        with ExitStack() as stack:
            with watched(self._context, self.setup.device, Phase.CONDITION):
                self._pace.say("reading the prompts")
                stack.enter_context(arranged(pipe, self._asked, self.setup, self._warn))
                if self.models.adapter is not None:
                    stack.enter_context(self.models.adapter.laid_over(pipe))
                found = self._embeddings(pipe, waiting)
            negative = unprompted(pipe, self._asked.negative_prompt, found) if self.setup.guided else None
            brush = Brush(pipe, self._asked, self.setup, self._shown)
            while waiting:
                self._paint(brush, waiting[0], between(waiting[0].words, found), negative)
                self._pace.next(waiting.popleft().steps(self._asked))

    def _look(self) -> None:
        """See the picture that the adapter shows, once; no other model is in memory meanwhile."""
        adapter = self.models.adapter
        if adapter is None or self._shown is not None:
            return
        RESIDENT.release()
        self._pace.say("looking at the style's picture")
        with watched(self._context, self.setup.device, Phase.CONDITION):
            self._shown = adapter.embedding(load_plan(self.setup))

    def _take_kept(self, waiting: deque[Task]) -> None:
        for task in tuple(waiting):
            key = self._key(task)
            height, width = task.morph.shape[:2]
            frame = self._gallery.find(key, width, height)
            if frame is not None:
                waiting.remove(task)
                self._finish(task, Finished(frame, self._gallery.file(key), kept=True))

    def _key(self, task: Task) -> str:
        return key_of(task, pixel_digest(task.morph), self._asked, self.setup, self._shared)

    def _pipe(self) -> Any:
        """The model, loaded and placed as the setup says."""
        models, setup, plan = self.models, self.setup, load_plan(self.setup)
        control = models.control_files
        key = (models.card.name, str(models.files.folder), models.files.revision, plan, control and str(control.folder))

        def load_it() -> Any:
            self._placed = None
            self._pace.say(f"loading {models.card.title}")
            with watched(self._context, setup.device, Phase.LOAD):
                return load(models, setup)

        pipe = RESIDENT.acquire(key, load_it)
        if self._placed is None or self._placed[0] is not pipe or self._placed[1].offload is not setup.offload:
            with watched(self._context, setup.device, Phase.LOAD, PLACE):
                self._placed = (pipe, setup)
                put(pipe, setup.device, setup.offload, setup.quantization)
        return pipe

    def _embeddings(self, pipe: Any, waiting: Sequence[Task]) -> dict[str, Embedding]:
        texts = [text for task in waiting for text in (task.words.first, task.words.second)]
        return encode(pipe, [*texts, *([self._asked.negative_prompt] if self.setup.guided else [])], self._warn)

    def _paint(self, brush: Brush, task: Task, words: Embedding, negative: Embedding | None) -> None:
        """Paint one key frame, and keep it."""
        key = self._key(task)
        if self._sampled is None or self._sampled[0] != key:
            self._sampled = None
            with watched(self._context, self.setup.device, Phase.SAMPLE) as counter:

                def listen(done: int, steps: int, latents: "torch.Tensor") -> None:
                    counter.steps = done
                    self._step(task, done, steps, latents)

                self._sampled = (key, brush.sample(task, words, negative, listen))
        with watched(self._context, self.setup.device, Phase.DECODE) as counter:
            decoded = brush.decode(self._sampled[1])
            counter.steps = 1
        if decoded is None:
            self._warn(f"Key frame {task.number + 1} is not painted over: the model made numbers that are none.")
            return
        height, width = task.morph.shape[:2]
        frame = match_tone(enlarge(decoded, width, height), task.morph)
        self._gallery.keep(key, frame)
        self._finish(task, Finished(frame, self._gallery.file(key), kept=False))

    def _step(self, task: Task, done: int, steps: int, latents: "torch.Tensor") -> None:
        """Report a step, and stop where the user wants it."""
        which = f"key frame {task.number + 1} of {self.count}"
        self._pace.step(done, task.steps(self._asked), f"painting {which}")
        if self._pace.glimpse_is_due():
            picture = preview(latents, self.models.card.family)
            self._context.show(Glimpse(picture, f"{which.capitalize()}, step {done} of {steps}"))
        self._context.check_cancelled()

    def _finish(self, task: Task, finished: Finished) -> None:
        self.finished[task.number] = finished
        self._context.show(Painted(task.number + 1, self.count, finished.file, task.words.nearest))

    def _step_down(self, phase: Phase) -> None:
        """Take the next rung that helps a phase. Raises OutOfMemory when there is none."""
        self._clear_device()
        step = descend(self.setup, phase, self._settings.runtime)
        if step is None:
            where = "GPU memory" if self.setup.device == "cuda" else "memory"
            raise OutOfMemory(f"{self.models.card.title} ran out of {where}, and the ladder has no rung left.")
        rung, setup = step
        self._context.keep(downgrade(rung, phase, "shortage", self.setup, setup))
        self.setup = setup

    def _clear_device(self) -> None:
        """Take the model off the device, so that it is placed anew."""
        if self._placed is not None:
            unplace(self._placed[0])
            self._placed = None

    def _warn(self, message: str) -> None:
        """Say something once, however often it is found out again."""
        if message not in self._said:
            self._said.add(message)
            self._context.note(STAGE, message, "warning")
