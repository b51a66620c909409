"""What the page shows of the queue, and that a run which is changed keeps what was painted."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.actions import Actions, Request, load_runner, open_photo
from app.brush import Stroke
from app.downloads import Downloads
from app.job import Queue, Snapshot
from app.jobs import Jobs
from app.queue_panel import MOST_INTERRUPTED, MOST_SHOWN, queue_panel
from pipeline.errors import InvalidInput
from pipeline.records import AxisRecord, InputRecord, PlaceRecord, RunRecord, RunStatus, now
from pipeline.settings import make_settings
from pipeline.sweeps.grid import IMAGE, places

PLACE = PlaceRecord(
    rows=AxisRecord(settings=[], values=[[]]), columns=AxisRecord(settings=["seed"], values=[["1"]]), row=0, column=0
)


def run(number: int, position: int = 1, images: int = 1, **values: Any) -> Snapshot:
    facts: dict[str, Any] = {
        "run_id": f"video_{number}",
        "status": RunStatus.QUEUED,
        "created_at": now(),
        "pid": 1,
        "process_started_at": 1.0,
        "seed": 1,
        "requested": make_settings({"prompt": f"prompt {number}"}),
        "inputs": [InputRecord(name="photo.jpg")] * images,
    }
    record = RunRecord(**{**facts, **values})
    return Snapshot(record, (Path("photo.jpg"),) * images, None, None, (), position, False, 1)


def shown(html: str) -> str:
    return re.sub(r"<[^>]+>", " ", html)


def test_nothing_is_shown_where_nothing_runs_and_what_runs_alone_can_be_stopped() -> None:
    assert queue_panel(Queue()) == ""
    assert "data-cancel" in queue_panel(Queue((run(1, position=0),)))


def test_what_waits_stands_in_its_order_with_what_can_be_done() -> None:
    html = queue_panel(Queue((run(1, position=0), run(2, 1), run(3, 2)), left_over=2))
    assert shown(html).index("prompt 1") < shown(html).index("prompt 2") < shown(html).index("prompt 3")
    assert "2 waiting" in html
    assert "2 runs were waiting when the program ended" in html
    assert re.findall(r'data-move="(\w+)" data-place="(\d)"[^>]*?( disabled)?>', html) == [
        ("video_2", "0", " disabled"),
        ("video_2", "2", ""),
        ("video_3", "1", ""),
        ("video_3", "3", " disabled"),
    ]


def test_a_pause_is_said_even_where_nothing_waits() -> None:
    assert "The queue is paused" in queue_panel(Queue(is_paused=True))
    assert "data-proceed" in queue_panel(Queue(is_paused=True))


def test_only_what_the_form_can_hold_is_edited() -> None:
    queue = Queue((run(1), run(2, images=2), run(3, images=3), run(4, place=PLACE, group="group_1")))
    assert re.findall(r'data-edit="(\w+)"', queue_panel(queue)) == ["video_1", "video_2"]


def test_compared_runs_are_told_apart() -> None:
    grid = places({IMAGE: ["a.png"], "encode.crf": ["18", "40"]})
    html = queue_panel(Queue(tuple(run(number, number, place=place) for number, place in enumerate(grid, start=1))))
    assert re.findall(r'<span>([^<]+)</span> <b translate="no">(\w+)</b>', html) == [
        ("Quality (CRF)", "18"),
        ("Quality (CRF)", "40"),
    ]


def test_what_runs_alone_is_folded_and_named() -> None:
    assert "data-open" not in queue_panel(Queue((run(1, position=0),)))
    assert "<span>Starting, 0 %</span></summary>" in queue_panel(Queue((run(1, position=0),)))
    html = queue_panel(Queue((run(1, position=0), run(2))))
    assert "data-open" in html
    assert "<span>Starting, 0 % · 1 waiting</span></summary>" in html


def test_the_bar_of_an_edit_goes_when_its_run_has_begun() -> None:
    assert "data-save" in queue_panel(Queue((run(1),)), "video_1")
    assert "data-save" not in queue_panel(Queue((run(1, position=0), run(2))), "video_1")


def test_long_queues_are_counted() -> None:
    waiting = tuple(run(number, number) for number in range(1, MOST_SHOWN + 8))
    broken = tuple(run(number).record for number in range(MOST_INTERRUPTED + 3))
    html = queue_panel(Queue(waiting, interrupted=broken))
    assert "and 7 more<" in html
    assert "and 3 more in the history" in html
    assert html.count("data-resume") == MOST_INTERRUPTED


@pytest.fixture
def actions(outputs: Path, tmp_path: Path) -> Iterator[Actions]:
    jobs = Jobs(outputs, load_runner)
    jobs.pause()
    yield Actions(jobs, tmp_path / "uploads", tmp_path / "logs", Downloads())
    jobs.close()


def test_a_run_that_is_changed_keeps_its_masks_until_something_is_painted(actions: Actions, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(path)
    photo = open_photo(path, path.name)
    dots = tuple(Stroke(tool="brush", region=each, size=0.3, points=((0.2 + each / 2, 0.5),)) for each in range(2))
    areas = tuple(Stroke(tool="area", region=each) for each in range(2))
    before = actions.generate(Request(photo, {"prompt": "pan left"}, dots)).record
    whole = {each: np.full((60, 80), 255, np.uint8) for each in range(2)}

    kept = actions.revise(before.run_id, Request(photo, {"prompt": "pan right"}, areas, whole)).record
    assert (kept.run_id, kept.requested.prompt) == (before.run_id, "pan right")
    assert kept.requested.prepare.masks == before.requested.prepare.masks
    assert [each.name for each in kept.inputs] == [each.name for each in before.inputs]

    painted = actions.revise(before.run_id, Request(photo, {"prompt": "pan right"}, (*areas, dots[0]), whole)).record
    assert len(painted.requested.prepare.masks) == 2
    assert painted.requested.prepare.masks != before.requested.prepare.masks
    cleared = actions.revise(before.run_id, Request(photo, {"prompt": "pan right"})).record
    assert cleared.requested.prepare.masks == ()
    actions.jobs.clear()
    with pytest.raises(InvalidInput, match="begun"):
        actions.revise(before.run_id, Request(photo, {"prompt": "pan right"}))
