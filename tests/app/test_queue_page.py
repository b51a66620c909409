"""The queue in a real browser, over two lives of the real program."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import (
    RUN_MILLISECONDS,
    Server,
    appears,
    open_advanced,
    opened,
    serving,
    set_small,
    setting,
    settle,
    start,
    upload,
    visit,
    wait_for_result,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = 9000
"""Frames of a run that is still under way when the program ends."""


def test_the_queue_is_changed_and_outlives_page_and_program(browser: Browser, coffee: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        with opened(browser, server) as page:
            begin_and_reload(page, server, coffee)
            open_advanced(page)
            set_small(page)
            for prompt in ("pan left", "pan right", "zoom <b>out"):
                add(page, prompt)
            rows = page.locator("#queue ol.queue > li")
            expect(rows).to_have_count(4)  # the one that runs is the first
            press(rows, "zoom <b>out", "Earlier")
            expect(rows.nth(2)).to_contain_text("zoom <b>out")
            assert page.evaluate("document.activeElement.title") == "Earlier"  # and can be pressed once more
            press(rows, "pan left", "Take out")
            expect(rows).to_have_count(3)
            press(rows, "pan right", "Edit")
            expect(page.locator("#prompt textarea")).to_have_value("pan right")
            expect(page.locator("#more")).to_be_hidden()
            settle(page)
            page.fill("#prompt textarea", "tilt up")
            page.get_by_role("button", name="Save in the queue").click()
            expect(rows.nth(2)).to_contain_text("tilt up")
            expect(page.locator("#queue .editing")).to_have_count(0)
            appears(page.locator("#more"))
            page.get_by_role("button", name="Pause").click()
            expect(page.locator("#queue")).to_contain_text("The queue is paused")
        with opened(browser, server, viewport={"width": 390, "height": 844}) as phone:  # it belongs to the program
            expect(phone.locator("#queue ol.queue > li")).to_have_count(3)
    assert outcomes(server) == {
        "zoom in": "interrupted",
        "pan left": "cancelled",
        "zoom <b>out": "queued",
        "tilt up": "queued",
    }
    with serving(tmp_path) as server, opened(browser, server) as page:
        go_on_and_resume(page, server)


def go_on_and_resume(page: Page, server: Server) -> None:
    """See the queue go on where it was, and what was interrupted be resumed."""
    expect(page.locator("#queue")).to_contain_text("2 waiting · 1 interrupted")
    page.get_by_role("button", name="Continue").click()
    wait_for_result(page)
    expect(page.locator("#queue ol.queue")).to_have_count(0, timeout=RUN_MILLISECONDS)
    assert outcomes(server) == {
        "zoom in": "interrupted",
        "pan left": "cancelled",
        "zoom <b>out": "succeeded",
        "tilt up": "succeeded",
    }
    records = {record["requested"]["prompt"]: record for record in server.records()}
    assert records["zoom <b>out"]["started_at"] < records["tilt up"]["started_at"]
    page.get_by_role("button", name="Resume").click()
    appears(page.locator("#status .status"))
    expect(page.locator("#queue")).not_to_contain_text("Interrupted")
    page.click("#stop")
    expect(page.locator("#result .alert")).to_contain_text("The run was stopped")


def begin_and_reload(page: Page, server: Server, photo: Path) -> None:
    """Begin a long run, and see it go on when the page has been loaded anew."""
    upload(page, photo)
    page.fill("#prompt textarea", "zoom in")
    open_advanced(page)
    set_small(page, frames=LONG, width=1920)
    for threads in ("runtime.threads", "encode.threads"):  # or it would take all cores from the tests beside it
        setting(page, threads).fill("1")
    settle(page)
    start(page)
    visit(page, server)
    bar = page.locator("#status .bar")
    appears(bar)
    before = bar.get_attribute("aria-valuenow")
    page.wait_for_function(
        "before => Number(document.querySelector('#status .bar').ariaValueNow) > Number(before)", arg=before
    )


def add(page: Page, prompt: str) -> None:
    """Put one more run in the queue."""
    page.fill("#prompt textarea", prompt)
    settle(page)
    page.click("#more")
    expect(page.locator("#queue ol.queue")).to_contain_text(prompt)


def press(rows: Locator, prompt: str, button: str) -> None:
    """Press a button of a run in the queue."""
    rows.filter(has_text=prompt).get_by_role("button", name=button).click()


def outcomes(server: Server) -> dict[str, str]:
    """Where the runs stand, by their prompts."""
    return {record["requested"]["prompt"]: record["status"] for record in server.records()}
