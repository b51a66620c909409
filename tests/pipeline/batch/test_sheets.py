"""A sweep on the command line leaves a contact sheet whose cells are the videos' own pictures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.batch.jobs import expand
from pipeline.records import MAX_PLACES, RunRecord, read_record
from pipeline.sweeps.sheet import EMPTY, Sheet, lay_out
from pipeline.video import read_frames
from tests.pipeline.batch.test_command import run, write

SIZE = (64, 48)


def records(folder: Path) -> list[RunRecord]:
    return [read_record(path) for path in sorted((folder / "outputs").glob("video_*.json"))]


def sheets(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "outputs").glob("*.png"))


def test_the_cells_of_the_sheet_are_the_middle_frames_of_the_videos(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = {"runtime.models_dir": "models", "runtime.offline": True}
    sweep = {"animate.engine": ["motion", "svd"], "prompt": ["zoom in", "fade to black"]}
    jobs = write(tmp_path, {"images": "a.png", "animate.num_frames": 8, "sweep": sweep, **lacking})
    assert run(jobs, as_json=True) == 4, "two of the four lack their model"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (name,) = sheets(tmp_path)
    path = tmp_path / "outputs" / name
    assert [line["contact_sheet"] for line in lines] == [None, None, None, str(path)]

    made = records(tmp_path)
    assert {record.group for record in made} == {name.removesuffix("_sheet.png")}
    grid = made[0].place
    assert grid is not None
    layout = lay_out(Sheet(grid.rows, grid.columns, {}), SIZE[0] / SIZE[1])
    with Image.open(path) as picture:
        assert picture.size == layout.size
        page = picture.convert("RGB")
    for record in made:
        assert record.place is not None
        cell = page.crop(layout.cells[record.place.row, record.place.column])
        if record.output is None:
            assert record.requested.animate.engine == "svd"
            assert f"#{cell.tobytes()[:3].hex()}" == EMPTY
            continue
        middle = list(read_frames(tmp_path / "outputs" / record.output.path).frames)[4]
        wanted = Image.fromarray(middle).resize(cell.size, Image.Resampling.LANCZOS)
        assert np.abs(np.asarray(cell).astype(int) - np.asarray(wanted)).mean() < 4, "more than JPEG's own loss"
    told = [text for _, text in layout.labels]
    assert told == ["prompt zoom in", "prompt fade to black", "animate.engine motion", "animate.engine svd"]


def test_a_sheet_is_made_once_and_anew_when_something_in_it_is(tmp_path: Path) -> None:
    jobs = write(tmp_path, {"images": "*.png", "sweep": {"encode.crf": [20, 40]}}, {"images": "a.png"})
    assert run(jobs) == 0
    (first,) = sheets(tmp_path)
    assert [bool(record.group) for record in records(tmp_path)] == [True] * 4 + [False]
    assert run(jobs) == 0
    assert sheets(tmp_path) == [first]
    (tmp_path / "outputs" / first).unlink()
    assert run(jobs) == 0, "killed before it was drawn"
    assert sheets(tmp_path) == [first]
    record = records(tmp_path)[1]
    assert record.output is not None
    (tmp_path / "outputs" / record.output.path).unlink()
    assert run(jobs) == 0
    assert sheets(tmp_path) == [first, first.replace("_sheet", "_sheet_2")]
    assert run(jobs, again=True) == 0
    assert len(sheets(tmp_path)) == 3
    assert len({record.group for record in records(tmp_path) if record.group}) == 2


@pytest.mark.parametrize(
    ("entry", "grids", "columns"),
    [
        ({"images": "a.png", "sweep": {"encode.crf": [1, 2], "seed": [1, 2, 3]}}, 1, 3),
        ({"images": "*.png", "seeds": [1, 2]}, 1, 2),
        ({"images": "*.png", "repeat": MAX_PLACES}, 2, MAX_PLACES),
        ({"images": "*.png"}, 0, 0),
        ({"images": "a.png", "sweep": {"encode.crf": [1]}}, 0, 0),
        ({"images": "a.png", "repeat": MAX_PLACES + 1}, 0, 0),
        ({"images": ["a.png", "b.png"], "sweep": {"encode.crf": [1, 2]}}, 1, 2),
    ],
)
def test_what_is_compared_on_one_sheet(tmp_path: Path, entry: dict[str, Any], grids: int, columns: int) -> None:
    write(tmp_path)
    jobs, problems = expand({}, [entry], tmp_path)
    assert not problems
    assert len({job.grid for job in jobs if job.grid}) == grids
    assert all((job.place is None) == (not grids) for job in jobs)
    assert all(len(job.place.columns.values) == columns for job in jobs if job.place)
