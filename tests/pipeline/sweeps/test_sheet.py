"""The contact sheet: nothing lies over anything else, every name is there, and the pictures are those of the videos."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.errors import OutputFailed
from pipeline.records import MAX_PLACES, ErrorRecord, RunRecord, RunStatus, read_record, record_path
from pipeline.sweeps.grid import places
from pipeline.sweeps.group import is_complete, is_group, latest_sheet, make_sheet, reserve_group
from pipeline.sweeps.lettering import ELLIPSIS, font_for, wrapped
from pipeline.sweeps.sheet import EMPTY, MAX_SIDE, Cell, Sheet, draw, lay_out
from tests.pipeline.history.records import START, put


def a_sheet(rows: int, columns: int) -> Sheet:
    grid = places({"encode.crf": [f"{n}" for n in range(rows)], "seed": [f"{n}" for n in range(columns)]})
    return Sheet(grid[0].rows, grid[0].columns, {})


@given(
    st.integers(1, MAX_PLACES).flatmap(lambda rows: st.tuples(st.just(rows), st.integers(1, MAX_PLACES // rows))),
    st.floats(0.01, 100.0),
)
def test_cells_and_names_stand_on_the_sheet_and_never_on_each_other(grid: tuple[int, int], ratio: float) -> None:
    layout = lay_out(a_sheet(*grid), ratio)
    assert set(layout.cells) == {(row, column) for row in range(grid[0]) for column in range(grid[1])}
    boxes = [*layout.cells.values(), *(box for box, _ in layout.labels)]
    assert max(layout.size) <= MAX_SIDE
    for left, upper, right, lower in boxes:
        assert 0 <= left < right <= layout.size[0]
        assert 0 <= upper < lower <= layout.size[1]
    for one, other in combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    told = {part for _, text in layout.labels for part in text.split(", ")}
    assert told == {f"encode.crf {row}" for row in range(grid[0])} | {f"seed {column}" for column in range(grid[1])}


@given(st.text(max_size=200), st.integers(40, 400), st.integers(1, 4))
def test_lines_fit_and_what_does_not_ends_in_dots(text: str, width: int, most: int) -> None:
    font = font_for("a", 16)
    lines = wrapped(text, font, width, most)
    assert len(lines) <= most
    assert all(font.getlength(line) <= width for line in lines)
    kept, whole = "".join("".join(lines).split()), "".join(text.split())
    assert kept == whole or (lines[-1].endswith(ELLIPSIS) and whole.startswith(kept[: -len(ELLIPSIS)]))


def test_letters_that_the_own_font_lacks_do_no_harm() -> None:
    assert wrapped("镜头缓慢推进 été \x00", font_for("镜头缓慢推进 été \x00", 16), 200, 3)


def test_a_cell_shows_its_picture_and_one_without_a_picture_says_why(tmp_path: Path) -> None:
    for name, shade in (("dark", 40), ("light", 200)):
        Image.new("RGB", (96, 64), (shade, shade, shade)).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    sheet = a_sheet(2, 2)
    cells = {(0, 0): Cell(tmp_path / "dark.png"), (1, 1): Cell(tmp_path / "light.png")}
    cells |= {(0, 1): Cell(reason="Too little memory."), (1, 0): Cell(tmp_path / "broken.png")}
    sheet = Sheet(sheet.rows, sheet.columns, cells)
    page, layout = draw(sheet), lay_out(sheet, 1.5)
    assert page.size == layout.size
    inside = {place: np.asarray(page.crop(box)).astype(int) for place, box in layout.cells.items()}
    assert np.abs(inside[0, 0] - 40).max() == np.abs(inside[1, 1] - 200).max() == 0
    background = np.array([int(EMPTY[place : place + 2], 16) for place in (1, 3, 5)])
    for place in ((0, 1), (1, 0)):
        letters = np.abs(inside[place] - background).max(axis=2) > 40
        assert 0.002 < letters.mean() < 0.2


def runs(outputs: Path, *statuses: RunStatus) -> list[RunRecord]:
    grid = places({"seed": [str(number) for number in range(len(statuses))]})
    error = ErrorRecord(type="OutOfMemory", message="Too little memory.", exit_code=3)
    found = [put(outputs, n, status=each, place=grid[n], error=error) for n, each in enumerate(statuses)]
    return [read_record(record_path(outputs, run_id)) for run_id in found]


def test_a_sheet_is_never_overwritten_and_its_name_is_its_groups(outputs: Path) -> None:
    first, second = reserve_group(outputs, START), reserve_group(outputs, START)
    assert first == f"sweep_{START:%Y%m%d_%H%M%S}"
    assert second == f"{first}_2"
    made = [(each.place, each) for each in runs(outputs, RunStatus.FAILED, RunStatus.SUCCEEDED) if each.place]
    assert latest_sheet(outputs, first) is None
    paths = [make_sheet(outputs, group, made) for group in (first, second, first)]
    assert [path.name for path in paths] == [f"{first}_sheet.png", f"{second}_sheet.png", f"{first}_sheet_2.png"]
    assert (latest_sheet(outputs, first), latest_sheet(outputs, second)) == (paths[2], paths[1])
    assert {path.suffix for path in outputs.iterdir() if path.is_file()} == {".json", ".png"}


@pytest.mark.parametrize("name", ["", "../x", "sweep_1", "sweep_20260101_000000/..", "video_20260101_000000"])
def test_no_name_from_a_record_leads_elsewhere(outputs: Path, name: str) -> None:
    assert not is_group(name)
    assert latest_sheet(outputs, name) is None
    made = [(each.place, each) for each in runs(outputs, RunStatus.FAILED) if each.place]
    with pytest.raises(ValueError, match="a group of runs"):
        make_sheet(outputs, name, made)


def test_a_sheet_that_cannot_be_written_is_one_sentence(outputs: Path) -> None:
    made = [(each.place, each) for each in runs(outputs, RunStatus.FAILED) if each.place]
    with pytest.raises(OutputFailed, match="cannot be kept: No such file"):
        make_sheet(outputs / "gone", reserve_group(outputs), made)


def test_a_group_is_complete_when_the_last_run_has_ended_however_that_was(outputs: Path) -> None:
    ended = [RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED]
    assert is_complete(runs(outputs, *ended))
    assert not is_complete(runs(outputs, *ended)[:-1])
    assert not is_complete(runs(outputs, *ended, RunStatus.RUNNING))
    assert not is_complete([])
