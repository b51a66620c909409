"""The tab History: what it shows of records, whatever they hold, and what can be done with a run."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.history import read_day
from app.history_panels import Marks, gallery, run_panel, trash_panel, unreadable_panel
from pipeline.errors import InvalidInput
from pipeline.history import Discarded, Entry, EntryState, Found, History, Query
from pipeline.log_lines import LogEntry
from pipeline.records import RunStatus
from tests.browser import Server, generate, open_advanced, set_small, setting, settle, upload
from tests.pipeline.history.records import put

NASTY = "<img src=x onerror=alert(1)>'\""


ENTRY = Entry(
    "video_1",
    EntryState.WHOLE,
    datetime.now(UTC),
    status=RunStatus.FAILED,
    prompt=NASTY,
    inputs=NASTY,
    engine=NASTY,
)


def test_nothing_from_a_record_is_read_as_markup(outputs: Path) -> None:
    run_id = put(outputs, 1, NASTY)
    record = History(outputs).record(run_id)
    pages = [
        gallery(Found((ENTRY,), 1), [Path(NASTY)], Marks(), is_filtered=False),
        run_panel(record, [LogEntry("t", "INFO", NASTY)], outputs),
        unreadable_panel(NASTY, NASTY),
        trash_panel([Discarded(NASTY, NASTY, 1, datetime.now(UTC))]),
    ]
    for page in pages:
        assert NASTY not in page
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page or "%3Cimg" in page


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        (replace(ENTRY, status=RunStatus.SUCCEEDED), None),
        (ENTRY, "failed"),
        (replace(ENTRY, status=RunStatus.CANCELLED), "stopped"),
        (replace(ENTRY, job="plan"), "plan"),
        (replace(ENTRY, state=EntryState.DAMAGED), "damaged"),
        (replace(ENTRY, state=EntryState.NEWER), "newer version"),
    ],
)
def test_what_did_not_go_well_is_said_on_the_poster(entry: Entry, shown: str | None) -> None:
    page = gallery(Found((entry,), 1), [None], Marks(), is_filtered=False)
    assert (f'<span class="tag">{shown}</span>' in page) == (shown is not None)
    assert ('class="tag"' in page) == (shown is not None)


def test_the_gallery_says_how_many_are_left_and_why_it_is_empty() -> None:
    page = gallery(Found((replace(ENTRY, is_favourite=True),), 30), [None], Marks("video_1"), is_filtered=False)
    assert "30 runs" in page
    assert "29 left" in page
    assert 'aria-current="true"' in page
    assert 'aria-pressed="true"' in page
    assert "no runs yet" in gallery(Found((), 0), [], Marks(), is_filtered=False)
    assert "No run is like that" in gallery(Found((), 0), [], Marks(), is_filtered=True)


def test_a_run_is_shown_with_its_log_and_what_can_be_done(outputs: Path) -> None:
    history = History(outputs)
    done = run_panel(history.record(put(outputs, 1, "waves")), [LogEntry("t", "WARNING", "a line")], outputs)
    assert "a line" in done
    assert "waves" in done
    assert "data-use" in done
    assert "data-again" not in done  # it was never settled, so there is nothing to repeat
    queued = run_panel(history.record(put(outputs, 2, status=RunStatus.QUEUED)), [], outputs)
    assert "not finished" in queued


@pytest.mark.parametrize(("text", "day"), [(None, None), ("  ", None), (" 2026-01-31 ", date(2026, 1, 31))])
def test_days_are_read_as_they_are_typed(text: str | None, day: date | None) -> None:
    assert read_day(text, "From") == day


@pytest.mark.parametrize("text", ["31.1.2026", "2026-02-30", "yesterday", "9" * 99])
def test_what_is_no_day_is_said(text: str) -> None:
    with pytest.raises(InvalidInput, match="From"):
        read_day(text, "From")


@pytest.mark.browser
@pytest.mark.slow
def test_a_run_is_found_again_used_thrown_away_and_restored(page: Page, server: Server, coffee: Path) -> None:
    upload(page, coffee)
    page.fill("#prompt textarea", "pan right")
    open_advanced(page)
    set_small(page)
    setting(page, "encode.crf").fill("30")
    generate(page)
    page.fill("#prompt textarea", "something else")
    setting(page, "encode.crf").fill("12")
    settle(page)

    page.get_by_role("tab", name="History").click()
    runs = page.locator("#history-gallery .run")
    expect(runs).to_have_count(1)
    page.locator("#history-gallery .star").click()
    expect(page.locator("#history-gallery .star")).to_have_attribute("aria-pressed", "true")
    page.fill("#history-words textarea, #history-words input", "nowhere")
    expect(runs).to_have_count(0)
    page.fill("#history-words textarea, #history-words input", "PAN coffee")
    expect(runs).to_have_count(1)
    assert (
        runs.locator("img").evaluate("async picture => { await picture.decode(); return picture.naturalWidth; }") == 160
    )
    runs.click()
    expect(page.locator(".opened .record")).to_contain_text("pan right")
    page.get_by_role("button", name="Use these settings").click()
    expect(page.locator("#prompt textarea")).to_have_value("pan right")
    expect(setting(page, "encode.crf")).to_have_value("30")
    expect(setting(page, "seed")).to_have_value(str(server.records()[-1]["seed"]))
    settle(page)

    page.get_by_role("tab", name="History").click()
    page.get_by_role("button", name="Move to the trash").click()
    expect(runs).to_have_count(0)
    assert not list(server.outputs.glob("video_*"))
    page.get_by_text("Trash (1").click()
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(runs).to_have_count(1)
    found = History(server.outputs).find(Query(favourites_only=True))
    assert [entry.prompt for entry in found.entries] == ["pan right"]
