"""Sweeps on the page: from what is typed to runs, their gallery, and the contact sheet that the program draws."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Page, expect

from app.actions import Actions, Photo, Request, open_photo
from app.downloads import Downloads
from app.gallery import gallery, progress
from app.jobs import Jobs, Snapshot
from app.photos import strip
from app.runs import Runs
from app.sheets import Sheets
from app.sweep import Sweep, read_values, sweep_over
from app.sweep_form import button_text, offered, told
from pipeline import run
from pipeline.errors import InvalidInput, ModelMissing
from pipeline.history import History
from pipeline.named_settings import known_options
from pipeline.records import MAX_PLACES, ErrorRecord, RunRecord, RunStatus, read_record, record_path
from pipeline.sweeps.grid import IMAGE, places
from pipeline.sweeps.group import latest_sheet
from tests.browser import RUN_MILLISECONDS, Server, appears, choose_option, open_advanced, set_small, settle
from tests.pictures import scene
from tests.pipeline.history.records import an_output, put

SECONDS = 60.0
SMALL = {"prepare": {"width": 64, "height": 48}, "animate": {"num_frames": 3}, "encode": {"x264_preset": "ultrafast"}}
NASTY = "<img src=x onerror=alert(1)>'\""
KNOWN = known_options()


@pytest.fixture
def photos(tmp_path: Path) -> list[Photo]:
    found = []
    for name in ("a.png", "b.png"):
        Image.fromarray(scene()).save(tmp_path / name)
        found.append(open_photo(tmp_path / name, name))
    return found


@pytest.fixture
def actions(outputs: Path, tmp_path: Path) -> Iterator[Actions]:
    jobs = Jobs(outputs, lambda: run)
    yield Actions(jobs, tmp_path, tmp_path / "logs", Downloads())
    jobs.close(SECONDS)


def ended(actions: Actions, job: Snapshot) -> list[RunRecord]:
    """The records of a group when all its runs have ended."""
    members = actions.jobs.group(job.record.group)
    found = [actions.jobs.wait(each.record.run_id, SECONDS) for each in members]
    return [each.record for each in found if each is not None]


def sheet_of(outputs: Path, group: str) -> Path:
    """The contact sheet of a group, which is drawn in a thread of its own."""
    end = time.monotonic() + SECONDS
    while (sheet := latest_sheet(outputs, group)) is None and time.monotonic() < end:
        time.sleep(0.05)
    assert sheet is not None
    return sheet


# --- from what is typed to runs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given_values", "values"),
    [
        ("animate.guidance_scale", "7, 9,12", ["7", "9", "12"]),
        ("seed", " 1 2\n3;4，5、6 ", ["1", "2", "3", "4", "5", "6"]),
        ("prompt", "zoom in, slowly\n\n pan left \n", ["zoom in, slowly", "pan left"]),
        ("animate.motion.loop", [True, False], [True, False]),
    ],
)
def test_values_are_read_as_people_write_them(name: str, given_values: object, values: list[object]) -> None:
    assert read_values(KNOWN[name], given_values) == values  # type: ignore[arg-type]


@pytest.mark.parametrize("nothing", ["", " , ,\n", [], None])
def test_a_setting_without_values_is_asked_for_them(nothing: list[str] | str | None) -> None:
    with pytest.raises(InvalidInput, match="give the values for Guidance scale, such as 7, 9, 12"):
        read_values(KNOWN["animate.guidance_scale"], nothing)


@given(st.text(max_size=60), st.sampled_from(["seed", "prompt", "encode.fps", "animate.seconds"]))
def test_whatever_is_typed_becomes_runs_or_one_sentence(typed: str, name: str) -> None:
    with suppress(InvalidInput):  # and nothing else
        sweep = sweep_over(Request(None, SMALL), (), {name: read_values(KNOWN[name], typed)})
        assert sweep.count == len(sweep.places) >= 1
        for request in sweep.requests:
            request.settings()


def test_every_photo_is_made_with_every_value(photos: list[Photo]) -> None:
    axes = {"encode.crf": ["18", "40"], "seed": ["1", "2", "3"]}
    sweep = sweep_over(Request(photos[0], SMALL), photos, axes)
    made = [(each.photo, each.settings().encode.crf, each.settings().seed) for each in sweep.requests]
    assert made == [(photo, crf, seed) for photo in photos for crf in (18, 40) for seed in (1, 2, 3)]
    place = sweep.places[-1]
    assert place is not None
    assert (place.rows.settings, place.columns.settings) == ([IMAGE, "encode.crf"], ["seed"])
    assert "12 videos" in told(sweep, None)
    assert "2 photos" in told(sweep, None)
    assert "about 30 s in all" in told(sweep, 30.0)
    assert button_text(sweep.count) == "Generate 12 videos"


def test_nothing_to_compare_is_one_run_without_a_place(photos: list[Photo]) -> None:
    request = Request(photos[0], SMALL)
    assert sweep_over(request, (), {}) == Sweep((request,), (None,))
    assert sweep_over(request, (), {"seed": ["5"]}).places == (None,)
    assert told(sweep_over(request, (), {}), 30.0) == ""
    assert button_text(1) == "Generate"


def test_too_many_runs_are_refused_before_they_are_made(photos: list[Photo]) -> None:
    with pytest.raises(InvalidInput, match=f"202 videos, and {MAX_PLACES} can be made"):
        sweep_over(Request(photos[0], SMALL), photos, {"seed": [str(seed) for seed in range(101)]})


def test_an_engine_and_a_quality_bring_their_own_values() -> None:
    changes = {"preset": "standard", "animate": {"engine": "motion", "num_frames": 33}}
    engines = sweep_over(Request(None, changes), (), {"animate.engine": ["svd", "motion"], "seed": ["3"]})
    first, second = (request.settings() for request in engines.requests)
    assert (first.animate.num_frames, first.animate.engine, first.seed) == (14, "svd", 3)
    assert second.animate.engine == "motion"
    drafts = sweep_over(Request(None, changes), (), {"preset": ["draft", "high"]})
    assert len({request.settings().prepare.resolution for request in drafts.requests}) == 2


def test_what_can_be_chosen_is_ticked_and_all_else_typed() -> None:
    assert [value for _, value in offered(KNOWN["animate.motion.loop"])] == [True, False]
    assert {value for _, value in offered(KNOWN["animate.engine"])} >= {"motion", "svd"}
    assert [value for _, value in offered(KNOWN["preset"])][:3] == ["draft", "standard", "high"]
    assert {value for _, value in offered(KNOWN["style.name"])} >= {"oil"}
    assert offered(KNOWN["seed"]) == offered(KNOWN["prompt"]) == []


# --- in the queue ---------------------------------------------------------------------------------------------------


def test_a_sweep_is_made_and_leaves_a_contact_sheet_with_no_page_open(actions: Actions, photos: list[Photo]) -> None:
    first = actions.generate_all(sweep_over(Request(photos[0], SMALL), (), {"encode.crf": ["18", "40"]}))
    made = ended(actions, first)
    assert [(each.requested.encode.crf, each.status) for each in made] == [
        (18, RunStatus.SUCCEEDED),
        (40, RunStatus.SUCCEEDED),
    ]
    assert made[0].seed == made[1].seed  # they differ in the setting alone
    sheet = sheet_of(actions.jobs.outputs, first.record.group)
    with Image.open(sheet) as picture:
        assert picture.width > 2 * 360
    late = Sheets(actions.jobs, actions.runs.history)
    late.ask(first.record.group)  # as a page does that looked just before the sheet was there
    late._pool.shutdown()
    assert [path.name for path in actions.jobs.outputs.glob("*_sheet*")] == [sheet.name]

    again = Runs(Jobs(actions.jobs.outputs, lambda: run))  # as a program that is started anew sees it
    job = again.get(made[1].run_id)
    assert job is not None
    assert [each.record.run_id for each in again.group(job.record).values()] == [each.run_id for each in made]
    shown = gallery(job.record, again.group(job.record), again.history, sheet)
    assert shown.count("<video") == 2
    assert sheet.name in shown
    assert "Quality (CRF)" in shown


def test_nothing_is_queued_when_one_of_them_is_wrong(actions: Actions, photos: list[Photo], tmp_path: Path) -> None:
    request = Request(photos[0], {**SMALL, "runtime": {"models_dir": str(tmp_path / "models")}})
    for axes, wrong, match in (
        ({"animate.guidance_scale": ["7", "99"]}, InvalidInput, "less than or equal to 30"),
        ({"seed": ["1", "one"]}, InvalidInput, "seed: .*'one' was given"),
        ({"animate.engine": ["motion", "svd"]}, ModelMissing, "models download svd"),
    ):
        with pytest.raises(wrong, match=match):
            actions.generate_all(sweep_over(request, (), axes))
    with pytest.raises(InvalidInput, match="no photo yet"):
        actions.generate_all(sweep_over(Request(None, SMALL), (), {"seed": ["1", "2"]}))
    assert actions.jobs.latest(1) is None
    assert not list(actions.jobs.outputs.glob("video_*"))


def test_the_time_is_told_from_earlier_runs(actions: Actions, photos: list[Photo]) -> None:
    sweep = sweep_over(Request(photos[0], SMALL), (), {"seed": [str(seed) for seed in range(20)]})
    assert actions.expected(sweep) is None
    ended(actions, actions.generate_all(sweep_over(Request(photos[0], SMALL), (), {"encode.crf": ["18", "40"]})))
    seconds = actions.expected(sweep)
    assert seconds is not None
    assert 0 < seconds < SECONDS


# --- what is shown --------------------------------------------------------------------------------------------------


def a_group(outputs: Path, *fields: dict[str, object]) -> list[RunRecord]:
    grid = places({"prompt": [f"{NASTY} {number}" for number in range(len(fields))]})
    names = [put(outputs, n, place=grid[n], group="sweep_20260301_120000", **each) for n, each in enumerate(fields)]  # type: ignore[arg-type]
    return [read_record(record_path(outputs, name)) for name in names]


def test_a_cell_says_how_its_run_is_doing_and_nothing_is_read_as_markup(outputs: Path) -> None:
    error = ErrorRecord(type="OutOfMemory", message=f"Too little memory {NASTY}.", exit_code=3)
    (outputs / "film.mp4").write_bytes(b"")
    records = a_group(
        outputs,
        {"output": an_output("film.mp4")},
        {"status": RunStatus.FAILED, "error": error},
        {"status": RunStatus.RUNNING},
        {"status": RunStatus.QUEUED},
        {"output": an_output("gone.mp4")},
    )
    runs = Runs(Jobs(outputs, lambda: run))
    found = runs.group(records[0])
    assert len(found) == len(records)
    shown = gallery(records[1], found, History(outputs), None)
    for text in ("under way", "waiting", "Too little", "video is gone", "2 of 5 videos are made", "Stop all"):
        assert text in shown
    assert shown.count("aria-current") == 1
    assert "<img src=x" not in shown + strip([Photo(Path(NASTY), NASTY, 1, 1, "")] * 2, None, [NASTY])


def test_the_run_under_way_says_how_far_it_is(outputs: Path) -> None:
    from dataclasses import replace

    from pipeline.context import Progress

    (record,) = a_group(outputs, {"status": RunStatus.RUNNING})
    job = Runs(Jobs(outputs, lambda: run)).get(record.run_id)
    assert job is not None
    assert progress({(0, 0): job}) == {}
    told_of = progress({(0, 0): replace(job, progress=Progress("encode", 1, 4, 30.0))})
    assert told_of == {"run": record.run_id, "percent": 25.0, "words": "25 % · 30 s left"}


# --- in a browser ---------------------------------------------------------------------------------------------------


def choose(page: Page, axis: int, label: str) -> None:
    """Choose a setting to compare."""
    choose_option(page.locator(f"#sweep-{axis} input"), re.compile(rf"^\W*{re.escape(label)}\s*$"), label)
    settle(page)


@pytest.mark.browser
@pytest.mark.slow
def test_several_photos_then_a_table_of_settings_that_survives_a_reload(
    page: Page, server: Server, coffee: Path, tmp_path: Path
) -> None:
    broken, second = tmp_path / "broken.jpg", tmp_path / "second.png"
    broken.write_bytes(b"no picture")
    Image.fromarray(scene()).save(second)
    page.locator("#photo input[type=file]").set_input_files([coffee, broken, second])
    expect(page.locator("#photos .look")).to_have_count(2)
    expect(page.locator("#photos .notices")).to_contain_text("broken.jpg")
    expect(page.locator("#photo .photo")).to_have_attribute("data-state", "loaded")
    open_advanced(page)
    set_small(page)
    expect(page.locator("#several .summary")).to_have_text("2 videos")
    page.get_by_role("button", name="Generate 2 videos").click()
    cells = page.locator("#gallery .cell")
    expect(cells.locator("video")).to_have_count(2, timeout=RUN_MILLISECONDS)
    expect(page.locator("#gallery .flow")).to_contain_text("second.png")
    assert [record["inputs"][0]["name"] for record in server.records()] == ["my coffee <b>.jpg", "second.png"]

    page.get_by_role("button", name="Keep only the photo above").click()
    expect(page.locator("#photos .look")).to_have_count(0)
    page.click("#sweep > button")
    choose(page, 0, "Quality (CRF)")
    page.fill("#sweep-0-typed textarea, #sweep-0-typed input", "18, 99")
    expect(page.locator("#several")).to_contain_text("less than or equal to 51")
    page.fill("#sweep-0-typed textarea, #sweep-0-typed input", "18, 40")
    page.click("#sweep-0 input")
    choose(page, 1, "Loop")  # the first picker is left as it was
    expect(page.locator("#sweep-0-typed textarea, #sweep-0-typed input")).to_have_value("18, 40")
    for box in page.locator("#sweep-1-ticked input").all():
        box.check()
    page.get_by_role("button", name="Generate 4 videos").click()
    expect(page.locator("#gallery thead th")).to_have_text(["Loop on", "Loop off"], timeout=RUN_MILLISECONDS)
    expect(cells.locator("video")).to_have_count(4, timeout=RUN_MILLISECONDS)
    appears(page.locator("#gallery .sheet img"), RUN_MILLISECONDS)
    look_again(page, server)


def look_again(page: Page, server: Server) -> None:
    """See the table, its sheet and each of its videos when the page has been loaded anew."""
    cells, sheet = page.locator("#gallery .cell"), page.locator("#gallery .sheet img")
    page.reload()
    expect(page.locator("#gallery tbody th")).to_have_text(["Quality (CRF) 18", "Quality (CRF) 40"], timeout=30_000)
    expect(cells.locator("video")).to_have_count(4)
    width = sheet.evaluate("async picture => { await picture.decode(); return picture.naturalWidth; }")
    wanted = [record for record in server.records() if record["group"]][-1]
    with Image.open(sheet_of(server.outputs, wanted["group"])) as picture:
        assert picture.width == width
    page.locator(f"#gallery [data-cell={wanted['run_id']}]").click()
    appears(page.locator(f"#result [data-run={wanted['run_id']}]"))
    assert page.locator("#gallery [aria-current]").get_attribute("data-cell") == wanted["run_id"]
