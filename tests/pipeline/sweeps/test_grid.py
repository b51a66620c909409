"""Values for settings become runs, and every run has its place in a grid with named rows and columns."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.errors import InvalidInput
from pipeline.records import MAX_PLACES, AxisRecord, PlaceRecord
from pipeline.sweeps.grid import IMAGE, places, step_text, value_texts, variants

AXES = st.dictionaries(
    st.sampled_from([IMAGE, "seed", "encode.crf", "animate.guidance_scale"]),
    st.lists(st.text("abc1", min_size=1, max_size=3), min_size=1, max_size=4),
    max_size=3,
)


@given(AXES)
def test_every_run_has_a_place_of_its_own_that_is_named_by_its_values(axes: dict[str, list[str]]) -> None:
    runs, grid = variants(axes), places(axes)
    assert len(runs) == len(grid) == len({(each.row, each.column) for each in grid})
    assert runs == [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    for run, place in zip(runs, grid, strict=True):
        row = dict(zip(place.rows.settings, place.rows.values[place.row], strict=True))
        column = dict(zip(place.columns.settings, place.columns.values[place.column], strict=True))
        assert {**row, **column} == run
    assert all((each.rows, each.columns) == (grid[0].rows, grid[0].columns) for each in grid)


def test_the_last_setting_lies_along_the_columns() -> None:
    grid = places({IMAGE: ["a.jpg", "b.jpg"], "animate.guidance_scale": ["7", "9"], "seed": ["1", "2", "3"]})
    last = grid[-1]
    assert (last.row, last.column) == (3, 2)
    assert step_text(last.rows, last.row, lambda name: name.rpartition(".")[2]) == "b.jpg, guidance_scale 9"
    assert step_text(last.columns, last.column) == "seed 3"
    assert step_text(AxisRecord(), 0) == ""


def test_too_many_are_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidInput, match=f"110 videos, and {MAX_PLACES}"):
        places({"seed": [str(number) for number in range(11)], "encode.crf": [str(number) for number in range(10)]})


@pytest.mark.parametrize(("row", "column", "columns"), [(1, 0, 2), (0, 2, 2), (-1, 0, 2), (0, 0, MAX_PLACES + 1)])
def test_a_place_outside_its_grid_is_no_record(row: int, column: int, columns: int) -> None:
    axis = AxisRecord(settings=["seed"], values=[[str(number)] for number in range(columns)])
    with pytest.raises(ValidationError):
        PlaceRecord(rows=AxisRecord(), columns=axis, row=row, column=column)


def test_values_are_shown_as_people_write_them() -> None:
    assert value_texts("style.name", [True, False, None, 0.5, 7.0, "oil"]) == [
        "on",
        "off",
        "automatic",
        "0.5",
        "7",
        "oil",
    ]
    assert value_texts("seed", [-1, 5, -1, "-1"]) == ["drawn 1", "5", "drawn 2", "drawn 3"]
