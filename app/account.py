"""The account of a run that a model made: how good it is, what to try next, what was changed to fit into memory."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from app.charts import memory_chart
from app.form import flat, label_of
from app.jobs import Snapshot
from app.markup import bytes_text, details, facts, file_url, seconds_text, section, table
from app.texts import LABELS
from pipeline.records import Advice, DowngradeRecord, OutputRecord, RunRecord
from pipeline.sweeps.grid import value_text

PHASE_NAMES = {
    "load": "Loading the model",
    "place": "Moving it into place",
    "condition": "Reading prompt and image",
    "sample": "Sampling",
    "decode": "Decoding",
}


def setting_name(name: str) -> str:
    """A setting's full name as it is called on the page: animate.guidance_scale becomes "Guidance scale"."""
    return LABELS.get(name, label_of(name))


def quality_part(record: RunRecord) -> str:
    """The measures of the video, each with a verdict in words, and what they advise to try next."""
    if not record.quality:
        return ""
    from pipeline.quality import describe_quality

    rows = [tuple(row) for row in describe_quality(record.quality)]
    measured = table("quality", ("Measure", "Value", "Verdict"), rows)
    advice = "".join(_advice(number, each, record.run_id) for number, each in enumerate(record.advice))
    below = section("What to try next", f'<ul class="advice">{advice}</ul>') if advice else ""
    return section("Quality", measured) + below


def _advice(number: int, advice: Advice, run_id: str) -> str:
    button = (
        f'<button type="button" data-advice="{number}" data-of="{escape(run_id)}">{escape(try_text(advice))}</button>'
        if advice.runs
        else ""
    )
    return f"<li><span>{escape(advice.message)}</span>{button}</li>"


def try_text(advice: Advice) -> str:
    """What the button of an advice says: "Try guidance scale 7, 9, 12"."""
    values: dict[str, list[str]] = {}
    for run in advice.runs:
        for name, value in flat(run).items():
            values.setdefault(name, []).append(_short(value_text(value)))
    values.pop("seed", None)  # runs that are to be compared keep it
    changes = "; ".join(f"{_lower(setting_name(name))} {', '.join(each)}" for name, each in values.items())
    return f"Try {changes}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _lower(name: str) -> str:
    """The name in the midst of a sentence: words such as LoRA and VAE stay as they are."""
    return name[:1].lower() + name[1:] if name.partition(" ")[0][1:].islower() else name


def downgrades_part(downgrades: Sequence[DowngradeRecord]) -> str:
    """What was changed to fit into memory: what, why, what it costs, and the values before and after."""
    rows = "".join(f"<li>{escape(each.message)}{_mark(each)}{_changes(each)}</li>" for each in downgrades)
    return section("Changed to fit into memory", f'<ul class="rungs">{rows}</ul>') if rows else ""


def _mark(downgrade: DowngradeRecord) -> str:
    if downgrade.changes_picture:
        return '<span class="tag warning">changes the picture</span>'
    return '<span class="tag">same picture</span>'


def _changes(downgrade: DowngradeRecord) -> str:
    changed = (
        f"<li>{escape(setting_name(name))} <s>{escape(value_text(before))}</s> → "
        f"<b>{escape(value_text(downgrade.after.get(name)))}</b></li>"
        for name, before in downgrade.before.items()
    )
    return f'<ul class="changed">{"".join(changed)}</ul>' if downgrade.before else ""


def model_facts(record: RunRecord) -> str:
    """Rows of the record that say which weights made the frames, and on what."""
    model = record.model
    if model is None:
        return ""
    weights = " · ".join(part for part in (model.repository, model.variant, model.revision) if part)
    on = {"cuda": "GPU", "cpu": "processor"}.get(model.device or "", model.device or "")
    rows = {"Weights": weights, "Licence": model.licence, "Ran on": on, "Precision": model.precision}
    return facts((name, text) for name, text in rows.items() if text)


def forecast_facts(record: RunRecord) -> str:
    """A row with what was foreseen, to be held against what came."""
    foreseen = record.forecast
    if foreseen is None:
        return ""
    parts = [f"{bytes_text(foreseen.gpu_bytes)} on the GPU"] if foreseen.gpu_bytes else []
    parts.append(f"{bytes_text(foreseen.ram_bytes)} of memory")
    parts += [seconds_text(foreseen.seconds)] if foreseen.seconds else []
    return facts([("Forecast", ", ".join(parts))])


def phases_part(record: RunRecord) -> str:
    """The phases of the engine with their times and memory, failed attempts included."""
    phases = [phase for stage in record.stages for phase in stage.phases]
    on_gpu = any(phase.peak_gpu_bytes for phase in phases)
    heads = ["Phase", "Time", "Steps", "Memory", *(["GPU"] if on_gpu else []), "Outcome"]
    rows = []
    for phase in phases:
        gpu = [_bytes(phase.peak_gpu_bytes)] if on_gpu else []
        name = PHASE_NAMES.get(phase.name, phase.name)
        steps = str(phase.steps) if phase.steps else ""
        rows.append([name, f"{phase.seconds:.2f} s", steps, _bytes(phase.peak_memory_bytes), *gpu, phase.outcome])
    return section("Phases", table("phases", heads, rows))


def _bytes(count: int | None) -> str:
    return bytes_text(count) if count else ""


def memory_part(record: RunRecord) -> str:
    """The memory of the run over time. Its stages stand in the record."""
    return section("Memory", memory_chart(record.memory_timeline, record.gpu_timeline))


def candidates_part(record: RunRecord, outputs: Path) -> str:
    """The other candidates that were kept, small, each to play and to download."""
    films = "".join(small_film(each, outputs, each.path) for each in record.candidates)
    return section("The other candidates", f'<div class="films">{films}</div>') if films else ""


def small_film(output: OutputRecord, outputs: Path, caption: str) -> str:
    """A video in small, with a caption that downloads it."""
    url = escape(file_url(outputs / output.path))
    if output.path.endswith(".gif"):
        film = f'<img src="{url}" alt="{escape(caption)}">'
    else:
        film = f'<video src="{url}" loop muted playsinline controls aria-label="{escape(caption)}"></video>'
    return f'<figure>{film}<figcaption><a href="{url}" download>{escape(caption)}</a></figcaption></figure>'


def account(job: Snapshot, outputs: Path) -> str:
    """Everything that stands between the video and its record."""
    record = job.record
    parts = (
        candidates_part(record, outputs),
        downgrades_part(record.downgrades),
        quality_part(record),
    )
    return "".join(parts)


def measured(record: RunRecord) -> str:
    """Where the time and the memory went, to unfold."""
    return details("Time and memory", phases_part(record) + memory_part(record))
