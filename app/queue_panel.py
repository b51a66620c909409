"""The queue as the page shows it on every tab: what runs and waits, what can be done with it, what was broken off."""

from dataclasses import dataclass
from html import escape

import gradio as gr

from app.animate import live_panel, script
from app.gallery import compared_value
from app.job import Queue, Snapshot
from app.panels import stage_of
from pipeline.records import PICTURES, RunRecord
from pipeline.sweeps.grid import IMAGE

MOST_SHOWN = 50
"""Runs that are listed; more are counted."""

MOST_INTERRUPTED = 5
"""The same of those that were broken off; the history has them all."""

KINDS = {"animate": "Animate", "transition": "Transition", "plan": "Plan of a transition"}

PAUSED = "The queue is paused: what runs is finished, and nothing else begins until you continue."
EDITING = "You are changing a video that waits. Painted areas and an edited motion stay unless you change them."


@dataclass(frozen=True)
class QueuePanel:
    """The components of the queue."""

    queue: gr.HTML
    error: gr.HTML


def build_queue_panel() -> QueuePanel:
    """Lay out the queue, above the tabs."""
    queue = live_panel("queue", script("buttons.js") + script("queue.js"), about="")
    return QueuePanel(queue, gr.HTML("", elem_id="queue-error", elem_classes="part-error"))


def queue_panel(queue: Queue, editing: str = "") -> str:
    """The queue where there is something to see: runs under way, that wait or can be resumed, or a pause.

    `editing` is the run whose settings are on the form.
    """
    waiting = [job for job in queue.active if job.position]
    if not queue.active and not queue.is_paused and not queue.interrupted:
        return ""
    told = f'<p class="alert info" role="status">{PAUSED}</p>' if queue.is_paused else ""
    if queue.left_over and not queue.is_paused:
        told = f'<p class="alert info" role="status">{_left_over(queue.left_over)}</p>'
    is_edited = any(job.record.run_id == editing for job in waiting)
    bar = _editing() if is_edited else ""
    body = f"{told}{_runs(queue, waiting, editing)}{_interrupted(queue)}"
    is_folded = not (waiting or queue.is_paused or queue.interrupted)  # what runs alone is shown by its tab, too
    head = f"<summary><h2>Queue</h2><span>{_counts(queue, len(waiting))}</span></summary>"
    more = "" if is_folded else "data-open"  # queue.js opens it, unless the person has folded it
    return f'{bar}<details class="card" {more}>{head}{_tools(queue, len(waiting))}{body}</details>'


def _left_over(count: int) -> str:
    if count == 1:
        return "1 run was waiting when the program ended: it goes on by itself."
    return f"{count} runs were waiting when the program ended: they go on by themselves."


def _counts(queue: Queue, waiting: int) -> str:
    counts = [_how_far(job) for job in queue.active if not job.position]
    counts += [f"{waiting} waiting"] if waiting else []
    return escape(" · ".join([*counts, *([f"{len(queue.interrupted)} interrupted"] if queue.interrupted else [])]))


def _tools(queue: Queue, waiting: int) -> str:
    pause = _button("proceed", "yes", "Continue") if queue.is_paused else _button("pause", "yes", "Pause")
    ask = "Take everything that waits out of the queue?"
    clear = _button("clear", "yes", "Clear", f'data-ask="{ask}"') if waiting else ""
    return f'<p class="tools">{pause}{clear}</p>' if waiting or queue.is_paused else ""


def _runs(queue: Queue, waiting: list[Snapshot], editing: str) -> str:
    rows = [_running(job) for job in queue.active if not job.position]
    rows += [_waiting(job, place, len(waiting), editing) for place, job in enumerate(waiting[:MOST_SHOWN], start=1)]
    if (left := len(waiting) - MOST_SHOWN) > 0:
        rows.append(f"<li>and {left} more</li>")
    return f'<ol class="queue">{"".join(rows)}</ol>' if rows else ""


def _running(job: Snapshot) -> str:
    stop = _button("cancel", job.record.run_id, "Stop", "disabled" if job.stopping else "")
    return f"<li><b>▸</b>{_what(job.record, _how_far(job))}<span>{stop}</span></li>"


def _how_far(job: Snapshot) -> str:
    title, share = stage_of(job)
    return f"{title}, {100 * share:.0f} %"


def _waiting(job: Snapshot, place: int, count: int, editing: str) -> str:
    run_id, current = job.record.run_id, ' aria-current="true"' if job.record.run_id == editing else ""
    earlier = _move(run_id, place - 1, "↑", "Earlier", is_possible=place > 1)
    later = _move(run_id, place + 1, "↓", "Later", is_possible=place < count)
    is_editable = len(job.images) <= 2 and job.record.place is None  # the form holds two; compared runs belong together
    edit = _button("edit", run_id, "Edit") if is_editable else ""
    tools = f"{earlier}{later}{edit}{_button('cancel', run_id, 'Take out')}"
    return f"<li{current}><b>{place}</b>{_what(job.record, KINDS[job.record.job])}<span>{tools}</span></li>"


def _what(record: RunRecord, state: str) -> str:
    names = " → ".join(each.name for each in record.inputs if each.role in PICTURES)
    text = f"{names}: {record.requested.prompt}" if record.requested.prompt else names
    told = f"<small>{escape(state)}{_compared(record)}</small>"
    return f'<span class="what"><span translate="no">{escape(text)}</span>{told}</span>'


def _compared(record: RunRecord) -> str:
    """What tells a run from those that it is compared with; its photo is named already."""
    if (place := record.place) is None:
        return ""
    steps = ((place.rows, place.row), (place.columns, place.column))
    pairs = [pair for axis, step in steps for pair in zip(axis.settings, axis.values[step], strict=True)]
    return "".join(f" · {compared_value(name, value)}" for name, value in pairs if name != IMAGE)


def _interrupted(queue: Queue) -> str:
    rows = ""
    for record in queue.interrupted[:MOST_INTERRUPTED]:
        when = (record.finished_at or record.created_at).astimezone()
        tools = f"{_button('resume', record.run_id, 'Resume')}{_button('forgo', record.run_id, 'Leave it')}"
        rows += f"<li>{_what(record, f'Broken off {when:%Y-%m-%d %H:%M}')}<span>{tools}</span></li>"
    if (left := len(queue.interrupted) - MOST_INTERRUPTED) > 0:
        rows += f"<li>and {left} more in the history</li>"
    told = "Resuming goes on from the last finished stage."
    return f'<h3>Interrupted</h3><p class="hint">{told}</p><ul class="queue">{rows}</ul>' if rows else ""


def _editing() -> str:
    save = '<button type="button" class="button primary" data-save="yes">Save in the queue</button>'
    leave = '<button type="button" class="button plain" data-unedit="yes">Leave as it was</button>'
    return f'<section class="editing card" role="status"><p>{EDITING}</p><p>{save}{leave}</p></section>'


def _move(run_id: str, place: int, sign: str, label: str, is_possible: bool) -> str:
    more = f'data-place="{place}" data-way="{label}" aria-label="{label}" title="{label}"'
    return _button("move", run_id, sign, more if is_possible else f"{more} disabled")


def _button(name: str, value: str, text: str, more: str = "") -> str:
    return f'<button type="button" data-{name}="{escape(value)}" {more}>{text}</button>'
