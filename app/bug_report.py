"""The state of the program as plain text, for a bug report: without prompts, names, paths and secrets."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.markup import bytes_text
from app.redaction import Redactor
from app.system_state import State
from pipeline.log_lines import LogEntry
from pipeline.records import Environment, RunRecord, now

if TYPE_CHECKING:
    from pipeline.memory.live import Reading

HEAD = "Prompts, names of files and people, paths, tokens and passwords are left out."

WRITTEN = re.compile(r"prompt|text")
"""Names of settings that hold what a person wrote."""

MODEL_MARKS = {"ready": "here", "partial": "in part", "missing": "not here"}


def write_report(state: State, redact: Redactor) -> str:
    """The report. Whatever the state holds, nothing personal is in it as far as `redact` knows it."""
    parts = {
        "Versions": _versions(state),
        "Machine": machine_lines(state.environment, state.reading),
        "Models": [f"in memory: {state.resident or 'none'}", *_models(state)],
        "Outputs": [f"{each.kind}: {bytes_text(each.bytes)} in {each.files} files" for each in state.usage],
        "Doctor": [f"{each.level}: {each.subject}: {each.message}" for each in state.findings],
        "Last runs": [run_line(record) for record in state.runs],
    }
    shown = {title: [redact(line) for line in lines] for title, lines in parts.items()}
    shown["Warnings and errors, newest first"] = _log(state, redact)
    body = "\n\n".join("\n".join([f"## {title}", *(lines or ["none"])]) for title, lines in shown.items())
    return f"# Image-to-Video, {now():%Y-%m-%d %H:%M} UTC\n{HEAD}\n\n{body}\n"


def machine_lines(environment: Environment, reading: "Reading") -> list[str]:
    """Processor, GPU, memory and disk, one a line."""
    gpu = reading.gpu
    memory = f", {bytes_text(gpu.free)} of {bytes_text(gpu.total)} free" if gpu else ""
    driver = f", driver {environment.driver}" if environment.driver else ""
    return [
        f"system: {environment.platform}, {environment.cpu_count} cores",
        f"GPU: {environment.gpu}{driver}{memory}" if environment.gpu else "GPU: none by NVIDIA",
        f"memory: {bytes_text(reading.ram_available)} of {bytes_text(reading.ram_total)} free, "
        f"{bytes_text(reading.own)} in use by the program",
        f"disk of the outputs: {bytes_text(reading.disk_free)} of {bytes_text(reading.disk_total)} free",
    ]


def run_line(record: RunRecord) -> str:
    """A run without anything that a person wrote."""
    used = record.used or record.requested
    engine = used.animate.engine if record.job == "animate" else used.transition.engine
    made, error = record.output, record.error
    facts = [
        f"{record.run_id}: {record.job} by {engine}, {record.status.value}",
        f"{made.width} x {made.height}, {made.num_frames} frames" if made else "",
        " ".join(f"{stage.name} {stage.seconds:.1f} s" for stage in record.stages),
        f"rungs: {' '.join(each.rung for each in record.downgrades)}" if record.downgrades else "",
        f"{error.type}, exit code {error.exit_code}" if error else "",
    ]
    return "; ".join(filter(None, facts))


def written_texts(record: RunRecord) -> list[str]:
    """What a person wrote of a run: prompts, captions, and names of files."""
    asked = [record.requested, *([record.used] if record.used else [])]
    texts = (text for settings in asked for text in _texts(settings.model_dump(mode="json")))
    return [*texts, *(each.name for each in record.inputs)]


def _texts(value: Any, is_written: bool = False) -> Iterator[str]:
    if isinstance(value, str) and is_written:
        yield value
    elif isinstance(value, dict):
        for name, below in value.items():
            yield from _texts(below, is_written or WRITTEN.search(name) is not None)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below, is_written)


def _versions(state: State) -> list[str]:
    commit = state.environment.git_commit
    return [
        f"commit: {commit or 'not known'}",
        f"Python: {state.environment.python}",
        ", ".join(f"{name} {version}" for name, version in state.packages.items()),
    ]


def _models(state: State) -> list[str]:
    """What is here of the models; those of which nothing is are only counted."""
    here = [
        f"{card.name}: {MODEL_MARKS[status.state]}, {bytes_text(status.bytes_present)}"
        for card, status in state.models
        if status.state != "missing"
    ]
    return [*here, f"not here: {len(state.models) - len(here)} others"]


def _log(state: State, redact: Redactor) -> list[str]:
    texts = {record.run_id: written_texts(record) for record in state.runs}
    everything = [text for each in texts.values() for text in each]
    return [line for entry in state.lines for line in _log_lines(entry, redact, texts, everything)]


def _log_lines(
    entry: LogEntry, redact: Redactor, texts: Mapping[str, Sequence[str]], everything: Sequence[str]
) -> Iterator[str]:
    """A line of the log with its traceback. Of a run whose prompt is not known, only that there was a line."""
    head = f"{entry.time} {entry.level} {entry.logger}"
    if entry.run_id is None:
        words = everything
    elif entry.run_id in texts:
        head, words = f"{head} {entry.run_id}", texts[entry.run_id]
    else:
        yield redact(f"{head}: of a run that is no longer in the history")
        return
    yield f"{redact(head)}: {redact.message(entry.message, words)}"
    yield from _traceback(entry.exception, redact, words)


def _traceback(text: str, redact: Redactor, words: Sequence[str]) -> Iterator[str]:
    """The frames of a traceback and the errors in it, without lines of code, which may hold anything."""
    for line in text.splitlines():
        if line.startswith("  File "):
            yield redact(line)
        elif line and not line.startswith(" "):
            yield f"  {redact.message(line, words)}"
