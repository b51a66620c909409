"""Small pieces of HTML that the panels share. Everything that comes from outside passes through `html.escape`."""

import re
from collections.abc import Container, Iterable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

UNITS = ((1e9, "GB", 1), (1e6, "MB", 1), (1e3, "kB", 0))
"""Decimal units of bytes with their decimals."""


_CODE = re.compile(r"`([^`]+)`")


def sentence(text: str) -> str:
    """A sentence for people; what stands between backticks is to be typed."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def bytes_text(count: float) -> str:
    """A number of bytes for people: 812 kB, 4.2 MB, 10.2 GB."""
    size, unit, decimals = next((each for each in UNITS if count >= each[0]), UNITS[-1])
    return f"{count / size:.{decimals}f} {unit}"


def seconds_text(seconds: float) -> str:
    """A time for people: 8 s, 4 min, 2.5 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def file_url(path: Path) -> str:
    """Address of a file below the outputs folder, relative to the page."""
    return f"gradio_api/file={quote(path.resolve().as_posix())}"


def sentences(items: Iterable[tuple[str, str]]) -> str:
    """Sentences with their levels as a list, or nothing."""
    rows = "".join(f'<li class="{level}">{sentence(message)}</li>' for level, message in items)
    return f'<ul class="notices">{rows}</ul>' if rows else ""


def facts(rows: Iterable[tuple[str, str]], own: Container[str] = ()) -> str:
    """Names and values, as rows of a description list; the values are text.

    `own` are names whose values are a person's own words, which are not translated.
    """
    return "".join(f"<dt>{escape(name)}</dt>{_value(text, name in own)}" for name, text in rows)


def _value(text: str, is_own: bool) -> str:
    return f'<dd translate="no">{escape(text)}</dd>' if is_own else f"<dd>{escape(text)}</dd>"


def table(kind: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of text with a header row, or nothing without rows. It scrolls by itself where it is too wide."""
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    if not body:
        return ""
    return f'<div class="table"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def details(title: str, body: str) -> str:
    """Something to unfold, or nothing where there is nothing in it."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>" if body else ""


def section(title: str, body: str, kind: str = "") -> str:
    """A part of a panel below a heading of its own, or nothing where there is nothing in it."""
    return f'<div class="part {kind}"><h4>{escape(title)}</h4>{body}</div>' if body else ""


def bar(fraction: float, label: str) -> str:
    """A bar that shows how far something is."""
    percent = 100 * min(1.0, max(0.0, fraction))
    return (
        f'<div class="bar" role="progressbar" aria-label="{escape(label)}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent:.0f}"><i style="width:{percent:.1f}%"></i></div>'
    )
