"""The page in a real browser, on the real server: photos, prompts, settings, and how it looks on small screens."""

import base64
import io
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser import Server, appears, open_advanced, open_motion, opened, setting, upload
from tests.photos import COFFEE, photo

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_value_out_of_bounds_typed_beside_a_slider_becomes_the_bound(page: Page) -> None:
    open_motion(page)
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


def encoded(size: tuple[int, int], kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 50).save(buffer, kind)
    return buffer.getvalue()


def huge_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (40_000, 40_000)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_wrong_file_is_told_in_one_sentence_and_the_page_stays_usable(
    page: Page, coffee: Path, tmp_path: Path
) -> None:
    message = page.locator(".photo-message")
    for name, content, sentence in (
        ("notes.png", b"this is text", "notes.png"),
        ("empty.jpg", b"", "empty.jpg"),
        ("dot.png", encoded((1, 1), "PNG"), "1 x 1"),
        ("cut.jpg", encoded((400, 300), "JPEG")[:9000], "cut.jpg"),
        ("huge.png", huge_png(), "1600 megapixels"),
    ):
        (tmp_path / name).write_bytes(content)
        page.set_input_files(".photo input[type=file]", tmp_path / name)
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
    expect(page.locator("#reading")).to_contain_text("prepare.width was changed")


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
    sampling = page.locator("#advanced .section").filter(has_text="Sampling")
    expect(sampling.locator("small").first).to_be_visible()  # nothing below it has an effect, so it stands alone
    expect(setting(page, "animate.negative_prompt")).to_be_hidden()
    appears(setting(page, "animate.overlap"))
    expect(page.locator("#advanced")).to_contain_text("without a diffusion model")
    expect(setting(page, "animate.num_frames")).to_be_enabled()
    setting(page, "animate.seconds").fill("2")
    expect(setting(page, "animate.num_frames")).to_be_disabled()


def test_unknown_words_are_named_and_the_plan_follows_the_prompt_until_it_is_edited(page: Page) -> None:
    page.fill("#prompt textarea", "zoom in and frobnicate the zorgle")
    expect(page.locator("#reading .unknown").first).to_contain_text("frobnicate")
    expect(page.locator("#reading .plan")).to_contain_text("Zooms in")
    open_motion(page)
    page.locator("#plan-camera-roll input[type=number]").fill("30")
    appears(page.locator("#reading .tag"))
    page.fill("#prompt textarea", "pan left")
    expect(page.locator("#reading .plan")).to_contain_text("Zooms in")
    page.click("#follow-prompt")
    expect(page.locator("#reading .plan")).to_contain_text("Pans left")


def test_an_area_that_is_found_is_shown_and_can_be_erased(page: Page) -> None:
    page.locator("[data-example]").filter(has_text="Deep field").click()
    expect(page.locator("#reading .hint")).to_contain_text("Find areas")
    page.get_by_role("button", name="Find areas").click()
    appears(page.locator(".photo.painted"))
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


def test_generate_is_in_sight_wherever_the_page_is_scrolled(page: Page) -> None:
    open_motion(page)
    open_advanced(page)
    assert_generate_is_in_sight(page)


def assert_generate_is_in_sight(page: Page) -> None:
    for part in (0.0, 0.3, 0.6, 1.0):
        page.evaluate("part => window.scrollTo(0, part * document.documentElement.scrollHeight)", part)
        expect(page.locator("#generate")).to_be_in_viewport(ratio=0.9)


SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")


def test_a_phone_shows_everything_without_scrolling_sideways(browser: Browser, server: Server) -> None:
    size = {"width": 390, "height": 844}
    with opened(browser, server, viewport=size, has_touch=True, is_mobile=True) as page:
        page.click("[data-example='2']")
        expect(page.locator(".photo")).to_have_attribute("data-state", "loaded")
        open_motion(page)
        open_advanced(page)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") == 390
            too_wide = page.evaluate(
                """() => [...document.querySelectorAll('.card, .card input, .card button, .photo, .part-result')]
                .filter(each => !each.closest('.strip') && each.getBoundingClientRect().right > 390.5)
                .map(each => each.outerHTML.slice(0, 120))"""
            )
            assert too_wide == []
        assert_generate_is_in_sight(page)
