"""Paints over key frames of a film, one when it is due, with Stable Diffusion and what goes with it."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.catalogue import HelperCard, Role, helper_names
from pipeline.context import Context, Fact, Glimpse, Painted, Progress, StageFact, Way
from pipeline.engines.stable_diffusion.adapter import Adapter
from pipeline.engines.stable_diffusion.keyframes import failure_of
from pipeline.engines.stable_diffusion.models import Models, choose_models
from pipeline.engines.stable_diffusion.painter import Task
from pipeline.engines.stable_diffusion.painting import Finished, Painting
from pipeline.engines.stable_diffusion.room import with_room
from pipeline.engines.stable_diffusion.schedule import LEAST_STRENGTH, Words
from pipeline.errors import InvalidSetting, ModelMissing, OutOfMemory
from pipeline.frames import Frame
from pipeline.memory.limit import within_limits
from pipeline.memory.machine import Machine, read_machine
from pipeline.models.files import locate
from pipeline.models.helpers import choose
from pipeline.models.resident import RESIDENT
from pipeline.models.weights import measured_helper
from pipeline.records import DowngradeRecord, Notice
from pipeline.settings import Settings
from pipeline.transition_settings import AUTO

STAGE = "style"

STAYS = "the style is laid over without a model"


def find_models(settings: Settings, picture: Frame | None) -> Models | str:
    """What paints, as the settings of the style ask for; or in one sentence why nothing does, with what gets a model.

    `picture` is the style's, which an adapter shows to the model. Raises InvalidSetting for unknown names, and for a
    ControlNet or an adapter of another family.
    """
    strength = settings.style.denoising_strength
    if strength < LEAST_STRENGTH:
        return f"style.denoising_strength is {strength:g}: so little is painted that nothing is, and {STAYS}."
    try:
        models = choose_models(asked_of_painter(settings), section=STAGE)
        if models is not None and picture is not None:
            models = _with_adapter(models, settings, picture)
    except ModelMissing as error:
        return f"{str(error).rstrip('.')}; until then {STAYS}."
    if models is None:
        smallest = helper_names(Role.KEYFRAMES)[0]
        return (
            f"No model that paints is on this machine, so {STAYS}: `python -m pipeline models download {smallest}` "
            "gets one."
        )
    return models


def asked_of_painter(settings: Settings) -> Settings:
    """The settings with what the style asks of the painter; the rest of it is as for the key frames of transitions."""
    style = settings.style
    changes = {
        "model": style.model,
        "control": style.control,
        "strength": style.denoising_strength,
        "num_inference_steps": style.num_inference_steps,
        "guidance_scale": style.guidance_scale,
    }
    # The model stays in memory between two key frames, whatever happens to it afterwards.
    return settings.model_copy(
        update={
            "keyframes": settings.keyframes.model_copy(update=changes),
            "runtime": settings.runtime.model_copy(update={"keep_model": True}),
        }
    )


def _with_adapter(models: Models, settings: Settings, picture: Frame) -> Models:
    """The models with the adapter that shows the picture, where one is asked for or here."""
    style, runtime = settings.style, settings.runtime

    def suits(card: HelperCard) -> bool:
        return card.family is models.card.family

    card = choose(Role.ADAPTER, style.adapter, runtime, suits)
    if card is None:
        return models
    if not suits(card):
        raise InvalidSetting(f"style.adapter: {card.title} does not fit {models.card.title}; choose auto or none.")
    measured = measured_helper(card, runtime)
    own = measured.parameters - (measured.resident or 0)  # what sees is gone before the model comes
    larger = {"parameters": models.card.parameters + own, "resident": (models.card.resident or 0) + own}
    adapter = Adapter(card, locate(card, runtime), picture, style.adapter_scale)
    return replace(models, card=models.card.model_copy(update=larger), adapter=adapter)


@dataclass
class _Account:
    """What was painted up to now. `asked` counts the key frames that were due, `files` those painted."""

    asked: int = 0
    kept: int = 0
    files: list[str] = field(default_factory=list)
    problem: str = ""


class KeyPainter:
    """Paints over the key frames of one pass over a film, in their order, each with the same words and the same noise.

    Whatever fails is said once; what was painted by then stays, and the key frames after it are not painted.
    """

    def __init__(
        self, models: Models, words: str, settings: Settings, context: Context, count: int, without: Way
    ) -> None:
        """`words` tell the model the style; the film has `count` frames; `without` is the way taken without a model."""
        self._models, self._words, self._asked, self._settings = models, words, asked_of_painter(settings), settings
        self._outer, self._count, self._without = context, count, without
        self._inner = replace(context, report=self._report, notify=self._notify, show=self._show, keep=self._keep)
        self._account = _Account()
        self._ready: tuple[Painting, Machine] | None = None
        self._expected = 1

    def __call__(self, number: int, ground: Frame) -> Frame | None:
        """The painting over the ground of frame `number`; None where none can be had. Raises Cancelled."""
        self._account.asked += 1
        self._expected = self._account.asked + math.ceil((self._count - 1 - number) / self._settings.style.every)
        finished = None if self._account.problem else self._painted(ground)
        if finished is not None:
            self._account.kept += finished.kept
            self._account.files.append(finished.file)
        self._outer.keep(StageFact(STAGE, self.way, self._artifacts()))
        return None if finished is None else finished.frame

    @property
    def way(self) -> Way:
        """What was painted, with which models, and what went wrong."""
        account, models, count = self._account, self._models, len(self._account.files)
        if not account.files:
            return Way(self._without.method, " ".join(filter(None, (self._without.reason, account.problem))))
        kept = f", {account.kept} of them in an earlier run" if account.kept else ""
        shown = f", shown the style's picture by {models.adapter.card.title}" if models.adapter else ""
        held = f", with the edges held by {models.control_card.title}" if models.control_card else ""
        told = (
            f"{models.card.title} painted {count} key frame{'' if count == 1 else 's'}{kept}{shown}{held}; "
            "the frames between them follow the motion of the film."
        )
        return Way(models.card.name, " ".join(filter(None, (told, account.problem))))

    def close(self) -> None:
        """Free the model, unless it is to stay for the next run."""
        if self._ready is not None and not self._settings.runtime.keep_model:
            self._ready = None
            RESIDENT.release()

    def _painted(self, ground: Frame) -> Finished | None:
        """Paint over one ground; what goes wrong is said."""
        try:
            painting, machine = self._ready = self._ready or self._made_ready(ground)
        except (OutOfMemory, ModelMissing) as error:  # its files are here, so they are damaged
            self._give_up(str(error))
            return None
        at, words = self._account.asked - 1, Words(self._words, self._words, 0.0)
        painting.count = self._expected
        with within_limits(machine, self._asked.runtime):
            task = Task(at, self._asked.keyframes.strength, words, self._outer.seed, ground)
            problem = failure_of(painting, [task])
        if problem:
            self._give_up(problem)
        return painting.finished.pop(at, None)

    def _made_ready(self, ground: Frame) -> tuple[Painting, Machine]:
        """What paints over grounds of this size. Raises OutOfMemory and ModelMissing."""
        height, width = ground.shape[:2]
        machine = read_machine(self._asked.runtime, self._outer.outputs or self._outer.work_dir)
        models, setup = with_room(self._models, (width, height), self._asked, machine, self._inner)
        if self._models.adapter is not None and models.adapter is None and self._settings.style.adapter == AUTO:
            models = _with_adapter(models, self._settings, self._models.adapter.picture)  # a smaller model took over
        self._models = models
        if (setup.width, setup.height) != (width, height):
            self._outer.note(
                STAGE,
                f"{models.card.title} paints at {setup.width} x {setup.height}, a size that it is made for; its "
                f"paintings are scaled to {width} x {height}.",
            )
        return Painting(models, setup, self._asked, self._inner, self._expected), machine

    def _give_up(self, problem: str) -> None:
        self._account.problem = problem
        whole = "The style is" if not self._account.files else "From here on the style is"
        self._outer.note(STAGE, f"{problem} {whole} laid over without a model.", "warning")

    def _artifacts(self) -> dict[str, Any]:
        models, files = self._models, list(self._account.files)
        if not files:
            return {}
        others = (models.control_card, models.adapter.card if models.adapter else None)
        return {
            "model": models.card.name,
            "revision": models.files.revision,
            "with": [card.name for card in others if card is not None],
            "words": self._words,
            "key_frames": files,
        }

    # --- what the painter tells, as of this stage ---------------------------------------------------------------------

    def _report(self, progress: Progress) -> None:
        """Count the steps of all key frames that the film will have, as far as that is known."""
        steps = max(int(progress.total), 1)
        if progress.total == 1:  # before the first step
            self._outer.report(replace(progress, stage=STAGE))
            return
        before, waiting = (self._account.asked - 1) * steps, (self._expected - self._account.asked) * steps
        left = progress.seconds_left
        if left is not None and progress.done < steps:
            left *= (steps - progress.done + waiting) / (steps - progress.done)
        elif waiting:
            left = None
        done, total = before + progress.done, self._expected * steps
        self._outer.report(Progress(STAGE, done, total, left, progress.phase))

    def _notify(self, notice: Notice) -> None:
        self._outer.notify(notice.model_copy(update={"stage": STAGE}))

    def _show(self, shown: Glimpse | Painted) -> None:
        if isinstance(shown, Glimpse):  # the files are in the record, and are not this video's own key frames
            self._outer.show(shown)

    def _keep(self, fact: Fact) -> None:
        """What is of the run as a whole belongs to the model that makes its frames; rungs are told by whoever takes
        them.
        """
        if isinstance(fact, DowngradeRecord):
            self._outer.keep(fact)
