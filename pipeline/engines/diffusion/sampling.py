"""One diffusion run: its phases, each of which keeps its result, and the way down the memory ladder between them.

A phase that runs out of memory is left, cleaned up after, and repeated one rung lower. A result is kept as long as the
settings that it depends on stay the same, so a rung that concerns decoding alone never samples again.
"""

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipeline.catalogue import ModelCard, Phase, Precision
from pipeline.context import Context, Glimpse, Settled
from pipeline.engines.diffusion.casting import cast, rounds
from pipeline.engines.diffusion.driving import control_maps
from pipeline.engines.diffusion.family import Family, Request, Tensors
from pipeline.engines.diffusion.framing import put_into_frame
from pipeline.engines.diffusion.phases import Counter, ShortageError, watched
from pipeline.engines.diffusion.progress import STAGE, Pace
from pipeline.engines.diffusion.stepping import stepping
from pipeline.engines.diffusion.store import StoredFrames, load_latents, save_latents, store_frames
from pipeline.frames import Frame, PreparedImage
from pipeline.interpolation import enlarge
from pipeline.memory.ladder import descend, downgrade, no_rung_left
from pipeline.models.files import ModelFiles
from pipeline.models.load import LoadPlan
from pipeline.models.placement import place, unplace
from pipeline.models.resident import RESIDENT
from pipeline.records import ModelRecord
from pipeline.settings import Settings

T = TypeVar("T")

DECODING = frozenset({"decode_chunk_size", "vae_tiling", "decode_precision"})
"""Settings of the stage that only decoding depends on."""

PLACE = "place"
"""What records call the second part of loading, for which the ladder has the same rungs as for the first."""

CONTROL = "control"
"""What records call the making of maps from a driving video, which sampling is conditioned on."""

CHOOSING = frozenset({"candidates", "keep_candidates", "num_frames", "seconds"})
"""Settings of the stage that no single candidate depends on: it has `sample_frames` frames, or `num_frames`."""


def with_precision(settings: Settings, card: ModelCard, device: str) -> Settings:
    """The settings with the number format written out: it depends on the device, and the record repeats the run."""
    precision = settings.animate.precision or (card.precision if device == "cuda" else Precision.FLOAT32)
    return settings.model_copy(update={"animate": settings.animate.model_copy(update={"precision": precision})})


def model_record(card: ModelCard, files: ModelFiles | None, settings: Settings, device: str) -> ModelRecord:
    """What a record says of a model that works, or has worked, with these settings."""
    return ModelRecord(
        name=card.name,
        repository=card.repository,
        revision=files.revision if files else None,
        variant=card.variant,
        licence=card.licence,
        device=device,
        precision=settings.animate.precision,
    )


@dataclass(frozen=True)
class Kept:
    """The result of a phase and what it depends on."""

    key: Hashable
    value: Any


class Sampling:
    """The phases of one run for one image. Settings change on the way down the ladder, and the run is told."""

    def __init__(self, family: Family, image: PreparedImage, settings: Settings, context: Context) -> None:
        self.family, self.image, self.last_image, self.context = family, image.image, image.last_image, context
        self.settings = settings
        self.device = "cpu"
        self._pace = Pace(context, settings)
        self._files: ModelFiles | None = None
        self._kept: dict[Phase, Kept] = {}
        self._placed: tuple[Any, Hashable] | None = None
        self._rounded = False
        self._control: Kept | None = None

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return self.family.card

    def begin(self, files: ModelFiles, device: str, expected_seconds: float | None) -> None:
        """Say where the model is and what it runs on."""
        self._files, self.device = files, device
        self._pace.expected_seconds = expected_seconds
        self._settle(with_precision(self.settings, self.card, device))

    def frames(self, seed: int, number: int) -> StoredFrames:
        """Make the frames of candidate `number` (from 0), on disk, in the size and number that was sampled.

        Raises OutOfMemory when the ladder has no rung left, and Cancelled within one step of the user's Stop.
        """
        self._pace.candidate = number
        while True:
            try:
                return self._decoded(seed)
            except ShortageError as shortage:
                phase = shortage.phase
            finally:
                self._forget_rounded()
            self._step_down(phase)

    # --- phases -----------------------------------------------------------------------------------------------------

    def _pipe(self) -> Any:
        """The model, loaded and placed as the settings now want it."""
        files, animate, runtime = self._files, self.settings.animate, self.settings.runtime
        if files is None or animate.precision is None:
            raise ValueError("begin comes first: it says where the model is, and settles the precision")
        plan = LoadPlan(self.device, animate.precision, animate.quantization)
        key = (self.card.name, files.folder, files.revision, plan)

        def load() -> Any:
            self._placed = None
            with self._phase(Phase.LOAD, f"loading {self.card.title}"):
                return self.family.load(files, plan)

        pipe = RESIDENT.acquire(key, load)
        wanted = (runtime.offload, animate.quantization)
        if self._placed is None or self._placed[0] is not pipe or self._placed[1] != wanted:
            with self._phase(Phase.LOAD, "moving the model into place", PLACE):
                self._placed = None
                place(pipe, self.settings, self.device)
                self._placed = (pipe, wanted)
        return pipe

    def _conditions(self, seed: int) -> Tensors:
        request = self._request(seed)
        key = (self._sampled_settings(), request.width, request.height, request.num_frames)

        def work() -> Tensors:
            pipe = self._pipe()
            with self._phase(Phase.CONDITION, "reading the image and the prompt"):
                return {name: each.cpu() for name, each in self.family.condition(pipe, request).items()}

        return self._keep(Phase.CONDITION, key, work)

    def _latents(self, seed: int) -> Path:
        """Path of the latents on disk."""
        request = self._request(seed)
        key = (seed, self._sampled_settings(), request.width, request.height, request.num_frames)

        def work() -> Path:
            conditions, pipe = self._conditions(seed), self._pipe()
            steps = self.family.steps(request)
            with self._phase(Phase.SAMPLE) as counter:
                self._pace.sampling(0, steps)

                def listen(done: int, latents: Any) -> None:
                    counter.steps = done
                    self._pace.sampling(done, steps)
                    self._glimpse(done, steps, latents, request)
                    self.context.check_cancelled()

                with self.family.arrange(pipe, request), stepping(pipe, listen):
                    latents = self.family.sample(pipe, request, conditions)
                path = self.context.work_dir / f"latents_{seed}.safetensors"
                save_latents({name: each.cpu() for name, each in latents.items()}, path)
            return path

        return self._keep(Phase.SAMPLE, key, work)

    def _decoded(self, seed: int) -> StoredFrames:
        latents, pipe, request = self._latents(seed), self._pipe(), self._request(seed)
        path = self.context.work_dir / f"frames_{seed}.rgb"
        precision = self.settings.animate.decode_precision
        self._rounded = rounds(pipe.vae, precision)
        with self._phase(Phase.DECODE) as counter, cast(pipe.vae, precision):

            def listen(done: int) -> None:
                counter.steps = done
                self._pace.decoding(done, request.num_frames)
                self.context.check_cancelled()

            self._pace.decoding(0, request.num_frames)
            return store_frames(self.family.decode(pipe, load_latents(latents), request), path, listen)

    def _forget_rounded(self) -> None:
        """Let go of a model that has decoded in a narrower format, so that who needs it next reads it from its files.

        Its weights were rounded, and casting them back restores none of them: the next candidate and the next run
        would encode with them.
        """
        if self._rounded:
            self.clear_device()
            RESIDENT.release()
            self._rounded = False

    # --- what a phase depends on ------------------------------------------------------------------------------------

    def _request(self, seed: int) -> Request:
        animate, prepare = self.settings.animate, self.settings.prepare
        width = animate.sample_width or prepare.width or self.image.shape[1]
        height = animate.sample_height or prepare.height or self.image.shape[0]
        count = animate.sample_frames or animate.num_frames
        fitted = enlarge if self.card.rules.fixed_size is None else put_into_frame
        return Request(
            image=fitted(self.image, width, height),
            last_image=None if self.last_image is None else fitted(self.last_image, width, height),
            settings=self.settings,
            seed=seed,
            num_frames=count,
            control=self._control_maps((width, height), count) if self.card.can.control_video else None,
            device=self.device,
            note=lambda message: self.context.note(STAGE, message, "warning"),
        )

    def _control_maps(self, size: tuple[int, int], count: int) -> tuple[Frame, ...] | None:
        """The maps of the driving video, made once for a size and a number of frames; None without one."""
        if self.settings.animate.control.video is None:
            return None
        if self._control is None or self._control.key != (size, count):
            self._control = None
            with self._phase(Phase.CONDITION, "reading the driving video", CONTROL):
                self._control = Kept((size, count), control_maps(self.settings, size, count, self.context))
        maps: tuple[Frame, ...] | None = self._control.value
        return maps

    def _sampled_settings(self) -> str:
        return self.settings.animate.model_dump_json(exclude=set(DECODING | CHOOSING)) + self.settings.prompt

    def _keep(self, phase: Phase, key: Hashable, work: Callable[[], T]) -> T:
        kept = self._kept.get(phase)
        if kept is None or kept.key != key:
            self._kept.pop(phase, None)
            self._kept[phase] = kept = Kept(key, work())
        value: T = kept.value
        return value

    # --- shortages --------------------------------------------------------------------------------------------------

    def _phase(self, phase: Phase, words: str = "", name: str = "") -> AbstractContextManager[Counter]:
        """Watch a phase; `words` are for the progress, `name` is that of the record where it is not the phase's."""
        if words:
            self._pace.say(words)
        return watched(self.context, self.device, phase, name)

    def _step_down(self, phase: Phase) -> None:
        """Take the next rung that helps a phase. Raises OutOfMemory when there is none."""
        self.clear_device()
        step = descend(self.settings, self.card, self.device, phase)
        if step is None:
            raise no_rung_left(self.settings, self.card, self.device, phase)
        rung, settings = step
        self.context.keep(downgrade(rung, phase, "shortage", self.settings, settings))
        self._settle(settings)

    def clear_device(self) -> None:
        """Take the model off the device, so that the next phase places it anew."""
        if self._placed is not None:
            unplace(self._placed[0])
            self._placed = None

    def _settle(self, settings: Settings) -> None:
        self.settings = settings
        self.context.keep(Settled(settings))
        self.context.keep(model_record(self.card, self._files, settings, self.device))

    def _glimpse(self, done: int, steps: int, latents: Any, request: Request) -> None:
        if not self._pace.glimpse_is_due():
            return
        frame = self.family.glimpse(latents, request)
        if frame is not None:
            self.context.show(Glimpse(frame, f"Step {done} of {steps}"))
