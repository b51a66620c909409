"""What the tab History shows: the gallery, one run, and the trash, as HTML.

Everything that comes from a record, a file or a person passes through `html.escape`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from app import panels, passage_panels
from app.jobs import Snapshot
from app.markup import bytes_text, details, file_url
from pipeline.context import LogLine
from pipeline.history import Discarded, Entry, EntryState, Found
from pipeline.log_lines import LogEntry
from pipeline.records import PICTURES, RunRecord, RunStatus

STATUS_NAMES = {
    RunStatus.QUEUED: "waiting",
    RunStatus.RUNNING: "under way",
    RunStatus.SUCCEEDED: "",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "stopped",
    RunStatus.INTERRUPTED: "interrupted",
}
"""What stands over a poster; nothing where all went well."""

BESIDE = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><rect x="3" y="6" width="8" height="12" rx="1.5"/>'
    '<rect x="13" y="6" width="8" height="12" rx="1.5"/></svg>'
)
"""Two pictures, one beside the other."""

INTO_PASSAGE = {
    "Last frame as the first photo": ("last", 0),
    "First frame as the last photo": ("first", 1),
    "First frame as the first photo": ("first", 0),
    "Last frame as the last photo": ("last", 1),
}
"""What can be taken into a transition: an end of the video, and which of the two photos it becomes."""

MOST_DISCARDED = 100
"""Runs in the trash that are listed."""

NOTHING = "No run is like that: ask for less."
NO_RUNS = "There are no runs yet: what you make appears here."


@dataclass(frozen=True)
class Marks:
    """Which runs stand out in the gallery: the one that is opened, and those that are chosen for comparing."""

    opened: str = ""
    chosen: tuple[str, ...] = ()


def gallery(found: Found, posters: Sequence[Path | None], marks: Marks, is_filtered: bool) -> str:
    """The runs that were found, each with its poster, and the button that shows more of them."""
    if not found.entries:
        return f'<p class="nothing">{NOTHING if is_filtered else NO_RUNS}</p>'
    shown = "".join(_run(entry, poster, marks) for entry, poster in zip(found.entries, posters, strict=True))
    count = f"{found.total} run{'' if found.total == 1 else 's'}"
    left = found.total - len(found.entries)
    more = f'<button type="button" class="further" data-further="yes">Show more ({left} left)</button>' if left else ""
    return f'<p class="count" role="status">{count}</p><ul class="runs">{shown}</ul>{more}'


def _run(entry: Entry, poster: Path | None, marks: Marks) -> str:
    run_id, title = escape(entry.run_id), escape(_title(entry))
    picture = (
        f'<img src="{escape(file_url(poster))}" alt="" loading="lazy">' if poster else '<span class="bare"></span>'
    )
    state = _state(entry)
    tag = f'<span class="tag">{escape(state)}</span>' if state else ""
    current = ' aria-current="true"' if entry.run_id == marks.opened else ""
    told = escape(" · ".join(_told(entry)))
    words = f'<span class="title" translate="no">{title}</span><span class="told">{told}</span>'
    star = (
        f'<button type="button" class="star" data-star="{run_id}" data-to="{"no" if entry.is_favourite else "yes"}" '
        f'aria-pressed="{str(entry.is_favourite).lower()}" aria-label="Favourite: {title}">★</button>'
    )
    run = f'<button type="button" class="run" data-open="{run_id}"{current}>{picture}{tag}{words}</button>'
    return f"<li>{run}{star}{_pick(entry, title, marks) if entry.output else ''}</li>"


def _pick(entry: Entry, title: str, marks: Marks) -> str:
    pressed = str(entry.run_id in marks.chosen).lower()
    return (
        f'<button type="button" class="pick" data-pick="{escape(entry.run_id)}" aria-pressed="{pressed}" '
        f'aria-label="Compare: {title}" title="Compare">{BESIDE}</button>'
    )


def _title(entry: Entry) -> str:
    return entry.prompt or entry.inputs or entry.run_id


def _state(entry: Entry) -> str:
    if entry.state is not EntryState.WHOLE:
        return "damaged" if entry.state is EntryState.DAMAGED else "newer version"
    return "plan" if entry.job == "plan" else STATUS_NAMES[entry.status] if entry.status else ""


def _told(entry: Entry) -> list[str]:
    length = f"{entry.duration:.1f} s" if entry.duration is not None else ""
    return [text for text in (f"{entry.created_at.astimezone():%Y-%m-%d %H:%M}", entry.engine, length) if text]


def run_panel(record: RunRecord, lines: Sequence[LogEntry], outputs: Path) -> str:
    """One run: what can be done with it, its video, and all that its record and the log tell."""
    told = tuple(LogLine("warning" if line.level != "INFO" else "info", line.message) for line in lines)
    job = snapshot(record, outputs, told)
    account = passage_panels.passage_account(job, outputs) if record.job != "animate" else ""
    body = panels.result_panel(job, outputs, told=account)
    if not job.is_finished:
        body = '<p class="alert info" role="status">This run is not finished: its own tab shows how far it is.</p>'
    return _opened(record.run_id, _actions(record, outputs) + body)


def unreadable_panel(run_id: str, message: str) -> str:
    """A record that cannot be read: why, and what can still be done."""
    return _opened(run_id, f'<p class="actions">{_discard(run_id)}</p>{panels.error_panel(message)}')


def _opened(run_id: str, body: str) -> str:
    shut = '<button type="button" class="shut" data-shut="yes" aria-label="Close this run">×</button>'
    return f'<section class="opened"><header><h3 translate="no">{escape(run_id)}</h3>{shut}</header>{body}</section>'


def snapshot(record: RunRecord, outputs: Path, lines: tuple[LogLine, ...] = ()) -> Snapshot:
    """A run of the history as the other tabs show theirs; its images are the copies that the record keeps."""
    kept = tuple(outputs / (each.path or "") for each in record.inputs if each.role in PICTURES)
    return Snapshot(record, kept, None, None, lines, position=0, stopping=False, version=0)


def _actions(record: RunRecord, outputs: Path) -> str:
    buttons = [_button("use", record.run_id, "Use these settings")]
    if record.status is RunStatus.INTERRUPTED:
        buttons.insert(0, _button("resume", record.run_id, "Resume"))
    if record.used is not None and record.job != "plan":
        buttons.append(_button("again", record.run_id, "Run again"))
    if record.output is not None:
        buttons.append(_button("frame", record.run_id, "Go on from the last frame"))
        buttons += [_into_passage(record.run_id), _button("pick", record.run_id, "Compare")]
        buttons.append(_button("fetch", record.run_id, "Download with the record"))
    if record.place is not None:
        buttons.append(_button("beside", record.run_id, "Show side by side"))
    url = escape(file_url(outputs / f"{record.run_id}.json"))
    buttons.append(f'<a class="button" href="{url}" download="{escape(record.run_id)}.json">Download the record</a>')
    return f'<p class="actions">{"".join(buttons)}{_discard(record.run_id)}</p>'


def _into_passage(run_id: str) -> str:
    """A menu of what can be taken into a transition."""
    buttons = "".join(
        f'<button type="button" data-passage="{escape(run_id)}" data-edge="{edge}" data-place="{place}">{text}</button>'
        for text, (edge, place) in INTO_PASSAGE.items()
    )
    return f'<details class="menu"><summary>Use in a transition</summary><div>{buttons}</div></details>'


def fetched(path: Path) -> str:
    """A link to a file that fetch.js follows at once."""
    return f'<a href="{escape(file_url(path))}" download="{escape(path.name)}" hidden></a>'


def _button(name: str, run_id: str, text: str) -> str:
    return f'<button type="button" data-{name}="{escape(run_id)}">{escape(text)}</button>'


def _discard(run_id: str) -> str:
    return _button("discard", run_id, "Move to the trash")


def trash_panel(runs: Sequence[Discarded]) -> str:
    """What is in the trash, each run with the button that brings it back, and the one that empties it."""
    if not runs:
        return ""
    size = bytes_text(sum(each.bytes for each in runs))
    ask = "Delete everything in the trash for good?"
    empty = f'<button type="button" class="danger" data-empty="yes" data-ask="{ask}">Empty the trash</button>'
    rows = "".join(
        f'<li><span translate="no">{escape(each.run_id)}<small>{bytes_text(each.bytes)}</small></span>'
        f"{_button('restore', each.name, 'Restore')}</li>"
        for each in runs[:MOST_DISCARDED]
    )
    if (left := len(runs) - MOST_DISCARDED) > 0:
        rows += f"<li>and {left} more</li>"
    return details(f"Trash ({len(runs)}, {size})", f'<div class="trash">{empty}<ul>{rows}</ul></div>')
