"""What the tab System shows: readings, models, sizes, findings, the log and the report, as HTML.

Everything that comes from a file, a log or a person passes through `html.escape`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from app.downloads import Download
from app.engines import download_button, download_state, link
from app.markup import bar, bytes_text, details, facts, sentence, table
from pipeline.catalogue import Card, all_names, find_card, model_names
from pipeline.log_lines import LogEntry
from pipeline.records import Environment

if TYPE_CHECKING:
    from pipeline.doctor import Finding
    from pipeline.memory.live import Reading
    from pipeline.models.status import ModelStatus
    from pipeline.usage import Usage

NO_GPU = "There is no NVIDIA GPU: the built-in engine needs none, and models run on the processor, slowly."
NO_MODEL = "No model is in memory: the first run that needs one loads it."
DOCTOR_HINT = "Looks at all that a run needs, and says what is missing and what to do about it."
ASK_EMPTY = "Empty the cache? What it holds is made anew when it is next asked for."

KIND_TITLES = {
    "videos": "Videos and their records",
    "inputs": "Photos and other inputs",
    "segments": "Parts of long videos",
    "keyframes": "Painted key frames",
    "cache": "Cache of stage results",
    "history": "Posters and index of the history",
    "trash": "Trash",
}

STATES = {"good": "ready", "note": "partial", "missing": "missing"}
"""How a finding of the doctor is marked, in the classes of the models' states."""


def live_panel(reading: "Reading", environment: Environment, resident: str | None) -> str:
    """GPU, memory and disk at this moment, and the model in memory."""
    memory = f"{bytes_text(reading.own)} of it by this program"
    meters = [
        _gpu(reading, environment),
        _meter("Memory", reading.ram_total - reading.ram_available, reading.ram_total, memory),
        _meter("Disk", reading.disk_total - reading.disk_free, reading.disk_total, _free(reading.disk_free)),
    ]
    return f'<div class="meters">{"".join(meters)}</div>{_resident(resident)}'


def _gpu(reading: "Reading", environment: Environment) -> str:
    if reading.gpu is None:
        return f'<div class="meter"><div class="progress-head"><strong>GPU</strong></div><small>{NO_GPU}</small></div>'
    driver = f", driver {environment.driver}" if environment.driver else ""
    return _meter("GPU", reading.gpu.used, reading.gpu.total, f"{environment.gpu or 'NVIDIA'}{driver}")


def _free(count: int) -> str:
    return f"{bytes_text(count)} free for the outputs"


def _meter(title: str, used: int, total: int, told: str) -> str:
    """A quantity of which a part is in use."""
    told_head = f"<strong>{title}</strong><span>{bytes_text(used)} of {bytes_text(total)} in use</span>"
    bars = bar(used / max(1, total), f"{title} in use")
    return f'<div class="meter"><div class="progress-head">{told_head}</div>{bars}<small>{escape(told)}</small></div>'


def _resident(name: str | None) -> str:
    if name is None:
        return f'<p class="resident hint">{NO_MODEL}</p>'
    title = find_card(name).title if name in all_names() else name
    told = f'<span>In memory: <b translate="no">{escape(title)}</b></span>'
    return f'<p class="resident">{told}{_button("free", "Free its memory")}</p>'


def _button(name: str, text: str, ask: str = "") -> str:
    """A button that sets off the event `name`, once the question is answered with yes."""
    question = f' data-ask="{escape(ask)}"' if ask else ""
    return f'<button type="button" class="button plain" data-{name}="yes"{question}>{escape(text)}</button>'


def models_panel(models: "Sequence[tuple[Card, ModelStatus]]", download_of: Callable[[str], Download | None]) -> str:
    """All models with what is here of them, those that make videos first, and the way to have the others."""
    rows: dict[bool, list[str]] = {True: [], False: []}
    for card, status in models:
        rows[card.name in model_names()].append(_model(card, status, download_of(card.name)))
    return _models("They make videos", rows[True]) + _models("They help on the way", rows[False])


def _models(title: str, rows: Sequence[str]) -> str:
    return f'<h4>{title}</h4><ul class="queue models helpers">{"".join(rows)}</ul>' if rows else ""


def _model(card: Card, status: "ModelStatus", download: Download | None) -> str:
    name = f'<span class="state {status.state}" translate="no">{escape(card.title)}</span>'
    told = f"<small>{_size(card, status)} · {link(card.licence_url, card.licence)}</small>"
    if download is not None and download.active:
        return f'<li class="wide"><span>{name}{told}</span>{download_state(download)}</li>'
    message = "" if download is None else download.message
    ended = f'<p class="alert error" role="alert">{sentence(message)}</p>' if message else ""
    how = f"<small>{sentence(status.message)}</small>" if card.files and status.state != "ready" else ""
    button = "" if status.state == "ready" or card.files else download_button(card)
    return f"<li><span>{name}{told}{how}</span>{button}{ended}</li>"


def _size(card: Card, status: "ModelStatus") -> str:
    """What of a model is here, in words."""
    if status.state == "ready":
        return f"{bytes_text(status.bytes_present)}, here"
    if status.state == "partial":
        return f"{bytes_text(status.bytes_present)} of {bytes_text(status.bytes_total)}, here in part"
    return f"{bytes_text(card.total_bytes)}, not here"


def usage_panel(usage: "Sequence[Usage]", message: str = "") -> str:
    """What the outputs take on the disk, by kind, and the button that empties the cache."""
    rows = [(KIND_TITLES[each.kind], str(each.files), bytes_text(each.bytes)) for each in usage]
    total = ("Together", str(sum(each.files for each in usage)), bytes_text(sum(each.bytes for each in usage)))
    button = _button("empty", "Empty the cache", ASK_EMPTY)
    told = f'<p class="alert info" role="status">{sentence(message)}</p>' if message else ""
    return f"{table('usage', ('What', 'Files', 'Size'), [*rows, total])}<p>{button}</p>{told}"


def emptied(before: int, after: int) -> str:
    """What came of emptying the cache, of which so many bytes were and are there."""
    freed = f"The cache is emptied of {bytes_text(before - after)}."
    return f"{freed} {bytes_text(after)} are left, which another program is using." if after else freed


def doctor_panel(findings: "Sequence[Finding] | None") -> str:
    """The button that asks the doctor, and what he found, if he was asked."""
    head = f'<p class="hint">{DOCTOR_HINT}</p><p>{_button("examine", "Examine")}</p>'
    if findings is None:
        return head
    from pipeline.doctor import verdict

    rows = "".join(
        f'<li><span class="state {STATES[each.level]}"><b>{escape(each.subject)}</b></span>'
        f"<span>{sentence(each.message)}</span></li>"
        for each in findings
    )
    return f'{head}<p role="status">{escape(verdict(findings))}</p><ul class="findings">{rows}</ul>'


def log_panel(entries: Sequence[LogEntry], limit: int) -> str:
    """Lines of the log, the newest first, each with its traceback to unfold."""
    again = f"<p>{_button('again', 'Read it again')}</p>"
    if not entries:
        return f'{again}<p class="hint">The log has no such line.</p>'
    rows = "".join(_line(entry) for entry in entries)
    more = f'<p class="hint">These are the newest {limit}: ask for less to see older ones.</p>'
    return f'{again}<ol class="log" translate="no">{rows}</ol>{more if len(entries) == limit else ""}'


def _line(entry: LogEntry) -> str:
    run = f" <code>{escape(entry.run_id)}</code>" if entry.run_id else ""
    trace = f"<pre>{escape(entry.exception)}</pre>" if entry.exception else ""
    return (
        f'<li class="{escape(entry.level.lower())}"><time>{escape(local_time(entry.time))}</time> '
        f"<b>{escape(entry.level)}</b>{run} {escape(entry.message)}{details('Traceback', trace)}</li>"
    )


def local_time(text: str) -> str:
    """A time of the log as clocks here show it; as it is where it is none."""
    try:
        return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):
        return text


def versions_panel(environment: Environment, packages: Mapping[str, str]) -> str:
    """Which program this is, and what it runs on."""
    rows = {
        "Program": f"commit {environment.git_commit[:12]}" if environment.git_commit else "not from git",
        "Python": environment.python,
        "System": f"{environment.platform}, {environment.cpu_count} cores",
        "GPU": environment.gpu or "none by NVIDIA",
        "Driver": environment.driver or "none",
    }
    listed = f'<dl class="record" translate="no">{facts(packages.items())}</dl>'
    return f'<dl class="record">{facts(rows.items())}</dl>{details(f"Packages ({len(packages)})", listed)}'


REPORT_BUTTON = '<button type="button" class="button primary" data-report="yes">Copy a report</button>'
REPORT_HINT = (
    "What this tab knows as plain text, to paste into a bug report. Prompts, names, paths and passwords are left out."
)
COPIED = "Copied: paste it where it is wanted."
SELECTED = "Your browser lets this page copy nothing: the text below is selected, for you to copy it."


def report_panel(text: str = "") -> str:
    """The button that copies the report, and the report as it was copied. system.js shows how that went."""
    head = f'<p class="hint">{REPORT_HINT}</p><p>{REPORT_BUTTON}</p>'
    if not text:
        return head
    told = (
        f'<p class="alert info" role="status"><span data-when="copied" hidden>{COPIED}</span>'
        f'<span data-when="selected" hidden>{SELECTED}</span></p>'
    )
    area = f'<textarea readonly rows="12" aria-label="The report" translate="no">{escape(text)}</textarea>'
    return f'{head}<div class="report">{told}{area}</div>'
