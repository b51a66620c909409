"""The page in a real browser, on the real server."""

import base64
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser import (
    Server,
    browsing,
    generate,
    open_advanced,
    opened,
    paint,
    serving,
    set_small,
    setting,
    start,
    upload,
    visit,
    wait_for_result,
)
from tests.photos import COFFEE, photo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = 3000
"""Frames of a run that is still under way when a test looks at it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with browsing(chromium) as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with opened(browser, server, viewport={"width": 1440, "height": 1000}) as tab:
        yield tab


@pytest.fixture(scope="module")
def coffee(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "my coffee <b>.jpg"
    Image.fromarray(photo(COFFEE)).save(path, quality=92)
    return path


def test_a_value_out_of_bounds_typed_beside_a_slider_becomes_the_bound(page: Page) -> None:
    page.click("#edit-motion > button")
    roll = page.locator("#plan-camera-roll input[type=number]")
    roll.fill("999")
    roll.blur()
    expect(roll).to_have_value("180")
    expect(page.locator("#reading .plan")).to_contain_text("180")
    page.locator("#plan-camera-roll .reset-button").click()
    expect(page.locator("#reading .plan")).not_to_contain_text("180")


def test_without_a_photo_generate_asks_for_one(page: Page) -> None:
    page.click("#generate")
    expect(page.locator("#error .alert")).to_contain_text("no photo yet")


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
    expect(page.locator("#generate")).to_be_visible()
    assert server.records()[-1]["status"] == "cancelled"
    assert not list(server.outputs.glob(f"{server.records()[-1]['run_id']}.mp4"))


def test_a_reload_finds_the_run_again_with_its_photo_and_prompt_and_then_its_result(
    page: Page, server: Server, coffee: Path
) -> None:
    upload(page, coffee)
    page.fill("#prompt textarea", "pan right")
    open_advanced(page)
    set_small(page, frames=300, width=640)
    start(page)
    visit(page, server)
    expect(page.locator("#status .status")).to_be_visible()
    expect(page.locator("#stop")).to_be_visible()
    expect(page.locator("#prompt textarea")).to_have_value("pan right")
    expect(page.locator(".photo")).to_have_attribute("data-state", "loaded")
    wait_for_result(page)
    expect(page.locator("#result video")).to_be_visible()


def test_a_second_run_waits_in_the_queue_and_can_be_taken_out(page: Page, server: Server, coffee: Path) -> None:
    upload(page, coffee)
    open_advanced(page)
    set_small(page, frames=LONG, width=640)
    start(page)
    page.click("#more")
    expect(page.locator("#status")).to_contain_text("Next in the queue")
    page.click("#stop")
    expect(page.locator("#result .alert")).to_contain_text("taken out of the queue")
    expect(page.locator("#generate")).to_be_visible()
    page.locator("#status").get_by_role("button", name="Cancel").click()
    expect(page.locator("#status .queue")).to_be_hidden()
    assert [record["status"] for record in server.records()[-2:]] == ["cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [("notes.png", b"this is text", "notes.png"), ("empty.jpg", b"", "empty.jpg")],
)
def test_a_wrong_file_is_told_in_one_sentence_and_the_page_stays_usable(
    page: Page, coffee: Path, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    page.set_input_files(".photo input[type=file]", tmp_path / name)
    message = page.locator(".photo-message")
    expect(message).to_contain_text(sentence)
    assert "Traceback" not in message.inner_text()
    upload(page, coffee)
    expect(message).to_be_empty()


def test_a_photo_that_no_browser_shows_is_shown(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "scan.tiff"
    Image.fromarray(photo(COFFEE)).convert("CMYK").save(path)
    upload(page, path)
    assert page.locator(".photo-stage img").evaluate("image => image.naturalWidth") == 600


def test_a_photo_can_be_dropped_and_pasted(page: Page, coffee: Path) -> None:
    data = base64.b64encode(coffee.read_bytes()).decode("ascii")
    page.evaluate(HAND_OVER, [data, "drop"])
    expect(page.locator(".photo-stage img")).to_have_attribute("alt", "drop.jpg")
    page.evaluate(HAND_OVER, [data, "paste"])
    expect(page.locator(".photo-stage img")).to_have_attribute("alt", "paste.jpg")


HAND_OVER = """async ([data, kind]) => {
    const bytes = await (await fetch('data:image/jpeg;base64,' + data)).blob();
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], kind + '.jpg', { type: 'image/jpeg' }));
    const options = { bubbles: true, cancelable: true, dataTransfer: transfer, clipboardData: transfer };
    const made = kind === 'drop' ? new DragEvent('drop', options) : new ClipboardEvent('paste', options);
    document.querySelector('.photo').dispatchEvent(made);
}"""
"""Hands the page a photo as the browser does when one is dropped or pasted."""


def test_a_bad_setting_is_told_in_one_sentence_and_nothing_runs(page: Page, server: Server, coffee: Path) -> None:
    upload(page, coffee)
    open_advanced(page)
    setting(page, "prepare.width").fill("9999")
    expect(page.locator("#reading .alert")).to_contain_text("prepare.width")
    runs = len(server.records())
    page.click("#generate")
    expect(page.locator("#error .alert")).to_contain_text("4096")
    assert len(server.records()) == runs
    setting(page, "prepare.width").fill("321")
    expect(page.locator("#reading .notices")).to_contain_text("321")


def test_a_preset_sets_its_values_and_leaves_the_others(page: Page) -> None:
    open_advanced(page)
    setting(page, "animate.num_frames").fill("11")
    page.locator("#preset").get_by_text("Draft").click()
    expect(setting(page, "prepare.resolution")).to_have_value("480")
    expect(setting(page, "animate.num_frames")).to_have_value("11")
    page.locator("#preset").get_by_text("High").click()
    expect(setting(page, "prepare.resolution")).to_have_value("1080")


def test_settings_without_effect_are_greyed_out_with_the_reason(page: Page) -> None:
    open_advanced(page)
    expect(setting(page, "animate.negative_prompt")).to_be_disabled()
    expect(page.locator("#advanced")).to_contain_text("without a diffusion model")
    expect(setting(page, "animate.num_frames")).to_be_enabled()
    setting(page, "animate.seconds").fill("2")
    expect(setting(page, "animate.num_frames")).to_be_disabled()


def test_unknown_words_are_named_and_the_plan_follows_the_prompt_until_it_is_edited(page: Page) -> None:
    page.fill("#prompt textarea", "zoom in and frobnicate the zorgle")
    expect(page.locator("#reading .unknown").first).to_contain_text("frobnicate")
    expect(page.locator("#reading .plan")).to_contain_text("Zooms in")
    page.click("#edit-motion > button")
    page.locator("#plan-camera-roll input[type=number]").fill("30")
    expect(page.locator("#reading .tag")).to_be_visible()
    page.fill("#prompt textarea", "pan left")
    expect(page.locator("#reading .plan")).to_contain_text("Zooms in")
    page.click("#follow-prompt")
    expect(page.locator("#reading .plan")).to_contain_text("Pans left")


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


def test_the_seed_that_was_drawn_can_be_used_again(page: Page, server: Server, coffee: Path) -> None:
    upload(page, coffee)
    open_advanced(page)
    set_small(page, frames=2)
    setting(page, "seed").fill("-1")
    generate(page)
    page.get_by_role("button", name="Use again").click()
    expect(setting(page, "seed")).to_have_value(str(server.records()[-1]["seed"]))


def test_an_area_that_is_found_is_shown_and_can_be_erased(page: Page) -> None:
    page.locator("[data-example]").filter(has_text="Deep field").click()
    expect(page.locator("#reading .hint")).to_contain_text("Find areas")
    page.get_by_role("button", name="Find areas").click()
    expect(page.locator(".photo.painted")).to_be_visible()
    before = painted_pixels(page)
    assert before > 0
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".photo.painted")).to_be_hidden()
    assert painted_pixels(page) == 0
    page.fill("#prompt textarea", "zoom in")
    expect(page.locator("#reading .plan")).not_to_contain_text("twinkle")
    page.get_by_role("button", name="Find areas").click()
    expect(page.locator(".photo-message")).to_contain_text("names nothing that moves by itself")


def painted_pixels(page: Page) -> int:
    count = """canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
        .filter((value, index) => index % 4 === 3 && value > 0).length"""
    return int(page.locator(".photo canvas").evaluate(count))


def test_ending_the_program_stops_its_run_and_the_record_says_so(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as server, opened(browser, server) as page:
        page.click("[data-example='2']")
        expect(page.locator(".photo")).to_have_attribute("data-state", "loaded")
        open_advanced(page)
        set_small(page, frames=LONG, width=640)
        start(page)
        page.goto("about:blank")
    assert [record["status"] for record in server.records()] == ["cancelled"]


def motion_inside_and_outside(video: Path, mask: cv2.typing.MatLike) -> tuple[float, float]:
    reader = cv2.VideoCapture(str(video))
    frames = []
    while (read := reader.read())[0]:
        frames.append(read[1].astype(np.float32))
    reader.release()
    change = np.abs(frames[len(frames) // 2] - frames[0]).mean(axis=2)
    small = cv2.resize(mask, (change.shape[1], change.shape[0]))
    return float(change[small > 250].mean()), float(change[small == 0].mean())


@pytest.mark.parametrize("width", [390, 1440])
def test_generate_is_in_sight_wherever_the_page_is_scrolled(browser: Browser, server: Server, width: int) -> None:
    with opened(browser, server, viewport={"width": width, "height": 800}) as page:
        page.click("#edit-motion > button")
        open_advanced(page)
        for part in (0.0, 0.3, 0.6, 1.0):
            page.evaluate("part => window.scrollTo(0, part * document.documentElement.scrollHeight)", part)
            expect(page.locator("#generate")).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(browser: Browser, server: Server, scheme: str) -> None:
    size = {"width": 390, "height": 844}
    with opened(browser, server, viewport=size, color_scheme=scheme, has_touch=True, is_mobile=True) as page:
        page.click("[data-example='2']")
        expect(page.locator(".photo")).to_have_attribute("data-state", "loaded")
        page.click("#edit-motion > button")
        open_advanced(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        too_wide = page.evaluate(
            """() => [...document.querySelectorAll('.card, .card input, .card button, .photo, .part-result')]
            .filter(each => !each.closest('.strip') && each.getBoundingClientRect().right > 390.5)
            .map(each => each.outerHTML.slice(0, 120))"""
        )
        assert too_wide == []
