"""The memory of a run over time, as a picture that needs no script: an SVG that stretches, with labels that do not."""

import math
from collections.abc import Sequence
from html import escape

from app.markup import bytes_text

Timeline = Sequence[tuple[float, int]]
"""Pairs of seconds since the start and bytes."""

INTERVALS = 4
"""An axis is divided into at most this many."""


def memory_chart(ram: Timeline, gpu: Timeline) -> str:
    """Main memory of the program and memory in use on the GPU over time, or nothing while there are no readings."""
    series = [(name, kind, line) for name, kind, line in (("Memory", "ram", ram), ("GPU", "gpu", gpu)) if len(line) > 1]
    if not series:
        return ""
    end = max(line[-1][0] for _, _, line in series) or 1.0
    step, top = scale(max(value for _, _, line in series for _, value in line))
    paths = "".join(_path(line, kind, (end, top)) for _, kind, line in series)
    peaks = "".join(_peak(line, kind, (end, top)) for _, kind, line in series)
    said = "; ".join(_said(name, line) for name, _, line in series)
    legend = "".join(f'<span class="{kind}">{escape(_said(name, line))}</span>' for name, kind, line in series)
    levels = [number * step for number in range(round(top / step) + 1)]
    rows = "".join(f'<span style="bottom:{100 * level / top:.1f}%">{_level(level)}</span>' for level in levels)
    return (
        f'<figure class="chart" role="img" aria-label="Memory over time: {escape(said)}">'
        f'<figcaption>{legend}</figcaption><div class="plot"><div class="levels">{rows}</div>'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">{paths}</svg>{peaks}</div>'
        f'<div class="times">{_times(end)}</div></figure>'
    )


def scale(largest: float) -> tuple[float, float]:
    """The step of an axis, 1, 2 or 5 times a power of ten, and its end, a multiple of it not below `largest`."""
    rough = max(largest, 1.0) / INTERVALS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return step, step * max(1, math.ceil(largest / step - 1e-9))


def _said(name: str, line: Timeline) -> str:
    at, value = max(line, key=lambda point: point[1])
    return f"{name}: at most {bytes_text(value)}, after {at:.1f} s"


def _points(line: Timeline, ends: tuple[float, float]) -> list[tuple[float, float]]:
    """The line in percent of the picture, from its upper left corner."""
    return [(100 * at / ends[0], 100 - 100 * value / ends[1]) for at, value in line]


def _path(line: Timeline, kind: str, ends: tuple[float, float]) -> str:
    points = _points(line, ends)
    drawn = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    area = f'<path class="{kind} area" d="{drawn}L{points[-1][0]:.2f} 100L{points[0][0]:.2f} 100Z"/>'
    return f'{area}<path class="{kind} line" d="{drawn}"/>'


def _peak(line: Timeline, kind: str, ends: tuple[float, float]) -> str:
    x, y = min(_points(line, ends), key=lambda point: point[1])
    return f'<i class="peak {kind}" style="left:{x:.2f}%;top:{y:.2f}%"></i>'


def _level(count: float) -> str:
    """A round number of bytes beside its level."""
    return bytes_text(count).replace(".0 ", " ") if count else "0"


def _times(end: float) -> str:
    step, _ = scale(end)
    marks = [number * step for number in range(math.floor(end / step + 1e-9) + 1)]
    return "".join(f'<span style="left:{100 * mark / end:.1f}%">{mark:.4g} s</span>' for mark in marks)
