"""plan: the prompts that lead from one caption to the other."""

from dataclasses import dataclass

from pipeline.cache import Cache, Recalled
from pipeline.context import Context, Way
from pipeline.engines.phi import Unwritten, Written, recall, write
from pipeline.planning import template_plan
from pipeline.settings import Settings


@dataclass(frozen=True)
class PlannedWay:
    """Prompts along the way, the first one near the first image, and how they came about.

    There may be more or fewer than there are key frames: painters go along them evenly. There is always one, which is
    empty where nothing is known.
    """

    prompts: tuple[str, ...]
    way: Way


@dataclass(frozen=True)
class Plan:
    """Takes the user's own prompts, has a model write them, or crosses one caption over into the other."""

    name: str = "plan"
    version: str = "1"

    def __call__(self, value: tuple[str, str], settings: Settings, context: Context) -> PlannedWay:
        """Return the way between two captions, either of which may be empty.

        Raises ModelMissing and InvalidSetting as `write` does, and Cancelled.
        """
        context.check_cancelled()
        captions = value[0].strip(), value[1].strip()
        planned = _unasked(captions, settings)
        if planned is not None:
            context.note(self.name, planned.way.reason)
            return planned
        written = write(captions, settings, context)
        planned = _planned(captions, written, settings)
        if isinstance(written, Unwritten):
            context.note(self.name, planned.way.reason, "warning" if written.failed else "info")
        return planned

    def recall(
        self, value: tuple[str, str] | None, settings: Settings, cache: Cache | None
    ) -> Recalled[PlannedWay] | None:
        """The way between two captions where no model is asked; None where one would be, or may be: `value` is None
        where the captions are not known yet. Raises as above.
        """
        captions = ("", "") if value is None else (value[0].strip(), value[1].strip())
        planned = _unasked(captions, settings)
        if planned is not None:
            return Recalled(planned, is_kept=False) if value is not None or settings.plan.prompts else None
        written = recall(captions, settings, cache)
        return None if written is None else Recalled(_planned(captions, written.value, settings), written.is_kept)


def _unasked(captions: tuple[str, str], settings: Settings) -> PlannedWay | None:
    """The plan where a model has nothing to write."""
    own = tuple(map(str.strip, settings.plan.prompts))
    if own:
        return _yours(own, settings.keyframes.count)
    if not all(captions) or captions[0].casefold() == captions[1].casefold():
        return _single(captions)
    return None


def _planned(captions: tuple[str, str], written: Written | Unwritten, settings: Settings) -> PlannedWay:
    """What the model has written, or the captions crossed over by rule."""
    if isinstance(written, Written):
        return PlannedWay(written.prompts, written.way)
    reason = f"{written.reason} The captions are crossed over by rule."
    return PlannedWay(template_plan(*captions, settings.keyframes.count), Way("template", reason))


def _yours(prompts: tuple[str, ...], count: int) -> PlannedWay:
    """The user's prompts, of which there may be another number than of key frames."""
    if len(prompts) == count:
        return PlannedWay(prompts, Way("yours", "You wrote the prompts."))
    each = f"{len(prompts)} prompt{'s' * (len(prompts) != 1)} for {count} key frame{'s' * (count != 1)}"
    return PlannedWay(prompts, Way("yours", f"You wrote {each}: the painting goes along them evenly."))


def _single(captions: tuple[str, str]) -> PlannedWay:
    """The plan where there is no way between two captions, so that no model needs to be asked."""
    if all(captions):
        reason = "Both images have the same caption, which serves all key frames."
    elif any(captions):
        reason = "Only one image has a caption, which serves all key frames."
    else:
        reason = "Neither image has a caption: the key frames are painted without a prompt."
    return PlannedWay((captions[0] or captions[1],), Way("template" if any(captions) else "none", reason))
