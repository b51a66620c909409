"""The tab System: what it shows of the machine, the models, the outputs and the log, and what can be done there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app import system_panels
from app.downloads import Download
from app.system_panels import emptied, live_panel, local_time, log_panel, models_panel, usage_panel, versions_panel
from pipeline.catalogue import all_names, find_card
from pipeline.doctor import Finding
from pipeline.log_lines import LogEntry
from pipeline.logs import FILE_NAME
from pipeline.memory.gpu import GpuMemory
from pipeline.memory.live import Reading
from pipeline.models.status import model_status
from pipeline.records import Environment
from pipeline.settings import RuntimeSettings
from pipeline.usage import Kind, Usage
from tests.browser import Server, opened, serving, settle

GB = 1_000_000_000
READING = Reading(GpuMemory(24 * GB, 6 * GB, 18 * GB), 16 * GB, 12 * GB, GB // 2, 100 * GB, 25 * GB)
NASTY = "<img src=x onerror=alert(1)>'\""


def words(html: str) -> str:
    """What a person reads."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_readings_say_what_is_in_use_and_by_whom() -> None:
    told = words(live_panel(READING, Environment(gpu="NVIDIA L4", driver="570.1"), "svd"))
    assert "GPU 6.0 GB of 24.0 GB in use NVIDIA L4, driver 570.1" in told
    assert "Memory 4.0 GB of 16.0 GB in use 500.0 MB of it by this program" in told
    assert "Disk 75.0 GB of 100.0 GB in use 25.0 GB free for the outputs" in told
    assert "In memory: Stable Video Diffusion" in told
    assert "Free its memory" in told


def test_a_machine_without_gpu_says_so() -> None:
    panel = live_panel(Reading(None, 2, 1, 1, 2, 1), Environment(), None)
    assert "There is no NVIDIA GPU" in panel
    assert "No model is in memory" in panel
    assert "data-free" not in panel


@pytest.mark.parametrize(("name", "button"), [("svd", True), ("film", False)])
def test_a_model_that_is_not_here_can_be_fetched_or_says_how(tmp_path: Path, name: str, button: bool) -> None:
    card, runtime = find_card(name), RuntimeSettings(models_dir=tmp_path)
    panel = models_panel([(card, model_status(card, runtime))], lambda _: None)
    assert ("data-download" in panel) == button
    assert ("put " in panel) != button
    assert card.licence in words(panel)
    assert "not here" in panel


def test_a_download_shows_how_far_it_is_and_how_it_ended(tmp_path: Path) -> None:
    card = find_card("svd")
    models = [(card, model_status(card, RuntimeSettings(models_dir=tmp_path)))]
    assert "Stop the download" in models_panel(models, {"svd": Download("svd")}.get)
    ended = models_panel(models, {"svd": Download("svd", active=False, message=NASTY)}.get)
    assert "data-download" in ended
    assert "&lt;img src=x" in ended
    assert NASTY not in ended


def test_sizes_are_summed_up() -> None:
    told = words(usage_panel([Usage(Kind.VIDEOS, 2, 3 * GB), Usage(Kind.TRASH, 1, GB)], emptied(GB, 0)))
    assert "Videos and their records 2 3.0 GB Trash 1 1.0 GB Together 3 4.0 GB" in told
    assert "The cache is emptied of 1.0 GB." in told
    assert "1.0 MB are left" in emptied(GB, 1_000_000)
    assert set(system_panels.KIND_TITLES) == set(Kind)


def test_what_the_doctor_finds_is_text() -> None:
    panel = system_panels.doctor_panel([Finding("disk", "missing", f"`mend` {NASTY}")])
    assert "1 of these must be mended" in panel
    assert "<code>mend</code>" in panel
    assert NASTY not in panel
    assert "<li>" not in system_panels.doctor_panel(None)


def test_the_log_is_text_with_times_of_this_place() -> None:
    entry = LogEntry("2026-01-31T12:00:00.000+00:00", NASTY, NASTY, NASTY, NASTY, NASTY)
    panel = log_panel([entry], limit=1)
    assert NASTY not in panel
    assert "2026-01-31 " in panel
    assert "<summary>Traceback</summary>" in panel
    assert "the newest 1" in panel
    assert "no such line" in log_panel([], limit=1)
    assert local_time("yesterday") == "yesterday"


def test_versions_name_the_program_and_its_packages() -> None:
    told = words(versions_panel(Environment(python="3.11.2", git_commit="0123456789abcdef"), {"numpy": "2.0"}))
    assert "commit 0123456789ab " in told
    assert "Packages (1) numpy 2.0" in told
    assert "not from git" in versions_panel(Environment(), {})


# --- in a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("system")
    (folder / "logs").mkdir()
    lines = [
        ("INFO", "video_1", "A quiet line"),
        ("WARNING", None, "A loud line"),
        ("ERROR", None, "A broken <b>line</b>"),
    ]
    text = "".join(
        json.dumps({"time": "t", "level": level, "run_id": run_id, "logger": "x", "message": message}) + "\n"
        for level, run_id, message in lines
    )
    (folder / "logs" / FILE_NAME).write_text(text)
    entry = folder / "outputs" / "cache" / "0123"
    entry.mkdir(parents=True)
    (entry / "entry.json").write_bytes(b"." * 3_000_000)
    environment = {"HF_TOKEN": "a-token-of-the-hub", "HF_HOME": str(folder / "hub")}
    with serving(folder, environment=environment) as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with opened(browser, server, permissions=["clipboard-read", "clipboard-write"]) as tab:
        yield tab


@pytest.mark.browser
@pytest.mark.slow
def test_the_tab_shows_the_machine_and_copies_a_report(page: Page, server: Server) -> None:
    page.get_by_role("tab", name="System").click()
    expect(page.locator("#system-live .meter")).to_have_count(3)
    expect(page.locator("#system-models .state")).to_have_count(len(all_names()))
    expect(page.locator("#system-live")).to_contain_text("No model is in memory")

    usage = page.locator("#system-usage")
    expect(usage).to_contain_text("3.0 MB")
    page.once("dialog", lambda dialog: dialog.dismiss())
    usage.get_by_role("button", name="Empty the cache").click()
    assert (server.outputs / "cache" / "0123").is_dir()
    page.once("dialog", lambda dialog: dialog.accept())
    usage.get_by_role("button", name="Empty the cache").click()
    expect(usage).to_contain_text("emptied of 3.0 MB")
    assert not (server.outputs / "cache" / "0123").exists()

    log = page.locator("#system-log li")
    expect(log).to_have_count(3)
    expect(log.first).to_contain_text("A broken <b>line</b>")
    page.locator("#system-text textarea, #system-text input").fill("LOUD")
    expect(log).to_have_count(1)
    page.locator("#system-text textarea, #system-text input").fill("")
    page.locator("#system-run textarea, #system-run input").fill("video_1")
    expect(log).to_contain_text(["A quiet line"])

    page.get_by_role("button", name="Examine").click()
    expect(page.locator(".findings")).to_contain_text("H.264")
    page.get_by_role("button", name="Copy a report").click()
    expect(page.locator(".report")).to_contain_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text == page.locator(".report textarea").input_value()
    assert "ERROR x: A broken <b>line</b>" in text
    assert "a-token-of-the-hub" not in text
    assert str(server.outputs) not in text

    asks_for = "system-live="
    page.wait_for_event("request", lambda request: asks_for in request.url)
    page.get_by_role("tab", name="Animate").click()
    settle(page)
    with page.expect_request(lambda request: "/pulse?" in request.url) as asked:
        pass
    assert asks_for not in asked.value.url
