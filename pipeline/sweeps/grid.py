"""What runs that are compared differ in: values for settings become single runs, each with its place in a grid."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import count, product
from typing import Any

from pipeline.errors import InvalidInput
from pipeline.records import MAX_PLACES, AxisRecord, PlaceRecord

IMAGE = "image"
"""Names the axis along which each step has an image of its own."""


def variants(axes: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values of the axes, the last axis changing fastest; an empty one without axes."""
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def places(axes: Mapping[str, Sequence[str]]) -> list[PlaceRecord]:
    """Where each of `variants(axes)` stands in a grid, in their order. `axes` holds values as people read them.

    The last axis lies along the columns; those before it share the rows. Raises InvalidInput for more than MAX_PLACES.
    """
    count = math.prod(map(len, axes.values()))
    if count > MAX_PLACES:
        raise InvalidInput(f"That would be {count} videos, and {MAX_PLACES} can be made at once: choose fewer.")
    *before, last = list(axes) or [""]
    rows = AxisRecord(settings=before, values=[list(step) for step in product(*(axes[name] for name in before))])
    columns = AxisRecord(settings=[last], values=[[text] for text in axes[last]]) if axes else AxisRecord()
    steps = product(range(len(rows.values)), range(len(columns.values)))
    return [PlaceRecord(rows=rows, columns=columns, row=row, column=column) for row, column in steps]


def places_in_a_row(runs: Sequence[Mapping[str, Any]]) -> list[PlaceRecord]:
    """The places of runs side by side, each named by what it has that not all have. `runs` hold values by full name."""
    names = dict.fromkeys(name for run in runs for name in run)
    differing = [name for name in names if len({str(run.get(name)) for run in runs}) > 1]
    columns = AxisRecord(settings=differing, values=[[value_text(run.get(name)) for name in differing] for run in runs])
    return [PlaceRecord(rows=AxisRecord(), columns=columns, row=0, column=column) for column in range(len(runs))]


def value_text(value: object) -> str:
    """A setting's value for people."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return "automatic" if value is None or value == "" else str(value)


def value_texts(name: str, values: Sequence[object]) -> list[str]:
    """The values of a setting for people; seeds that are still to be drawn are numbered."""
    drawn = count(1)
    return [f"drawn {next(drawn)}" if name == "seed" and str(value) == "-1" else value_text(value) for value in values]


def step_text(axis: AxisRecord, step: int, name_of: Callable[[str], str] = str) -> str:
    """One step of an axis for people: "Guidance scale 7, Seed 2"; an image by its name alone; empty without settings.

    `name_of` says how a setting is called.
    """
    pairs = zip(axis.settings, axis.values[step], strict=True)
    return ", ".join(value if name == IMAGE else f"{name_of(name)} {value}" for name, value in pairs)
