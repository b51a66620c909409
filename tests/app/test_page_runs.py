"""Runs in a real browser, on the real server: from a photo to a video that plays, and every way that it can end."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import (
    Server,
    appears,
    choose_option,
    generate,
    open_advanced,
    opened,
    paint,
    serving,
    set_small,
    setting,
    settle,
    start,
    upload,
    wait_for_result,
)
from tests.disks import small_disk

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = 3000
"""Frames of a run that is still under way when a test looks at it."""


def test_a_photo_and_a_prompt_become_a_video_that_plays_with_its_record(
    page: Page, server: Server, coffee: Path
) -> None:
    upload(page, coffee)
    page.fill("#prompt textarea", "slowly zoom in while panning left")
    open_advanced(page)
    set_small(page)
    setting(page, "seed").fill("7")
    expect(page.locator("#reading .summary")).to_contain_text("8 frames at 30 fps")
    generate(page)

    video = page.locator("#result video")
    before = video.evaluate("film => film.currentTime")
    page.wait_for_function("before => document.querySelector('#result video').currentTime != before", arg=before)
    assert video.evaluate("film => film.videoWidth") == 160
    assert page.locator("#result .seed").inner_text() == "7"
    record = server.records()[-1]
    assert record["status"] == "succeeded"
    assert record["output"]["num_frames"] == 8
    assert record["requested"]["prompt"] == "slowly zoom in while panning left"
    expect(page.locator("#result .record")).to_contain_text("succeeded")
    page.get_by_text("Record as JSON").click()
    assert record["run_id"] in page.locator("#result .json").inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes() == (server.outputs / record["output"]["path"]).read_bytes()


def test_stop_ends_the_run_and_leaves_a_cancelled_record(page: Page, server: Server, coffee: Path) -> None:
    upload(page, coffee)
    open_advanced(page)
    set_small(page, frames=LONG, width=640)
    page.click("#generate")
    expect(page.locator("#generate")).to_be_hidden()
    expect(page.locator("#status .log")).to_contain_text("frames at 30 per second")
    page.click("#stop")
    wait_for_result(page)
    expect(page.locator("#result .alert")).to_contain_text("The run was stopped")
    appears(page.locator("#generate"))
    assert server.records()[-1]["status"] == "cancelled"
    assert not list(server.outputs.glob(f"{server.records()[-1]['run_id']}.mp4"))


def test_a_reload_finds_the_run_again_with_its_photo_and_prompt_and_then_its_result(
    page: Page, server: Server, coffee: Path
) -> None:
    upload(page, coffee)
    page.fill("#prompt textarea", "pan right")
    open_advanced(page)
    set_small(page, frames=900, width=640)
    start(page)
    page.goto(server.address)
    appears(page.locator("#status .status"))
    appears(page.locator("#stop"))
    expect(page.locator("#prompt textarea")).to_have_value("pan right")
    expect(page.locator(".photo")).to_have_attribute("data-state", "loaded")
    wait_for_result(page)
    appears(page.locator("#result video"))


FOLLOW_STOP = """() => {
    window.places = new Set();
    const look = () => {
        const stop = document.querySelector('#stop');
        if (stop) window.places.add(Math.round(stop.getBoundingClientRect().top));
        requestAnimationFrame(look);
    };
    look();
}"""
"""Collects where in the window the button Stop stands, in pixels from its top."""

ABOVE_TABS = "scrollY + document.querySelector('#tabs').getBoundingClientRect().top"
"""How much there is above the tabs, in pixels."""


def test_a_second_run_waits_in_the_queue_and_can_be_taken_out(page: Page, server: Server, coffee: Path) -> None:
    upload(page, coffee)
    open_advanced(page)
    set_small(page, frames=LONG, width=640)
    above = page.evaluate(ABOVE_TABS)
    page.evaluate(FOLLOW_STOP)
    start(page)
    expect(page.locator("#status .status")).to_be_in_viewport(ratio=1)
    assert page.evaluate("[...window.places]") == [10]  # under the pointer, although the page has come to the progress
    page.click("#more")
    expect(page.locator("#status .progress-head strong")).to_have_text("Next in the queue")
    page.click("#stop")
    expect(page.locator("#result .alert")).to_contain_text("taken out of the queue")
    appears(page.locator("#generate"))
    expect(page.locator("#queue details")).not_to_have_attribute("open", "")  # one runs alone: its tab shows it as well
    assert page.evaluate(ABOVE_TABS) == above
    page.locator("#queue summary").click()
    page.locator("#queue").get_by_role("button", name="Stop").click()
    expect(page.locator("#queue .queue")).to_be_hidden()
    assert [record["status"] for record in server.records()[-2:]] == ["cancelled", "cancelled"]


def test_a_painted_area_moves_and_the_rest_stands_still(page: Page, server: Server, coffee: Path) -> None:
    upload(page, coffee)
    page.fill("#prompt textarea", "")
    paint(page, 0, [(0.15, 0.2), (0.35, 0.25)])
    open_advanced(page)
    set_small(page, frames=12, width=320)
    generate(page)
    record = server.records()[-1]
    assert [source["role"] for source in record["inputs"]] == ["image", "mask"]
    mask = cv2.imread(str(server.outputs / record["inputs"][1]["path"]), cv2.IMREAD_GRAYSCALE)
    assert mask is not None
    assert mask.shape == (400, 600)
    inside, outside = motion_inside_and_outside(server.outputs / record["output"]["path"], mask)
    assert inside > 5 * outside


def test_the_seed_that_was_drawn_can_be_used_again_and_then_little_is_made_anew(
    page: Page, server: Server, coffee: Path
) -> None:
    upload(page, coffee)
    open_advanced(page)
    set_small(page, frames=2)
    setting(page, "seed").fill("-1")
    generate(page)
    page.get_by_role("button", name="Use again").click()
    expect(setting(page, "seed")).to_have_value(str(server.records()[-1]["seed"]))
    settle(page)

    setting(page, "encode.fps").fill("12")
    setting(page, "encode.fps").press("Enter")
    expect(page.locator("#reading .kept")).to_contain_text("made before")
    settle(page)
    generate(page)
    assert [each["name"] for each in server.records()[-1]["stages"] if each["cache_hit"]] == ["animate", "encode"]
    expect(page.locator("#result")).to_contain_text("encode from an earlier run")


def test_a_film_of_segments_goes_out_smooth_large_and_painted(page: Page, server: Server, coffee: Path) -> None:
    upload(page, coffee)
    open_advanced(page)
    set_small(page, width=96)
    setting(page, "animate.segments").fill("zoom in | 0.5\npan left | 0.5")
    for name, value in {"encode.fps": "8", "enhance.scale": "2", "style.strength": "0.5"}.items():
        setting(page, name).fill(value)
    setting(page, "interpolate.fps").fill("24")
    setting(page, "interpolate.fps").press("Enter")
    choose_option(setting(page, "style.name"), "pencil")
    settle(page)
    generate(page)
    record = server.records()[-1]
    assert record["error"] is None
    assert [each["name"] for each in record["stages"]] == [
        "prepare",
        "animate",
        "interpolate",
        "enhance",
        "style",
        "encode",
    ]
    assert [each["prompt"] for each in record["used"]["animate"]["segments"]] == ["zoom in", "pan left"]
    assert (record["output"]["width"], record["output"]["num_frames"], record["output"]["fps"]) == (192, 24, "24")
    expect(page.locator("#result")).to_contain_text("192 × 128")


def test_ending_the_program_interrupts_its_run_and_the_record_says_so(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as server, opened(browser, server) as page:
        page.click("[data-example='2']")
        expect(page.locator(".photo")).to_have_attribute("data-state", "loaded")
        open_advanced(page)
        set_small(page, frames=LONG, width=640)
        start(page)
        page.close()  # what the page says when its server goes is not at stake here
    assert [record["status"] for record in server.records()] == ["interrupted"]


def test_a_full_disk_is_told_in_one_sentence_and_leaves_a_failed_record(
    browser: Browser, coffee: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path, 400) as disk, serving(tmp_path, disk) as server, opened(browser, server) as page:
        upload(page, coffee)
        open_advanced(page)
        set_small(page, frames=120, width=640)
        generate(page)
        expect(page.locator("#result .alert")).to_contain_text("full")
        assert "Traceback" not in page.locator("#result").inner_text()
        assert [record["status"] for record in server.records()] == ["failed"]
        assert not list(disk.glob("*.mp4"))


def motion_inside_and_outside(video: Path, mask: cv2.typing.MatLike) -> tuple[float, float]:
    reader = cv2.VideoCapture(str(video))
    frames = []
    while (read := reader.read())[0]:
        frames.append(read[1].astype(np.float32))
    reader.release()
    change = np.abs(frames[len(frames) // 2] - frames[0]).mean(axis=2)
    small = cv2.resize(mask, (change.shape[1], change.shape[0]))
    return float(change[small > 250].mean()), float(change[small == 0].mean())
