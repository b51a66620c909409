"""What the page shows of a run: progress, queue, result and record, as HTML.

Everything that comes from a user, a file or a run passes through `html.escape`.
"""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from app.account import account, downgrades_part, forecast_facts, measured, model_facts
from app.brush import frame_url, thumbnail_url
from app.engines import card_of, download_button
from app.jobs import Snapshot
from app.markup import bar, bytes_text, details, facts, file_url, seconds_text, sentence, sentences
from app.texts import EXAMPLE_PHOTOS
from pipeline.context import Glimpse, LogLine, Progress
from pipeline.errors import ModelMissing
from pipeline.lengths import film_length, outgoing
from pipeline.records import PICTURES, Notice, OutputRecord, RunRecord, RunStatus, fps_text
from pipeline.settings import Settings

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

FILES = {"depth": "depth from", "style": "in the style of", "driving_video": "driven by", "lora": "with"}
"""What is said before the names of other inputs than pictures."""


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
    told = dict.fromkeys((notice.level, notice.message) for notice in notices)  # two photos may be told the same
    return sentences(told)


def film_text(settings: Settings, frames: int) -> str:
    """A video of these settings in one line: "1280 × 720, 90 frames at 30 fps: 3.0 s"."""
    from pipeline.enhancement import enlarged_size
    from pipeline.video import container_size_multiple

    (fps, frames), prepare = outgoing(frames, settings.encode.fps, settings.interpolate), settings.prepare
    width, height = prepare.width or prepare.resolution, prepare.height or prepare.resolution
    multiple = container_size_multiple(settings.encode.format)
    size = " × ".join(str(side) for side in enlarged_size(settings.enhance, width, height, multiple))
    return f"{size}, {frames} frames at {fps_text(fps)} fps: {float(frames / fps):.1f} s"


def status_panel(job: Snapshot | None, painted: str = "") -> str:
    """Progress of the followed job with its log as it comes; `painted` shows what is done of it already."""
    if job is None or job.is_finished:
        return ""
    return f'<section class="card status">{_under_way(job, painted)}</section>'


def _under_way(job: Snapshot, painted: str) -> str:
    glimpse = _glimpse(job.glimpse) if job.glimpse is not None else ""
    return f"{_progress(job)}{glimpse}{painted}{downgrades_part(job.record.downgrades)}{_log(job.lines)}"


def _glimpse(glimpse: Glimpse) -> str:
    """A small picture of what is in the making. Decoded at once, or it would flicker at every step."""
    caption = escape(glimpse.caption)
    picture = f'<img src="{frame_url(glimpse.frame)}" alt="Preview: {caption}" decoding="sync">'
    return f'<figure class="glimpse">{picture}<figcaption>{caption}</figcaption></figure>'


def result_panel(job: Snapshot | None, outputs: Path, told: str = "") -> str:
    """The finished video with its account and record; for a run that ended otherwise, why.

    `told` is what else there is to say of how it came about.
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
    shown = f"{head}{told}{account(job, outputs)}{below}"
    return f'<section class="card result" data-run="{escape(record.run_id)}">{shown}</section>'


def _progress(job: Snapshot) -> str:
    title, fraction = stage_of(job)
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


def stage_of(job: Snapshot) -> tuple[str, float]:
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
    rows = "".join(f'<li class="{line.level}" translate="no">{escape(line.message)}</li>' for line in lines)
    return f'<ol class="log" aria-label="Log of the run">{rows}</ol>' if rows else ""


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
        f'{player}<div class="result-head"><div><strong translate="no">{escape(output.path)}</strong>'
        f"<span>{facts}</span></div>"
        f'<a class="button primary" href="{url}" download="{escape(output.path)}">Download</a></div>'
        f'<p class="path"><span>Saved as</span> <code>{escape(str(path))}</code></p>'
    )


def _ending(record: RunRecord) -> str:
    message = record.error.message if record.error else "The run was interrupted."
    kind = "error" if record.status is RunStatus.FAILED else "info"
    titles = {"cancelled": "Stopped", "failed": "No video was made", "interrupted": "Interrupted"}
    title = titles.get(record.status.value, record.status.value)
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
        ("Photos" if record.job != "animate" else "Image", _inputs(record)),
        ("Prompt", record.requested.prompt or "none"),
        ("Asked for", f"preset {record.requested.preset}, seed {record.requested.seed}"),
        ("Made", film_text(record.used, _frames(record, record.used)) if record.used else "nothing"),
        ("Engine", used.animate.engine if record.job == "animate" else used.transition.engine),
    ]
    body = facts(rows, own=("Prompt",) if record.requested.prompt else ()) + model_facts(record)
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
        if each.role in PICTURES
    ]
    files = "".join(f", {FILES[each.role]} {each.name}" for each in record.inputs if each.role in FILES)
    return " → ".join(images) + (f", {masks} painted area{'s' if masks > 1 else ''}" if masks else "") + files


def _frames(record: RunRecord, used: Settings) -> int:
    return film_length(used) if record.job == "animate" else used.transition.num_frames


def _times(record: RunRecord) -> str:
    stages = ", ".join(
        f"{stage.name} from an earlier run" if stage.cache_hit else f"{stage.name} {stage.seconds:.1f} s"
        for stage in record.stages
    )
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
