"""The contact sheet: a picture of every run that was compared, in a grid whose rows and columns are named."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from pipeline.paths import written_whole
from pipeline.records import AxisRecord
from pipeline.sweeps.grid import step_text
from pipeline.sweeps.lettering import font_for, wrapped

CELL, SMALLEST = 360, 120
"""Longer side of a cell in pixels, and what it may shrink to where there are many."""

MAX_SIDE = 8000
"""Longest side of a sheet in pixels."""

MARGIN, GAP = 24, 12
"""Pixels around the sheet, and between its cells."""

LABEL = 16
"""Height of the letters in pixels."""

LINE, LINES = 21, 3
"""Distance of two lines of a label in pixels, and how many lines a label may have."""

LETTERS_WIDE = 190
"""Width in pixels of the names of rows."""

PAPER, INK, FAINT, EMPTY = "#ffffff", "#1d2526", "#6a7677", "#f1f3f3"

WIDEST = 2.0
"""Pictures that are wider or higher than this, against their other side, stand in a cell of this shape."""

Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge in pixels."""


@dataclass(frozen=True)
class Cell:
    """One place of a sheet: the picture of its video, or why there is none."""

    picture: Path | None = None
    reason: str = ""


@dataclass(frozen=True)
class Sheet:
    """What a sheet shows. `cells` are by row and column; places that are not named are left empty.

    `name_of` says how a setting is called.
    """

    rows: AxisRecord
    columns: AxisRecord
    cells: Mapping[tuple[int, int], Cell]
    name_of: Callable[[str], str] = str


@dataclass(frozen=True)
class Layout:
    """Where things stand, in pixels: the sheet's size, a box for each cell, and the labels with theirs."""

    size: tuple[int, int]
    cells: Mapping[tuple[int, int], Box]
    labels: Sequence[tuple[Box, str]]


def lay_out(sheet: Sheet, ratio: float) -> Layout:
    """Lay out a sheet of pictures whose width is `ratio` times their height.

    With one row, or one column, the cells run on like words on a page, each above its name; else it is a table.
    """
    way = _flowing if 1 in (len(sheet.rows.values), len(sheet.columns.values)) else _table
    return way(sheet, min(WIDEST, max(1 / WIDEST, ratio)))


def _table(sheet: Sheet, ratio: float) -> Layout:
    rows = [step_text(sheet.rows, row, sheet.name_of) for row in range(len(sheet.rows.values))]
    columns = [step_text(sheet.columns, column, sheet.name_of) for column in range(len(sheet.columns.values))]
    width, height = _cell_size(ratio, len(columns), len(rows))
    left, top = MARGIN + LETTERS_WIDE + GAP, MARGIN + _height(columns, width) + GAP
    xs = [left + column * (width + GAP) for column in range(len(columns))]
    ys = [top + row * (height + GAP) for row in range(len(rows))]
    cells = {(row, column): (x, y, x + width, y + height) for row, y in enumerate(ys) for column, x in enumerate(xs)}
    above = [
        ((x, top - GAP - _height([text], width), x + width, top - GAP), text)
        for x, text in zip(xs, columns, strict=True)
    ]
    beside = [((MARGIN, y, left - GAP, y + height), text) for y, text in zip(ys, rows, strict=True)]
    return Layout((xs[-1] + width + MARGIN, ys[-1] + height + MARGIN), cells, [*above, *beside])


def _flowing(sheet: Sheet, ratio: float) -> Layout:
    places = [(row, column) for row in range(len(sheet.rows.values)) for column in range(len(sheet.columns.values))]
    names = [_name(sheet, place) for place in places]
    across = min(len(places), math.ceil(math.sqrt(1.5 * len(places) / ratio)))
    down = math.ceil(len(places) / across)
    width, height = _cell_size(ratio, across, down)
    letters = _height(names, width)
    step_x, step_y = width + GAP, height + letters + 2 * GAP
    cells, labels = {}, []
    for number, (place, name) in enumerate(zip(places, names, strict=True)):
        x, y = MARGIN + number % across * step_x, MARGIN + number // across * step_y
        cells[place] = (x, y, x + width, y + height)
        labels.append(((x, y + height + GAP // 2, x + width, y + height + GAP // 2 + letters), name))
    return Layout((2 * MARGIN - GAP + across * step_x, 2 * MARGIN - GAP + down * step_y), cells, labels)


def _name(sheet: Sheet, place: tuple[int, int]) -> str:
    row, column = place
    return ", ".join(
        filter(None, (step_text(sheet.rows, row, sheet.name_of), step_text(sheet.columns, column, sheet.name_of)))
    )


def _height(texts: Sequence[str], width: int) -> int:
    """Pixels that the highest of some labels takes."""
    return LINE * max((len(wrapped(text, font_for(text, LABEL), width, LINES)) for text in texts), default=1)


def _cell_size(ratio: float, across: int, down: int) -> tuple[int, int]:
    """Width and height of a cell in a grid of so many."""
    longer = min(CELL, max(SMALLEST, (MAX_SIDE - 400) // max(across, down) - GAP - LINES * LINE))
    return (longer, round(longer / ratio)) if ratio >= 1 else (round(longer * ratio), longer)


def draw(sheet: Sheet) -> Image.Image:
    """Draw a sheet. A picture that cannot be read is left out, and said to be."""
    pictures = {place: _opened(cell) for place, cell in sheet.cells.items()}
    first = next((picture for picture in pictures.values() if picture is not None), None)
    layout = lay_out(sheet, first.width / first.height if first is not None else WIDEST)
    page = Image.new("RGB", layout.size, PAPER)
    pen = ImageDraw.Draw(page)
    for place, box in layout.cells.items():
        picture = pictures.get(place)
        if picture is not None:
            page.paste(*_fitted(picture, box))
            continue
        pen.rectangle(box, fill=EMPTY)
        cell = sheet.cells.get(place, Cell())
        _write(pen, _inset(box), cell.reason or "No picture", FAINT)
    for box, text in layout.labels:
        _write(pen, box, text, INK)
    return page


def _opened(cell: Cell) -> Image.Image | None:
    if cell.picture is None:
        return None
    try:
        with Image.open(cell.picture) as picture:
            return picture.convert("RGB")
    except OSError:  # removed at this moment, or damaged
        return None


def _fitted(picture: Image.Image, box: Box) -> tuple[Image.Image, tuple[int, int]]:
    """The picture as large as the box allows, and where its corner comes to stand so that it is in the middle."""
    left, upper, right, lower = box
    scale = min((right - left) / picture.width, (lower - upper) / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.resize(size, Image.Resampling.LANCZOS)
    return small, (left + (right - left - size[0]) // 2, upper + (lower - upper - size[1]) // 2)


def _inset(box: Box) -> Box:
    left, upper, right, lower = box
    return left + GAP, upper + GAP, right - GAP, lower - GAP


def _write(pen: ImageDraw.ImageDraw, box: Box, text: str, colour: str) -> None:
    """Write a text into the upper left of a box, in as many lines as fit."""
    left, upper, right, lower = box
    font = font_for(text, LABEL)
    for number, line in enumerate(wrapped(text, font, right - left, max(1, (lower - upper) // LINE))):
        pen.text((left, upper + number * LINE), line, font=font, fill=colour)


def write_sheet(sheet: Sheet, path: Path) -> Path:
    """Write a sheet as PNG, whole or not at all; return `path`. Raises OSError."""
    data = io.BytesIO()
    draw(sheet).save(data, format="PNG", optimize=True)
    with written_whole(path) as partial:
        partial.write_bytes(data.getvalue())
    return path
