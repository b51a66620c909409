"""Two runs of the history side by side, or one over the other: compare.js plays their videos in step."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from app.account import setting_name
from app.form import flat
from app.markup import file_url, section
from pipeline.errors import InvalidInput
from pipeline.history import History
from pipeline.records import OutputRecord, RunRecord
from pipeline.sweeps.grid import value_text

Pair = tuple[str, ...]
"""Ids of the runs that are chosen, two at most, in the order in which they were chosen."""

CHOOSE = "Choose a second video to compare it with this one."
SAME = "Both were asked for with the same settings."


def chosen_with(chosen: Pair, run_id: str) -> Pair:
    """What is chosen once a run is pressed: it is taken out, or added; of three the first one goes."""
    if run_id in chosen:
        return tuple(each for each in chosen if each != run_id)
    return (*chosen, run_id)[-2:]


def comparison_panel(history: History, chosen: Pair) -> str:
    """The player of two runs with what they differ in; the hint to choose a second one; nothing without any.

    Raises InvalidInput where a run has no video that can be played in step, InvalidRecord where it cannot be read.
    """
    if len(chosen) < 2:
        return f'<p class="alert info" role="status">{CHOOSE}</p>' if chosen else ""
    records = [history.record(run_id) for run_id in chosen]
    films = "".join(_film(history.video(record.run_id), record) for record in records)
    outputs = [record.output for record in records if record.output is not None]
    stage = f'class="stage" data-mode="beside" style="--ratio:{outputs[0].width / outputs[0].height:.4f}"'
    shut = '<button type="button" class="shut" data-apart="yes" aria-label="Close the comparison">×</button>'
    return (
        f'<section class="card compare"><header><h3>Two videos in step</h3>{shut}</header>'
        f'<div {stage} tabindex="0" role="group" aria-label="Both videos">{films}</div>{_controls(outputs)}'
        f"{section('What they differ in', _differences(records))}</section>"
    )


def _film(path: Path, record: RunRecord) -> str:
    if path.suffix == ".gif":
        raise InvalidInput(f"{path.name} is a GIF, which cannot be played in step: choose an mp4 or webm.")
    title = escape(record.requested.prompt or record.run_id)
    return (
        f'<figure><video src="{escape(file_url(path))}" muted playsinline preload="auto" aria-label="{title}"></video>'
        f'<figcaption translate="no">{title}</figcaption></figure>'
    )


def _controls(outputs: Sequence[OutputRecord]) -> str:
    """One set of controls for both: play, single frames, time, and where the one ends and the other begins."""
    longest, finest = max(each.duration for each in outputs), max(each.fps for each in outputs)
    return (
        '<div class="transport">'
        '<button type="button" class="button plain" data-act="play" aria-pressed="false">'
        '<span class="when-still">Play</span><span class="when-playing">Pause</span></button>'
        '<button type="button" class="button plain" data-act="back" aria-label="One frame back">‹</button>'
        '<button type="button" class="button plain" data-act="on" aria-label="One frame on">›</button>'
        f'<input type="range" class="seek" min="0" max="{longest:.4f}" step="{float(1 / finest):.6f}" value="0" '
        f'aria-label="Time"><output translate="no">0.00 / {longest:.2f} s</output></div>'
        '<div class="transport"><button type="button" class="button plain" data-act="mode" aria-pressed="false">'
        'One over the other</button><input type="range" class="wipe" min="0" max="100" step="1" value="50" '
        'aria-label="Where the first video ends and the second begins" disabled></div>'
    )


def _differences(records: Sequence[RunRecord]) -> str:
    asked = [flat(record.requested.model_dump(mode="json")) | {"seed": record.seed} for record in records]
    names = [name for name in asked[0] | asked[1] if asked[0].get(name) != asked[1].get(name)]
    rows = "".join(
        f'<tr><th scope="row">{escape(setting_name(name))}</th>'
        + "".join(f'<td translate="no">{escape(value_text(each.get(name)))}</td>' for each in asked)
        + "</tr>"
        for name in names
    )
    return f'<div class="table"><table><tbody>{rows}</tbody></table></div>' if rows else f"<p>{SAME}</p>"
