"""Two runs compared: which are chosen, what they differ in, and that their videos keep step in a browser."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from app.comparison import CHOOSE, SAME, chosen_with, comparison_panel
from pipeline.errors import InvalidInput
from pipeline.frames import FrameStream
from pipeline.history import History
from pipeline.settings import EncodeSettings, make_settings
from pipeline.video import write_video
from tests.browser import Server, appears, opened, serving, settle
from tests.pipeline.history.records import an_output, put

NASTY = "<img src=x onerror=alert(1)>'\""


def with_video(outputs: Path, number: int, size: tuple[int, int], seconds: int, **asked: object) -> str:
    """A run whose video gets lighter from frame to frame, ten a second."""
    run_id, (width, height), count = put(outputs, number), size, 10 * seconds
    frames = (np.full((height, width, 3), 20 + 200 * frame // count, np.uint8) for frame in range(count))
    write_video(FrameStream(frames, width, height, Fraction(10), count), outputs / f"{run_id}.mp4", EncodeSettings())
    output = an_output(f"{run_id}.mp4", duration=seconds)
    output.width, output.height, output.fps, output.num_frames = width, height, Fraction(10), count
    return put(outputs, number, output=output, requested=make_settings(asked), seed=7)


def test_two_runs_are_chosen_and_of_three_the_first_goes() -> None:
    assert chosen_with((), "a") == ("a",)
    assert chosen_with(("a",), "b") == ("a", "b")
    assert chosen_with(("a", "b"), "a") == ("b",)
    assert chosen_with(("a", "b"), "c") == ("b", "c")


def test_the_panel_tells_what_two_runs_differ_in(outputs: Path) -> None:
    pair = (
        with_video(outputs, 1, (64, 48), 1, prompt=NASTY, encode={"crf": 20}),
        with_video(outputs, 2, (96, 48), 2, prompt=NASTY, encode={"crf": 30}),
    )
    history = History(outputs)
    panel = comparison_panel(history, pair)
    assert "Quality (CRF)</th>" in panel
    assert '<td translate="no">20</td><td translate="no">30</td>' in panel
    assert "Seed</th>" not in panel
    assert 'max="2.0000" step="0.100000"' in panel
    assert NASTY not in panel
    assert SAME in comparison_panel(history, (pair[0], pair[0]))


def test_what_cannot_be_compared_is_said(outputs: Path) -> None:
    history = History(outputs)
    without, moving = put(outputs, 1), put(outputs, 2, output=an_output("video_2.gif"))
    (outputs / "video_2.gif").touch()
    assert comparison_panel(history, ()) == ""
    assert CHOOSE in comparison_panel(history, (without,))
    with pytest.raises(InvalidInput, match="no longer there"):
        comparison_panel(history, (without, moving))
    with pytest.raises(InvalidInput, match="GIF"):
        comparison_panel(history, (moving, without))


# --- in a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("comparison")
    (folder / "outputs").mkdir()
    with_video(folder / "outputs", 1, (160, 120), 2, prompt="the short one", encode={"crf": 20})
    with_video(folder / "outputs", 2, (240, 120), 3, prompt="the long one", encode={"crf": 30})
    with serving(folder) as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with opened(browser, server, viewport={"width": 1440, "height": 1000}) as tab:
        yield tab


TIMES = "films => films.map(film => film.currentTime)"


def takes_frames_and_files(page: Page) -> None:
    page.locator("#history-gallery .run").filter(has_text="the short one").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download with the record").click()
    assert download.value.suggested_filename.endswith(".zip")
    page.get_by_text("Use in a transition").click()
    page.get_by_role("button", name="Last frame as the first photo").click()
    expect(page.locator("#photo-first .photo")).to_have_attribute("data-state", "loaded")
    settle(page)
    expect(page.locator("#photo-last .photo")).not_to_have_attribute("data-state", "loaded")


@pytest.mark.browser
@pytest.mark.slow
def test_two_videos_play_in_step_and_frames_lead_into_a_transition(page: Page) -> None:
    page.get_by_role("tab", name="History").click()
    page.get_by_role("button", name="Compare: the short one").click()
    expect(page.locator("#history-compared")).to_contain_text(CHOOSE)
    page.get_by_role("button", name="Compare: the long one").click()
    films, seek, told = (page.locator(f".compare {each}") for each in ("video", ".seek", "output"))
    expect(films).to_have_count(2)
    expect(page.locator(".compare th")).to_contain_text(["Prompt", "Quality (CRF)"])

    seek.fill("1.5")
    expect(told).to_have_text("1.50 / 3.00 s")
    assert films.evaluate_all(TIMES) == pytest.approx([1.5, 1.5])
    page.get_by_role("button", name="One frame on").click()
    expect(told).to_have_text("1.60 / 3.00 s")
    page.locator(".stage").focus()
    page.keyboard.press("ArrowLeft")
    expect(told).to_have_text("1.50 / 3.00 s")
    seek.fill("2.5")
    expect(told).to_have_text("2.50 / 3.00 s")
    assert films.evaluate_all(TIMES) == pytest.approx([1.95, 2.5])  # the shorter one rests on its last frame

    page.keyboard.press(" ")
    appears(page.get_by_role("button", name="Pause"))
    page.wait_for_function("document.querySelectorAll('.compare video')[1].currentTime < 1")  # from the start again
    page.wait_for_function("document.querySelectorAll('.compare video')[1].currentTime > 0.5")
    page.get_by_role("button", name="Pause").click()
    first, second = films.evaluate_all(TIMES)
    assert first == pytest.approx(min(second, 1.95))

    page.get_by_role("button", name="One over the other").click()
    wipe = page.get_by_role("slider", name="Where the first video ends")
    wipe.focus()
    page.keyboard.press("Home")
    expect(wipe).to_have_value("0")
    clip = "each => getComputedStyle(each).clipPath"
    assert films.nth(1).evaluate(clip) == "inset(0px 0px 0px 0%)"
    page.get_by_role("button", name="Close the comparison").click()
    expect(films).to_have_count(0)

    takes_frames_and_files(page)
