"""The gallery of runs that are compared: a table, or a flow, whose rows and columns are named by their values.

Everything that comes from a user, a file or a run passes through `html.escape`.
"""

from html import escape
from pathlib import Path
from typing import Any

from app.account import setting_name
from app.jobs import Snapshot
from app.markup import bar, file_url, seconds_text, sentence
from app.runs import Places
from pipeline.history import History
from pipeline.records import AxisRecord, PlaceRecord, RunRecord, RunStatus
from pipeline.sweeps.grid import IMAGE, step_text

STATES = {
    RunStatus.QUEUED: "waiting",
    RunStatus.RUNNING: "under way",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "stopped",
    RunStatus.INTERRUPTED: "interrupted",
}
"""What a cell says of a run without a video."""


def gallery(shown: RunRecord, runs: Places, history: History, sheet: Path | None) -> str:
    """All runs that are compared with the one that is `shown` below; `sheet` is their contact sheet, once drawn."""
    place = shown.place
    if place is None or not runs:
        return ""
    cells = {where: _cell(place, where, run, history, shown.run_id) for where, run in runs.items()}
    is_table = 1 not in (len(place.rows.values), len(place.columns.values))
    body = _table(place, cells) if is_table else _flow(place, cells)
    return f'<section class="card sweep">{_head(place, runs, sheet)}{body}{_sheet(sheet)}</section>'


def progress(runs: Places) -> dict[str, Any]:
    """What the run under way of a group is doing, for its cell: its id, how much is done, and that in words."""
    job = next((each for each in runs.values() if each.progress is not None and not each.is_finished), None)
    if job is None or job.progress is None:
        return {}
    fraction = job.progress.done / max(1, job.progress.total)
    left = job.progress.seconds_left
    words = f"{100 * fraction:.0f} %" + (f" · {seconds_text(left)} left" if left is not None else "")
    return {"run": job.record.run_id, "percent": round(100 * fraction, 1), "words": words}


def _head(place: PlaceRecord, runs: Places, sheet: Path | None) -> str:
    count = len(place.rows.values) * len(place.columns.values)
    ended = sum(run.is_finished for run in runs.values())
    films = sum(run.record.output is not None for run in runs.values())
    told = f"{films} of {count} videos are made" if ended < count or films < count else f"{count} videos"
    buttons = '<button type="button" data-play="yes">Play all</button>' if films > 1 else ""
    if any(not run.is_finished for run in runs.values()):
        buttons += f'<button type="button" data-halt="{escape(_group(runs))}">Stop all</button>'
    if sheet is not None:
        url, name = escape(file_url(sheet)), escape(sheet.name)
        buttons += f'<a class="button" href="{url}" download="{name}">Download the contact sheet</a>'
    return f'<header><h3>Side by side</h3><span role="status">{told}</span><p>{buttons}</p></header>'


def _group(runs: Places) -> str:
    return next(iter(runs.values())).record.group


def _table(place: PlaceRecord, cells: dict[tuple[int, int], str]) -> str:
    columns = range(len(place.columns.values))
    heads = "".join(f'<th scope="col">{_name(place.columns, column)}</th>' for column in columns)
    rows = "".join(
        f'<tr><th scope="row">{_name(place.rows, row)}</th>'
        + "".join(f"<td>{cells.get((row, column), '')}</td>" for column in columns)
        + "</tr>"
        for row in range(len(place.rows.values))
    )
    return f'<div class="grid"><table><thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _flow(place: PlaceRecord, cells: dict[tuple[int, int], str]) -> str:
    shown = "".join(
        f"<li>{cells[row, column]}<p>{_name(place.rows, row)} {_name(place.columns, column)}</p></li>"
        for row in range(len(place.rows.values))
        for column in range(len(place.columns.values))
        if (row, column) in cells
    )
    return f'<ul class="flow">{shown}</ul>'


def _name(axis: AxisRecord, step: int) -> str:
    """The name of a row or a column: settings are translated, their values are the user's own."""
    pairs = zip(axis.settings, axis.values[step], strict=True)
    return "<br>".join(compared_value(name, value) for name, value in pairs)


def compared_value(name: str, value: str) -> str:
    """A value by which runs are compared, with the setting that it is of; an image stands for itself."""
    setting = "" if name == IMAGE else f"<span>{escape(setting_name(name))}</span> "
    return f'{setting}<b translate="no">{escape(value)}</b>'


def _cell(place: PlaceRecord, where: tuple[int, int], run: Snapshot, history: History, shown: str) -> str:
    record = run.record
    names = (step_text(place.rows, where[0], setting_name), step_text(place.columns, where[1], setting_name))
    label = escape(", ".join(filter(None, names)))
    current = ' aria-current="true"' if record.run_id == shown else ""
    inside = _film(record, history) if record.output is not None else _state(record)
    return (
        f'<button type="button" class="cell {record.status}" data-cell="{escape(record.run_id)}"{current} '
        f'aria-label="{label}" translate="no">{inside}</button>'
    )


def _film(record: RunRecord, history: History) -> str:
    if record.output is None or not (history.outputs / record.output.path).is_file():
        return '<span class="state" translate="yes">Its video is gone.</span>'
    url = escape(file_url(history.outputs / record.output.path))
    if record.output.path.endswith(".gif"):
        return f'<img src="{url}" alt="" loading="lazy">'
    poster = history.middle_poster(record)
    still = f' poster="{escape(file_url(poster))}"' if poster is not None else ""
    return f'<video src="{url}"{still} preload="none" loop muted playsinline></video>'


def _state(record: RunRecord) -> str:
    state = f'<span class="state" translate="yes">{STATES.get(record.status, "")}</span>'
    if record.status is RunStatus.RUNNING:
        return f'{state}<span class="told" translate="yes"></span>{bar(0.0, "Progress")}'
    if record.status is RunStatus.QUEUED or record.error is None:
        return state
    return f'{state}<span class="why" translate="yes">{sentence(record.error.message)}</span>'


def _sheet(sheet: Path | None) -> str:
    if sheet is None:
        return ""
    url, path = escape(file_url(sheet)), escape(str(sheet))
    picture = f'<img src="{url}" alt="The contact sheet: the middle of every video, with its values" loading="lazy">'
    return (
        f'<figure class="sheet"><a href="{url}" target="_blank" rel="noopener">{picture}</a>'
        f'<figcaption><span>Contact sheet, saved as</span> <code translate="no">{path}</code></figcaption></figure>'
    )
