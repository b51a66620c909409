"""The parts of the page that are only shown: the reading of the prompt, progress, result and record, as HTML.

Everything that comes from a user, a file or a run passes through `html.escape`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from app.account import account, downgrades_part, forecast_facts, measured, model_facts
from app.brush import COLOURS, frame_url, thumbnail_url
from app.engines import card_of, download_button
from app.jobs import Snapshot
from app.markup import bar, bytes_text, details, facts, file_url, seconds_text, sentence, sentences
from app.texts import EXAMPLE_PHOTOS
from pipeline.context import Glimpse, LogLine, Progress
from pipeline.errors import ModelMissing
from pipeline.motion_plan import MotionPlan, Region
from pipeline.records import Notice, OutputRecord, RunRecord, RunStatus, fps_text
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.engines.motion.prompt import PromptReading
    from pipeline.preview import Outlook, PassagePreview, Preview

STAGE_NAMES = {
    "prepare": "Preparing the photo",
    "align": "Looking for what both photos share",
    "caption": "Describing the photos",
    "plan": "Planning the way",
    "keyframes": "Painting key frames",
    "interpolate": "Measuring motion",
    "animate": "Making frames",
    "encode": "Making and encoding frames",
}


def empty_result(how: str) -> str:
    """What stands in place of a result before the first run: how to get one."""
    return (
        '<div class="placeholder"><svg viewBox="0 0 48 48" aria-hidden="true"><rect x="4" y="9" width="40" height="30" '
        'rx="6"/><path d="M20 18l11 6-11 6z"/></svg><strong>Your video appears here</strong>'
        f"<span>{escape(how)}</span></div>"
    )


EMPTY_RESULT = empty_result("Choose a photo, say what should happen, and press Generate.")


def error_panel(message: str) -> str:
    """One sentence that says what is wrong, or nothing."""
    return f'<p class="alert error" role="alert">{sentence(message)}</p>' if message else ""


def notices_list(notices: Iterable[Notice]) -> str:
    """Notices as a list, warnings marked."""
    return sentences((notice.level, notice.message) for notice in notices)


def summary(settings: Settings) -> str:
    """What a run makes, in one line: "1280 × 720, 90 frames at 30 fps: 3.0 s"."""
    return _film_text(settings, settings.animate.num_frames)


def _film_text(settings: Settings, frames: int) -> str:
    fps = settings.encode.fps
    size = f"{settings.prepare.width} × {settings.prepare.height}"
    return f"{size}, {frames} frames at {fps_text(fps)} fps: {float(frames / fps):.1f} s"


def status_panel(job: Snapshot | None, active: Sequence[Snapshot], painted: str = "") -> str:
    """Progress of the followed job with its log as it comes, and the other jobs that run or wait.

    `painted` shows what is done of it already.
    """
    others = [other for other in active if job is None or other.record.run_id != job.record.run_id]
    own = _under_way(job, painted) if job is not None and not job.is_finished else ""
    return f'<section class="card status">{own}{_queue(others)}</section>' if own or others else ""


def _under_way(job: Snapshot, painted: str) -> str:
    glimpse = _glimpse(job.glimpse) if job.glimpse is not None else ""
    return f"{_progress(job)}{glimpse}{painted}{downgrades_part(job.record.downgrades)}{_log(job.lines)}"


def _glimpse(glimpse: Glimpse) -> str:
    """A small picture of what is in the making. Decoded at once, or it would flicker at every step."""
    caption = escape(glimpse.caption)
    picture = f'<img src="{frame_url(glimpse.frame)}" alt="Preview: {caption}" decoding="sync">'
    return f'<figure class="glimpse">{picture}<figcaption>{caption}</figcaption></figure>'


def result_panel(job: Snapshot | None, outputs: Path, siblings: Sequence[Snapshot] = (), told: str = "") -> str:
    """The finished video with its account and record; for a run that ended otherwise, why.

    `siblings` are the runs that were asked for together with this one, itself among them; `told` is what else there is
    to say of how it came about.
    """
    if job is None:
        return EMPTY_RESULT
    if not job.is_finished:
        return ""
    record = job.record
    head = _video(record.output, outputs) if record.output else _ending(record)
    if record.job == "plan" and record.error is None:
        head = '<p class="alert info" role="status">The plan is written: look it over, change it, and generate.</p>'
    below = f"{_record(record)}{measured(record)}{details('Log', _log(job.lines))}{_json(record)}"
    shown = f"{head}{told}{account(job, siblings, outputs)}{below}"
    return f'<section class="card result" data-run="{escape(record.run_id)}">{shown}</section>'


def _progress(job: Snapshot) -> str:
    title, fraction = _stage(job)
    told = "" if job.position else " · ".join(_how_far(job, fraction))
    head = f'<div class="progress-head"><strong>{escape(title)}</strong><span>{escape(told)}</span></div>'
    return f"{head}{bar(fraction, 'Progress')}"


def _how_far(job: Snapshot, fraction: float) -> list[str]:
    """Step, per cent and time left, as far as they are known."""
    progress = job.progress
    counts = progress is not None and progress.phase and progress.total > 1
    found = [f"step {progress.done} of {progress.total}"] if progress is not None and counts else []
    found.append(f"{100 * fraction:.0f} %")
    if progress is not None and progress.seconds_left is not None and not job.stopping:
        found.append(f"{seconds_text(progress.seconds_left)} left")
    return found


def _stage(job: Snapshot) -> tuple[str, float]:
    """What a job is doing, and the part of it that is done."""
    if job.position:
        return ("Next in the queue" if job.position == 1 else f"Place {job.position} in the queue"), 0.0
    if job.progress is None:
        return "Starting", 0.0
    title = "Stopping" if job.stopping else _doing(job.progress)
    return title, job.progress.done / max(1, job.progress.total)


def _doing(progress: Progress) -> str:
    return progress.phase[:1].upper() + progress.phase[1:] or STAGE_NAMES.get(
        progress.stage, progress.stage.capitalize()
    )


def _log(lines: Iterable[LogLine]) -> str:
    rows = "".join(f'<li class="{line.level}">{escape(line.message)}</li>' for line in lines)
    return f'<ol class="log" aria-label="Log of the run">{rows}</ol>' if rows else ""


def _queue(others: Sequence[Snapshot]) -> str:
    rows = ""
    for other in others:
        title, fraction = _stage(other)
        state = title if other.position else f"{title}, {100 * fraction:.0f} %"
        names = " to ".join(each.name for each in other.record.inputs if each.role != "mask")
        what = f"{names}: {other.record.requested.prompt or 'no prompt'}"
        button = f'<button type="button" data-cancel="{escape(other.record.run_id)}">Cancel</button>'
        rows += f"<li><span>{escape(what)}<small>{escape(state)}</small></span>{button}</li>"
    return f'<h4>Other videos in the queue</h4><ul class="queue">{rows}</ul>' if rows else ""


def _video(output: OutputRecord, outputs: Path) -> str:
    path = outputs / output.path
    url = escape(file_url(path))
    size = f'width="{output.width}" height="{output.height}"'
    if path.suffix == ".gif":
        player = f'<img class="film" src="{url}" {size} alt="The finished animation">'
    else:
        player = f'<video class="film" src="{url}" {size} autoplay loop muted playsinline controls></video>'
    facts = (
        f"{output.width} × {output.height} · {output.num_frames} frames at {fps_text(output.fps)} fps · "
        f"{output.duration:.2f} s · {bytes_text(output.bytes)}"
    )
    return (
        f'{player}<div class="result-head"><div><strong>{escape(output.path)}</strong><span>{facts}</span></div>'
        f'<a class="button primary" href="{url}" download="{escape(output.path)}">Download</a></div>'
        f'<p class="path"><span>Saved as</span> <code>{escape(str(path))}</code></p>'
    )


def _ending(record: RunRecord) -> str:
    message = record.error.message if record.error else "The run was interrupted."
    kind = "info" if record.status is RunStatus.CANCELLED else "error"
    title = {"cancelled": "Stopped", "failed": "No video was made"}.get(record.status.value, record.status.value)
    told = f"<strong>{escape(title)}</strong><p>{sentence(message)}</p>{_mending(record)}"
    return f'<div class="alert {kind}" role="alert">{told}</div>'


def _mending(record: RunRecord) -> str:
    """The button that gets the model that a run did not find."""
    asked = record.requested
    card = card_of(asked.animate.engine if record.job == "animate" else asked.transition.engine)
    missing = record.error is not None and record.error.type == ModelMissing.__name__
    return download_button(card) if missing and card is not None else ""


def _record(record: RunRecord) -> str:
    """The record for people: what was asked, what was used, how long it took, what was said."""
    used = record.used or record.requested
    rows = [
        ("Status", record.status.value),
        ("Image", _inputs(record)),
        ("Prompt", record.requested.prompt or "none"),
        ("Asked for", f"preset {record.requested.preset}, seed {record.requested.seed}"),
        ("Made", _film_text(record.used, _frames(record, record.used)) if record.used else "nothing"),
        ("Engine", used.animate.engine if record.job == "animate" else used.transition.engine),
    ]
    body = facts(rows) + model_facts(record)
    shown = {downgrade.message for downgrade in record.downgrades}
    told = [notice for notice in record.notices if notice.message not in shown]
    again = f'<button type="button" data-seed="{record.seed}">Use again</button>'
    seed = f'<dt>Seed</dt><dd><code class="seed">{record.seed}</code> {again}</dd>'
    return f'<dl class="record">{body}{seed}{forecast_facts(record)}{_times(record)}</dl>{notices_list(told)}'


def _inputs(record: RunRecord) -> str:
    masks = sum(each.role == "mask" for each in record.inputs)
    images = [
        f"{each.name}, {each.width} × {each.height}" if each.width else each.name
        for each in record.inputs
        if each.role != "mask"
    ]
    return " and ".join(images) + (f", {masks} painted area{'s' if masks > 1 else ''}" if masks else "")


def _frames(record: RunRecord, used: Settings) -> int:
    return used.animate.num_frames if record.job == "animate" else used.transition.num_frames


def _times(record: RunRecord) -> str:
    stages = ", ".join(f"{stage.name} {stage.seconds:.1f} s" for stage in record.stages)
    peak = max((stage.peak_memory_bytes or 0 for stage in record.stages), default=0)
    rows = []
    if record.started_at and record.finished_at:
        took = f"{(record.finished_at - record.started_at).total_seconds():.1f} s"
        rows.append(("Took", f"{took} ({stages})" if stages else took))
    if peak:
        rows.append(("Peak memory", bytes_text(peak)))
    return facts(rows)


def _json(record: RunRecord) -> str:
    return details("Record as JSON", f'<pre class="json">{escape(record.model_dump_json(indent=2))}</pre>')


def examples_strip() -> str:
    """The example photos as buttons with small pictures."""
    buttons = "".join(
        f'<button type="button" data-example="{number}" title="{escape(example.prompt)}">'
        f'<img src="{thumbnail_url(example.path)}" alt=""><span>{escape(example.title)}</span></button>'
        for number, example in enumerate(EXAMPLE_PHOTOS)
    )
    return f'<div class="strip"><span>Or try</span>{buttons}</div>'


def area_labels(regions: Sequence[Region]) -> list[str]:
    """What the brush's colours stand for: the plan's regions, and areas that the plan does not name."""
    names = [region.kind.replace("_", " ").capitalize() for region in regions]
    return names + [f"Area {number + 1}" for number in range(len(names), len(COLOURS))]


def reading_hint() -> str:
    """What stands in place of the reading while there is no prompt."""
    return '<h3>How the prompt is read</h3><p class="hint">Write a prompt and its reading appears here.</p>'


READING = "<h3>How the prompt is read</h3>"


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
    plan = preview.settings.animate.motion.plan
    parts = [READING]
    if plan is not None:
        parts.append(_plan(plan, asked))
    if not asked.edited:
        reading = preview.reading
        level = "warning" if reading.understood or reading.unknown else "info"
        parts.append(_words(reading) + sentences((level, note) for note in reading.notes))
    parts.append(notices_list(preview.notices))
    if asked.photo:
        parts.append(f'<p class="summary">{escape(summary(preview.settings))}</p>')
    return "".join(parts)


def outlook_panel(preview: "Preview") -> str:
    """What a model would make, what that would need of this machine, and what would be changed to fit."""
    outlook = preview.outlook
    if outlook is None:
        return ""
    kind = "no" if not outlook.fits else "less" if outlook.downgrades else "fits"
    time = f"<p>Takes about {seconds_text(outlook.seconds)}, from earlier runs here.</p>" if outlook.seconds else ""
    return (
        f'<div class="outlook {kind}"><p class="summary">{escape(summary(preview.settings))}</p>'
        f"{bar(outlook.share, 'Memory that would be used')}<p>{sentence(outlook.text)}</p>{time}"
        f"{_rungs(outlook)}</div>{notices_list(preview.notices)}"
    )


def passage_outlook(preview: "PassagePreview") -> str:
    """What a transition would make, and what a model that makes all of it would need."""
    made = f'<p class="summary">{escape(_film_text(preview.settings, preview.settings.transition.num_frames))}</p>'
    outlook = preview.outlook
    if outlook is None:
        return made + notices_list(preview.notices)
    kind = "no" if not outlook.fits else "less" if outlook.downgrades else "fits"
    meter = bar(outlook.share, "Memory that would be used")
    needs = f'<div class="outlook {kind}">{made}{meter}<p>{sentence(outlook.text)}</p>{_rungs(outlook)}</div>'
    return needs + notices_list(preview.notices)


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


def _words(reading: "PromptReading") -> str:
    """The words of the prompt: what each was taken as, and those that were not understood."""
    known = "".join(
        f"<li><b>{escape(words)}</b>{_meaning(words, meaning)}</li>" for words, meaning in reading.understood
    )
    unknown = "".join(
        f'<li class="unknown"><b>{escape(words)}</b><span>not understood</span></li>' for words in reading.unknown
    )
    return f'<ul class="words">{known}{unknown}</ul>' if known or unknown else ""


def _meaning(words: str, meaning: str) -> str:
    """What words were taken as, unless that is the same again."""
    return "" if meaning.lower() in words.lower() else f"<span>{escape(meaning)}</span>"
