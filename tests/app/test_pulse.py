"""What open pages ask all the time: only pages that were let in are answered, with what they do not show yet."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Request, expect
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.actions import Actions, load_runner
from app.downloads import Downloads
from app.jobs import Jobs
from app.pulse import KEY, Beat, Beats, Pulse
from pipeline.settings import Settings
from tests.browser import appears, open_advanced, set_small, settle, start, upload, wait_for_result
from tests.pictures import scene

QUIET_MILLISECONDS = 4000
"""How long nothing may happen on a page that nobody touches."""


@dataclass
class Panels:
    """A part of the page with two panels."""

    version: int = 1
    told: list[str] = field(default_factory=list)

    @property
    def beats(self) -> Beats:
        return {"first": self.first, "second": lambda _: Beat("", mark="new")}

    def first(self, about: str) -> Beat:
        self.told.append(about)
        return Beat(str(self.version), lambda: {"value": f"<b>{about}</b>"})


@pytest.fixture
def actions(outputs: Path, tmp_path: Path) -> Actions:
    return Actions(Jobs(outputs, load_runner), tmp_path, tmp_path, Downloads())


def client_of(pulse: Pulse) -> TestClient:
    key = pulse.script().rpartition('("')[2].removesuffix('")')
    return TestClient(Starlette(routes=[pulse.route]), headers={KEY: key})


def test_only_what_a_panel_does_not_show_yet_is_sent(actions: Actions) -> None:
    panels, pulse = Panels(), Pulse(actions)
    pulse.connect(panels)
    client = client_of(pulse)
    first = client.get("/pulse", params={"first": "run~1~", "second": "~"}).json()
    assert first["panels"]["first"] == {"version": "1", "mark": "", "properties": {"value": "<b>run~1</b>"}}
    assert first["panels"]["second"] == {"version": "", "mark": "new"}
    assert first["busy"] is False
    assert client.get("/pulse", params={"first": "run~1~1"}).json()["panels"]["first"] == {"version": "1", "mark": ""}
    panels.version = 2
    assert "properties" in client.get("/pulse", params={"first": "run~1~1"}).json()["panels"]["first"]
    assert panels.told == ["run~1"] * 3


def test_pages_that_were_not_let_in_and_pages_of_an_earlier_program_are_not_answered(actions: Actions) -> None:
    panels, now, earlier = Panels(), Pulse(actions), Pulse(actions)
    now.connect(panels)
    client = client_of(now)
    for key in ("", "wrong", client_of(earlier).headers[KEY]):
        answer = client.get("/pulse", params={"first": "~"}, headers={KEY: key})
        assert (answer.status_code, panels.told) == (403, [])
    assert client.get("/pulse", params={"unknown": "~"}).status_code == 404


def test_it_is_said_whether_anything_is_under_way(actions: Actions, tmp_path: Path) -> None:
    pulse = Pulse(actions)
    client = client_of(pulse)
    actions.jobs.pause()
    image = tmp_path / "photo.png"
    Image.fromarray(scene()).save(image)
    actions.jobs.submit((image,), Settings())
    assert client.get("/pulse").json()["busy"] is True
    actions.jobs.clear()
    assert client.get("/pulse").json()["busy"] is False


@pytest.mark.browser
@pytest.mark.slow
def test_a_page_that_nobody_touches_sets_off_no_event(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(path_of(request)))
    page.wait_for_timeout(QUIET_MILLISECONDS)
    assert set(asked) == {"/pulse"}


@pytest.mark.browser
@pytest.mark.slow
def test_progress_sets_off_no_event_and_the_end_does(page: Page, coffee: Path) -> None:
    upload(page, coffee)
    page.fill("#prompt textarea", "zoom in")
    open_advanced(page)
    set_small(page, frames=200, width=480)
    settle(page)
    start(page)
    events: list[str] = []
    page.on("request", lambda request: events.append(path_of(request)) if "join" in request.url else None)
    seen = {page.locator("#status .progress-head").inner_text()}
    while len(seen) < 3:
        page.wait_for_timeout(50)
        seen.add(page.locator("#status .progress-head").inner_text())
    assert events == []
    wait_for_result(page)
    assert len(events) == 1


@pytest.mark.browser
@pytest.mark.slow
def test_a_page_says_when_the_program_is_gone_or_another_one(page: Page) -> None:
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('gone')); }")
    told = page.get_by_role("alert").filter(has_text="The program does not answer")
    appears(told)
    page.evaluate("() => { window.fetch = async () => new Response('', {status: 403}); }")
    expect(page.locator("#lost")).to_contain_text("started anew")
    page.get_by_role("button", name="Load the page again").click()
    appears(page.locator("#generate"))
    expect(page.locator("#lost")).to_have_count(0)


def path_of(request: Request) -> str:
    """The path of a request, without its query."""
    return request.url.partition("?")[0].partition("//")[2].partition("/")[2].join(("/", ""))
