"""What the page shows of a request before it is run: how the prompt is read, what would be made, what that would need.

Everything that comes from a user or a file passes through `html.escape`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from app.brush import COLOURS
from app.markup import bar, seconds_text, sentence, sentences
from app.panels import error_panel, film_text, notices_list
from pipeline.lengths import film_length
from pipeline.motion_plan import MotionPlan, Region
from pipeline.settings import Segment, Settings

if TYPE_CHECKING:
    from pipeline.engines.motion.prompt import PromptReading
    from pipeline.preview import Outlook, PassagePreview, Preview
    from pipeline.run.ahead import Foreseen

READING = "<h3>How the prompt is read</h3>"


def summary(settings: Settings) -> str:
    """What a run makes, in one line: "1280 × 720, 90 frames at 30 fps: 3.0 s"."""
    return film_text(settings, film_length(settings))


def area_labels(regions: Sequence[Region]) -> list[str]:
    """What the brush's colours stand for: the plan's regions, and areas that the plan does not name."""
    names = [region.kind.replace("_", " ").capitalize() for region in regions]
    return names + [f"Area {number + 1}" for number in range(len(names), len(COLOURS))]


def reading_hint() -> str:
    """What stands in place of the reading while there is no prompt."""
    return f'{READING}<p class="hint">Write a prompt and its reading appears here.</p>'


def wrong(message: str) -> str:
    """What stands in place of the reading where a setting is wrong."""
    return READING + error_panel(message)


@dataclass(frozen=True)
class Asked:
    """What of a request the reading depends on: a photo, painted areas, a plan that was edited by hand."""

    photo: bool
    painted: bool
    edited: bool


def reading_panel(preview: "Preview", asked: Asked) -> str:
    """How the prompt is read: the plan in words, the words that were understood, the others, and what will be made."""
    plan, segments = preview.settings.animate.motion.plan, preview.settings.animate.segments
    parts = [READING]
    if segments and not asked.edited:
        parts.append(_segments(segments, preview.settings.prompt))
    elif plan is not None:
        parts.append(_plan(plan, asked))
    if not asked.edited and not segments:
        reading = preview.reading
        level = "warning" if reading.understood or reading.unknown else "info"
        parts.append(_words(reading) + sentences((level, note) for note in reading.notes))
    parts.append(notices_list(preview.notices))
    if asked.photo:
        parts.append(f'<p class="summary">{escape(summary(preview.settings))}</p>' + _kept(preview.foreseen))
    return "".join(parts)


def outlook_panel(preview: "Preview") -> str:
    """What a model would make, what that would need of this machine, and what would be changed to fit."""
    if preview.outlook is None:
        return ""
    kept, notices = _kept(preview.foreseen), notices_list(preview.notices)
    return _outlook(preview.outlook, summary(preview.settings)) + kept + notices


def _kept(foreseen: "Foreseen") -> str:
    """What would be taken from earlier runs and what Generate would do, by the names that records have for stages."""
    kept, anew = (", ".join(dict.fromkeys(stages)) for stages in (foreseen.kept, foreseen.anew))
    if foreseen.is_whole:
        told = "This video was made before: it comes at once."
    elif kept:
        told = f"Kept from earlier runs: {kept}. Made anew: {anew}."
    else:
        return ""
    return f'<p class="kept">{told}</p>'


def passage_outlook(preview: "PassagePreview") -> str:
    """What a transition would make, and what a model that makes all of it would need."""
    made = film_text(preview.settings, preview.settings.transition.num_frames)
    shown = f'<p class="summary">{escape(made)}</p>'
    if preview.outlook is not None:
        shown = _outlook(preview.outlook, made)
    return shown + _kept(preview.foreseen) + notices_list(preview.notices)


def _outlook(outlook: "Outlook", made: str) -> str:
    kind = "no" if not outlook.fits else "less" if outlook.downgrades else "fits"
    time = f"<p>Takes about {seconds_text(outlook.seconds)}, from earlier runs here.</p>" if outlook.seconds else ""
    return (
        f'<div class="outlook {kind}"><p class="summary">{escape(made)}</p>'
        f"{bar(outlook.share, 'Memory that would be used')}<p>{sentence(outlook.text)}</p>{time}"
        f"{_rungs(outlook)}</div>"
    )


def _rungs(outlook: "Outlook") -> str:
    rows = "".join(f"<li>{sentence(each.message)}</li>" for each in outlook.downgrades)
    return f'<p>So that it fits:</p><ul class="rungs">{rows}</ul>' if rows else ""


def _plan(plan: MotionPlan, asked: Asked) -> str:
    from pipeline.engines.motion.prompt import describe_plan

    mark = '<span class="tag">edited by you</span>' if asked.edited else ""
    hint = (
        '<p class="hint">What moves by itself is looked for in the photo: Find areas shows where, to correct it.</p>'
        if plan.regions and asked.photo and not asked.painted
        else ""
    )
    return f'<p class="plan">{escape(describe_plan(plan))}{mark}</p>{hint}'


def _segments(segments: Sequence[Segment], prompt: str) -> str:
    """How the prompt of each segment is read, with the words that were not understood."""
    from pipeline.engines.motion.prompt import describe_plan, read_prompt

    rows = ""
    for segment in segments:
        asked = segment.prompt or prompt
        reading = read_prompt(asked)
        unknown = f" Not understood: {', '.join(reading.unknown)}." if reading.unknown else ""
        told = escape(describe_plan(reading.plan) + unknown)
        title = f'<b translate="no">{escape(asked)}</b>' if asked else "<b>no prompt</b>"
        rows += f"<li>{title}, {segment.seconds:g} s: {told}</li>"
    return f'<ol class="segments">{rows}</ol>'


def _words(reading: "PromptReading") -> str:
    """The words of the prompt: what each was taken as, and those that were not understood."""
    known = "".join(
        f'<li><b translate="no">{escape(words)}</b>{_meaning(words, meaning)}</li>'
        for words, meaning in reading.understood
    )
    unknown = "".join(
        f'<li class="unknown"><b translate="no">{escape(words)}</b><span>not understood</span></li>'
        for words in reading.unknown
    )
    return f'<ul class="words">{known}{unknown}</ul>' if known or unknown else ""


def _meaning(words: str, meaning: str) -> str:
    """What words were taken as, unless that is the same again."""
    return "" if meaning.lower() in words.lower() else f"<span>{escape(meaning)}</span>"
