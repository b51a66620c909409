"""The tab Transition in a real browser, on the real server: two photos, the words between them, the key frames."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from app.texts import EXAMPLE_PAIRS
from tests.browser import (
    Server,
    appears,
    choose_option,
    generate,
    opened,
    serving,
    setting,
    settle,
    upload,
    visit,
    wait_for_result,
)
from tests.conftest import TinyModels
from tests.photos import CHELSEA, COFFEE, photo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RESULT = "#passage-result"

SIDE = 96
"""Width and height in pixels of the videos that these tests make."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("transitions"), environment={"OMP_NUM_THREADS": "1"}) as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A fresh page with its tab Transition opened."""
    with opened(browser, server, viewport={"width": 1440, "height": 1000}) as tab:
        open_transition(tab)
        yield tab


@pytest.fixture(scope="module")
def closer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The coffee cup from another view: turned and nearer."""
    path = tmp_path_factory.mktemp("photos") / "closer.jpg"
    height, width = photo(COFFEE).shape[:2]
    turned = cv2.getRotationMatrix2D((width / 2, height / 2), 5, 1.2)
    Image.fromarray(cv2.warpAffine(photo(COFFEE), turned, (width, height))).save(path, quality=92)
    return path


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of something else."""
    path = tmp_path_factory.mktemp("photos") / "stranger.jpg"
    Image.fromarray(photo(CHELSEA)).save(path, quality=92)
    return path


def open_transition(page: Page) -> None:
    page.get_by_role("tab", name="Transition").click()
    appears(page.locator("#passage-generate, #passage-stop").locator("visible=true"))
    settle(page)


def choose_pair(page: Page, first: Path, last: Path) -> None:
    upload(page, first, "#photo-first")
    upload(page, last, "#photo-last")


def field(page: Page, name: str) -> Locator:
    return setting(page, name, "passage")


def set_small(page: Page, frames: int = 8, side: int = SIDE) -> None:
    """Ask for a video that is made in a moment, with the advanced settings unfolded."""
    page.click("#passage-advanced > button")
    appears(field(page, "transition.num_frames"))
    settle(page)
    for name, value in {"transition.num_frames": frames, "prepare.width": side, "prepare.height": side}.items():
        field(page, name).fill(str(value))
    settle(page)


def make(page: Page) -> Locator:
    """Press Generate and wait; returns the result."""
    generate(page, "#passage-generate", RESULT)
    return page.locator(RESULT)


def shown_photos(page: Page) -> list[str]:
    return [str(page.locator(f"#photo-{end} img").get_attribute("alt")) for end in ("first", "last")]


def ways(record: dict[str, Any]) -> dict[str, str]:
    """The way that each stage took, by the stage's name."""
    return {stage["name"]: stage["method"] for stage in record["stages"]}


def artifacts(record: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(stage["artifacts"]) for stage in record["stages"] if stage["name"] == name)


def ends(video: Path) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last frame of a video."""
    reader = cv2.VideoCapture(str(video))
    frames = []
    while (read := reader.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    reader.release()
    return frames[0], frames[-1]


def cropped(path: Path) -> np.ndarray:
    """The middle of a photo as a square of SIDE pixels."""
    with Image.open(path) as picture:
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        return np.asarray(picture.crop((left, top, left + side, top + side)).resize((SIDE, SIDE)))


def distance(frame: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(frame.astype(np.float32) - other).mean())


def test_two_photos_swapped_become_a_video_from_the_one_to_the_other(
    page: Page, server: Server, coffee: Path, closer: Path
) -> None:
    choose_pair(page, coffee, closer)
    page.click("#swap")
    expect(page.locator("#photo-first img")).to_have_attribute("alt", closer.name)
    assert shown_photos(page) == [closer.name, coffee.name]
    set_small(page)
    expect(page.locator("#passage-forecast .summary")).to_contain_text("8 frames at 30 fps")
    result = make(page)
    appears(result.locator("video"))
    expect(result.locator(".ways")).to_contain_text("One scene")
    expect(result.locator(".hint").filter(has_text="agree")).to_contain_text("matches")
    assert result.locator("img.matches").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    record = server.records()[-1]
    assert (record["job"], record["status"]) == ("transition", "succeeded")
    assert [each["name"] for each in record["inputs"]] == [closer.name, coffee.name]
    first, last = ends(server.outputs / record["output"]["path"])
    assert distance(first, cropped(closer)) < distance(first, cropped(coffee)) / 2
    assert distance(last, cropped(coffee)) < distance(last, cropped(closer)) / 2


def test_photos_of_different_things_are_led_over_and_the_reason_is_no_failure(
    page: Page, server: Server, coffee: Path, stranger: Path
) -> None:
    choose_pair(page, coffee, stranger)
    set_small(page)
    result = make(page)
    appears(result.locator("video"))
    expect(result.locator(".ways")).to_contain_text("No common scene")
    expect(result.locator(".alert")).to_have_count(0)
    assert ways(server.records()[-1])["align"] == "refused"


def test_one_photo_twice_is_a_video_too(page: Page, server: Server, coffee: Path) -> None:
    choose_pair(page, coffee, coffee)
    set_small(page)
    result = make(page)
    appears(result.locator("video"))
    expect(result.locator(".alert")).to_have_count(0)
    assert server.records()[-1]["status"] == "succeeded"


def test_an_example_pair_needs_no_file(page: Page) -> None:
    page.locator("#passage-examples button").first.click()
    for end, path in zip(("first", "last"), EXAMPLE_PAIRS[0].paths, strict=True):
        expect(page.locator(f"#photo-{end} img")).to_have_attribute("alt", path.name)
        expect(page.locator(f"#photo-{end} .photo")).to_have_attribute("data-state", "loaded")


def test_a_wrong_file_and_a_missing_photo_are_told_and_the_tab_stays_usable(
    browser: Browser, coffee: Path, tmp_path: Path
) -> None:
    with serving(tmp_path) as fresh, opened(browser, fresh) as page:
        open_transition(page)
        ask_wrongly(page, coffee, tmp_path)
        assert fresh.records() == []


def ask_wrongly(page: Page, coffee: Path, tmp_path: Path) -> None:
    page.click("#passage-generate")
    expect(page.locator("#passage-error .alert")).to_contain_text("two photos")
    upload(page, coffee, "#photo-first")
    (tmp_path / "notes.png").write_bytes(b"this is text")
    page.locator("#photo-last input[type=file]").set_input_files(tmp_path / "notes.png")
    expect(page.locator("#photo-last .photo-message")).to_contain_text("notes.png")
    expect(page.locator("#photo-first .photo-message")).to_be_empty()
    page.click("#passage-generate")
    expect(page.locator("#passage-error .alert")).to_contain_text("two photos")
    upload(page, coffee, "#photo-last")
    expect(page.locator("#photo-last .photo-message")).to_be_empty()


def test_a_run_is_found_again_after_a_reload_is_told_on_the_other_tab_and_can_be_stopped(
    page: Page, server: Server, coffee: Path, closer: Path
) -> None:
    choose_pair(page, coffee, closer)
    set_small(page, frames=3000, side=480)
    page.click("#passage-generate")
    appears(page.locator("#passage-stop"))
    visit(page, server)
    expect(page.locator("#queue .queue")).to_contain_text(f"{coffee.name} → {closer.name}")
    appears(page.locator("#generate"))
    open_transition(page)
    appears(page.locator("#passage-status .status"))
    assert shown_photos(page) == [coffee.name, closer.name]
    page.click("#passage-stop")
    wait_for_result(page, RESULT)
    expect(page.locator(f"{RESULT} .alert")).to_contain_text("The run was stopped")
    appears(page.locator("#passage-generate"))
    assert server.records()[-1]["status"] == "cancelled"
    page.get_by_role("tab", name="Animate").click()
    open_transition(page)
    assert shown_photos(page) == [coffee.name, closer.name]


def test_a_plan_is_written_edited_and_painted_and_one_key_frame_is_painted_anew(
    page: Page, server: Server, coffee: Path, closer: Path, tiny_models: TinyModels
) -> None:
    choose_pair(page, coffee, closer)
    choose_keyframes(page)
    set_small(page)
    field(page, "runtime.models_dir").fill(str(tiny_models("sd-1.5").resolve()))
    for name, value in {"keyframes.count": 2, "keyframes.num_inference_steps": 2, "seed": 7}.items():
        field(page, name).fill(str(value))
    for name in ("caption.model", "plan.model"):
        choose_option(field(page, name), re.compile(r"^\W*none\s*$"))
    field(page, "caption.text0").fill("a cup on a table")
    field(page, "caption.text1").fill("a cup from above")
    settle(page)
    generate(page, "#passage-plan", RESULT)
    record = server.records()[-1]
    assert (record["job"], ways(record)["plan"], record["output"]) == ("plan", "template", None)
    lines = page.locator("#passage-prompts textarea")
    expect(lines).to_have_count(len(artifacts(record, "plan")["prompts"]))
    expect(lines.first).to_have_value("a cup on a table")

    lines.first.fill("a cup of <b>clay</b>")
    settle(page)
    result = make(page)
    record = server.records()[-1]
    assert ways(record)["keyframes"] == "sd-1.5"
    assert artifacts(record, "plan")["prompts"][0] == "a cup of <b>clay</b>"
    expect(result.locator(".frames img")).to_have_count(2)
    expect(result.locator(".frames textarea").first).to_have_value("a cup of <b>clay</b>")
    before = artifacts(record, "keyframes")["files"]

    frame = result.locator("[data-frame='1']")
    frame.locator("textarea").fill("a glass")
    frame.locator("input").fill("11")
    generate(page, f"{RESULT} [data-repaint='1']", RESULT)
    record = server.records()[-1]
    after = artifacts(record, "keyframes")["files"]
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)
    assert record["used"]["keyframes"]["prompts"] == ["", "a glass"]
    assert record["used"]["keyframes"]["seeds"] == [-1, 11]
    expect(page.locator(f"{RESULT} [data-frame='1'] textarea")).to_have_value("a glass")


def choose_keyframes(page: Page) -> None:
    choose_option(page.locator("#passage-engine input"), "key frames")
    appears(page.locator("#passage-plan"))
    settle(page)


def test_a_phone_shows_the_tab_without_scrolling_sideways(browser: Browser, server: Server) -> None:
    size = {"width": 390, "height": 844}
    with opened(browser, server, viewport=size, color_scheme="dark", has_touch=True, is_mobile=True) as page:
        open_transition(page)
        page.locator("#passage-examples button").first.click()
        expect(page.locator("#photo-last .photo")).to_have_attribute("data-state", "loaded")
        choose_keyframes(page)
        page.click("#passage-advanced > button")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        too_wide = page.evaluate(
            """() => [...document.querySelectorAll('.card, .card input, .card button, .photo, .part-result')]
            .filter(each => !each.closest('.strip') && each.getBoundingClientRect().right > 390.5)
            .map(each => each.outerHTML.slice(0, 120))"""
        )
        assert too_wide == []
