"""Models on the page, in a real browser: chosen, missing, fetched, run to a video with its account."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.catalogue import get_card, model_names
from tests.browser import (
    Server,
    appears,
    choose_engine,
    choose_option,
    generate,
    open_advanced,
    opened,
    serving,
    setting,
    settle,
    start,
    upload,
    visit,
    wait_for_result,
)
from tests.conftest import TinyModels
from tests.hub import Hub, serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FAMILIES = sorted({get_card(name).family: name for name in reversed(model_names())}.values())
"""One model of each family."""


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("models_page")
    surroundings = {
        "OMP_NUM_THREADS": "1",
        "HF_HOME": str(folder / "hf"),
        "HF_ENDPOINT": hub.address,
        "HF_TOKEN": "",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    with serving(folder, environment=surroundings) as running:
        yield running


def ask_for_little(page: Page, models: Path, steps: int = 2, frames: int = 2) -> None:
    """Ask for the smallest video of the models in a folder. The advanced settings are unfolded."""
    for name, value in {
        "runtime.models_dir": str(models),
        "prepare.width": "64",
        "prepare.height": "64",
        "animate.num_inference_steps": str(steps),
        "animate.num_frames": str(frames),
        "animate.candidates": "1",
    }.items():
        if setting(page, name).input_value() != value:
            setting(page, name).fill(value)
    settle(page)


def test_an_engine_lays_its_values_over_the_form_and_greys_out_what_it_ignores(page: Page, coffee: Path) -> None:
    upload(page, coffee)
    open_advanced(page)
    choose_engine(page, "I2VGen-XL")
    for name, value in {
        "animate.num_frames": "16",
        "animate.num_inference_steps": "50",
        "animate.guidance_scale": "9",
        "encode.fps": "8",
        "prepare.resolution": "512",
    }.items():
        expect(setting(page, name)).to_have_value(value)
    expect(setting(page, "animate.motion.amount")).to_be_disabled()
    expect(setting(page, "animate.motion_bucket_id")).to_be_disabled()
    expect(page.locator("#reading")).to_be_hidden()
    expect(page.get_by_role("button", name="Find areas")).to_be_hidden()
    expect(page.locator("#model")).to_contain_text("random weights")
    expect(page.locator("#forecast")).to_contain_text(re.compile(r"GB of (GPU )?memory"))
    expect(page.locator("#forecast")).to_contain_text("16 frames at 8 fps")
    setting(page, "animate.num_frames").fill("9")
    settle(page)
    page.click("#engine input")
    page.click("#prompt textarea")  # the picker is left as it was
    settle(page)
    expect(setting(page, "animate.num_frames")).to_have_value("9")
    page.locator("#preset").get_by_text("Draft").click()
    expect(setting(page, "animate.num_inference_steps")).to_have_value("25")
    expect(page.locator("#engine input")).to_have_value(re.compile("I2VGen-XL"))
    choose_option(page.locator("#engine input"), "Built-in motion")
    appears(page.locator("#reading .plan"))
    expect(setting(page, "animate.num_frames")).to_have_value("90")
    expect(setting(page, "animate.motion.amount")).to_be_enabled()
    appears(page.get_by_role("button", name="Find areas"))


def test_the_forecast_follows_the_form_and_names_the_rungs(page: Page) -> None:
    open_advanced(page)
    choose_engine(page, "I2VGen-XL")
    forecast = page.locator("#forecast")
    before = forecast.inner_text()
    setting(page, "runtime.vram_limit_gb").fill("12")
    expect(forecast).not_to_have_text(before, use_inner_text=True)  # a machine may need some of its rungs anyway
    appears(forecast.locator(".rungs"))
    setting(page, "runtime.vram_limit_gb").fill("2")
    appears(page.locator("#forecast .outlook.no"))


def test_a_model_without_a_prompt_says_so_and_a_reload_keeps_it(page: Page, server: Server) -> None:
    choose_engine(page, "Stable Video Diffusion")
    expect(page.locator("#prompt textarea")).to_be_disabled()
    expect(page.locator("#prompt")).to_contain_text("takes no prompt")
    visit(page, server)
    expect(page.locator("#model h3")).to_have_text("Stable Video Diffusion")
    expect(page.locator("#prompt textarea")).to_be_disabled()
    open_advanced(page)
    expect(setting(page, "encode.fps")).to_have_value("7")


def test_a_missing_model_is_one_sentence_with_a_button_and_no_run(page: Page, server: Server, coffee: Path) -> None:
    upload(page, coffee)
    choose_engine(page, "Wan 2.2 TI2V 5B")
    runs = len(server.records())
    page.click("#generate")
    expect(page.locator("#error .alert")).to_contain_text("models download wan2.2-ti2v-5b")
    appears(page.locator("#error").get_by_role("button", name="Download"))
    assert len(server.records()) == runs


def test_a_model_is_fetched_stopped_resumed_and_then_ready(
    page: Page, hub: Hub, tiny_models: TinyModels, tmp_path: Path
) -> None:
    hub.add(get_card("i2vgen-xl").repository, tiny_models("i2vgen-xl") / "i2vgen-xl")
    hub.seconds_a_chunk = 0.4
    open_advanced(page)
    choose_engine(page, "I2VGen-XL")
    setting(page, "runtime.models_dir").fill(str(tmp_path / "models"))
    settle(page)
    card = page.locator("#model")
    card.get_by_role("button", name="Download").click()
    expect(card.locator(".download")).to_contain_text(re.compile(r"[kM]B/s"))
    card.get_by_role("button", name="Stop the download").click()
    expect(card).to_contain_text("was stopped")
    hub.seconds_a_chunk = 0.0
    card.get_by_role("button", name="Download").click()
    appears(card.locator(".state.ready"), 30_000)
    expect(page.locator("#engine input")).to_have_value("I2VGen-XL · ready")


def test_a_run_of_a_model_shows_phases_a_preview_and_its_whole_account(
    page: Page, server: Server, coffee: Path, tiny_models: TinyModels
) -> None:
    upload(page, coffee)
    page.fill("#prompt textarea", "steam rises")
    open_advanced(page)
    choose_engine(page, "I2VGen-XL")
    ask_for_little(page, tiny_models("i2vgen-xl"), steps=30, frames=8)
    start(page)
    appears(page.locator("#status .glimpse img"), 60_000)
    expect(page.locator("#status .progress-head")).to_contain_text("of 30")
    wait_for_result(page)
    page.wait_for_function("document.querySelector('#result video').videoWidth === 64")
    record = server.records()[-1]
    assert record["status"] == "succeeded"
    assert record["model"]["name"] == "i2vgen-xl"
    result = page.locator("#result")
    expect(result.locator(".quality")).to_contain_text("Sharpness")
    expect(result.locator(".record")).to_contain_text("ali-vilab/i2vgen-xl")
    page.get_by_text("Time and memory").click()
    expect(result.locator(".phases")).to_contain_text("Sampling")
    assert "at most" in (result.locator(".chart").get_attribute("aria-label") or "")

    advice = result.locator("[data-advice]").last
    runs = len(server.records())
    advice.click()
    appears(page.locator("#status .status"))
    assert len(server.records()) > runs
    page.click("#stop")


def test_the_model_card_fits_a_phone(browser: Browser, server: Server) -> None:
    size = {"width": 390, "height": 844}
    with opened(browser, server, viewport=size, has_touch=True, is_mobile=True) as page:
        choose_engine(page, "FramePack I2V (HunyuanVideo)")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        too_wide = "each => each.getBoundingClientRect().right > 390.5"
        assert (
            page.evaluate(f"[...document.querySelectorAll('.card, #model *, #forecast *')].filter({too_wide}).length")
            == 0
        )


def test_every_family_makes_a_video_from_the_page(
    page: Page, server: Server, coffee: Path, tiny_models: TinyModels
) -> None:
    upload(page, coffee)
    page.fill("#prompt textarea", "steam rises")
    open_advanced(page)
    models = tiny_models(*FAMILIES)
    for name in FAMILIES:
        choose_engine(page, get_card(name).title)
        ask_for_little(page, models, frames=get_card(name).rules.min_frames)
        generate(page)
        record = server.records()[-1]
        assert record["error"] is None
        assert record["model"]["name"] == name
        appears(page.locator("#result video"))
