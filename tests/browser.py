"""Helpers of the browser tests: the real server in a process of its own, and a page that tolerates no noise."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

PROJECT = Path(__file__).resolve().parent.parent

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

START_SECONDS = 60
"""How long the server may take to answer on a slow machine."""

END_SECONDS = 90
"""How long it may take to end on a slow machine."""

RUN_MILLISECONDS = 150_000
"""How long a small run may take on a slow machine."""


expect.set_options(timeout=15_000)  # three times as patient as by default: the machine may be busy


@dataclass(frozen=True)
class Server:
    """A page that is being served."""

    address: str
    outputs: Path
    logs: Path

    def records(self) -> list[dict[str, Any]]:
        """The run records, oldest first."""
        paths = sorted(self.outputs.glob("video_*.json"), key=lambda path: path.stat().st_mtime)
        return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    folder: Path, outputs: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Serve the page with logs below `folder`, and outputs too unless they are named, as `python -m app` does.

    `environment` adds to this process's own.
    """
    port = free_port()
    server = Server(f"http://127.0.0.1:{port}", outputs or folder / "outputs", folder / "logs")
    arguments = ["--port", str(port), "--outputs", str(server.outputs), "--logs", str(server.logs)]
    with (folder / "server.txt").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            cwd=PROJECT,
            env={**os.environ, **(environment or {})},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(server.address, process)
            yield server
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=END_SECONDS)
    finally:
        process.kill()
        process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with opener.open(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError("the server did not answer")


@contextmanager
def browsing(chromium: str) -> Iterator[Browser]:
    """The browser at this path, without a screen. Debian's chromium plays H.264."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


QUIET_WHEN_LEFT = """addEventListener('beforeunload', () => {
    console.error = () => {};
    for (const kind of ['error', 'unhandledrejection']) addEventListener(kind, event => event.preventDefault());
})"""
"""Keeps a document from complaining, while it is being left, about the answers that it will not get any more."""


@dataclass
class Noise:
    """What no page may do: log errors, throw, or ask anything outside this machine."""

    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Collect the noise of a page."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._request)
        page.add_init_script(QUIET_WHEN_LEFT)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.outside.append(request.url)


@contextmanager
def opened(browser: Browser, server: Server, **context: Any) -> Iterator[Page]:
    """A fresh tab on the page; `context` are options of a playwright context. Fails on noise when it closes.

    It remembers nothing of another test, but what the browser has read and compiled of Gradio: half a second each time.
    """
    noise = Noise()
    idle = IDLE.setdefault(browser, {}).setdefault(json.dumps(context, sort_keys=True), [])
    tabs = idle.pop() if idle else browser.new_context(**context)
    page = tabs.new_page()
    try:
        page.add_init_script(FORGET)
        noise.listen(page)
        _watch_queue(page)
        visit(page, server)
        yield page
    finally:
        page.close()
    tabs.clear_cookies()
    idle.append(tabs)
    assert noise.errors == []
    assert noise.outside == []


IDLE: WeakKeyDictionary[Browser, dict[str, list[BrowserContext]]] = WeakKeyDictionary()
"""Contexts of each browser that no test uses, by their options."""

FORGET = """if (!sessionStorage.getItem('begun')) {
    localStorage.clear();
    sessionStorage.setItem('begun', 'yes');
}"""
"""Forgets what an earlier tab has left, when a tab is opened, but not when it is reloaded."""


def visit(page: Page, server: Server) -> None:
    """Open the page and wait until it can be used."""
    page.goto(server.address)
    appears(page.locator("#reading .plan, #model h3").locator("visible=true"), 30_000)
    settle(page)


def appears(place: Locator, milliseconds: int = 15_000) -> None:
    """Wait until something is in sight. As long as it is not there at all, `expect` would describe the whole page to
    itself at each look, which slows down what is waited for."""
    place.wait_for(timeout=milliseconds)


def settle(page: Page) -> None:
    """Wait until the page asks the server nothing and has not changed for a while, but at most about ten seconds.

    An answer that is still under way would overwrite what a test types faster than any hand.
    """
    end = time.monotonic() + 10.0
    page.evaluate(STILL)
    while ASKING.get(page) and time.monotonic() < end:
        page.evaluate(STILL)


ASKING: WeakKeyDictionary[Page, set[Request]] = WeakKeyDictionary()
"""What each page waits for from the server's queue: Gradio holds one request open as long as an answer is due."""


def _watch_queue(page: Page) -> None:
    """Keep account of the page's requests to the server's queue."""
    waiting = ASKING.setdefault(page, set())

    def begun(request: Request) -> None:
        if "/queue/" in request.url:
            waiting.add(request)

    def ended(request: Request) -> None:
        waiting.discard(request)

    page.on("request", begun)
    page.on("requestfinished", ended)
    page.on("requestfailed", ended)


STILL = """() => new Promise(done => {
    const watcher = new MutationObserver(() => { clearTimeout(rest); rest = setTimeout(end, 300); });
    const end = () => { watcher.disconnect(); clearTimeout(rest); clearTimeout(last); done(); };
    let rest = setTimeout(end, 300);
    const last = setTimeout(end, 3000);
    watcher.observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
})"""
"""A promise that is kept when the document has come to rest."""


def upload(page: Page, photo: Path, box: str = "#photo") -> None:
    """Choose a photo and wait until it is shown. `box` is the place for it: the tab Transition has two."""
    shown = page.locator(f"{box} .photo")
    count = int(shown.get_attribute("data-photo") or 0)
    shown.locator("input[type=file]").set_input_files(photo)
    expect(shown).to_have_attribute("data-photo", str(count + 1))
    settle(page)


def setting(page: Page, name: str, form: str = "setting") -> Locator:
    """What a setting is typed into, by the setting's full name. The form of the tab Transition is "passage"."""
    return page.locator(f"#{form}-{name.replace('.', '-')}").locator("input, textarea").first


def open_advanced(page: Page) -> None:
    """Unfold the advanced settings."""
    page.click("#advanced > button")
    appears(setting(page, "animate.num_frames"))
    settle(page)


def open_motion(page: Page) -> None:
    """Unfold the editor of the motion plan."""
    page.click("#edit-motion > button")
    appears(page.locator("#plan-camera-roll input[type=number]"))
    settle(page)


def choose_option(box: Locator, text: str | re.Pattern[str], typed: str | None = None) -> None:
    """Choose what has this text in the list of a dropdown, after typing into it where `typed` is given.

    Nothing but its own list is looked at, for the list of another dropdown may be fading still.
    """
    box.click()
    if typed is not None:
        box.fill(typed)
    options = box.page.locator(f"[id='{box.get_attribute('aria-controls')}']").get_by_role("option")
    options.filter(has_text=text).click()


def choose_engine(page: Page, label: str) -> None:
    """Choose an engine by what its label begins with, and wait until its model card is shown."""
    choose_option(page.locator("#engine input"), re.compile(rf"^\W*{re.escape(label)} ·"))
    appears(page.locator("#model h3").get_by_text(label, exact=True), 30_000)
    settle(page)


def set_small(page: Page, frames: int = 8, width: int = 160) -> None:
    """Ask for a video that is made in a moment. The advanced settings are unfolded."""
    setting(page, "animate.num_frames").fill(str(frames))
    setting(page, "prepare.width").fill(str(width))


def paint(page: Page, region: int, points: list[tuple[float, float]]) -> None:
    """Draw a stroke with the brush of a region; `points` are fractions of the photo."""
    chip = page.locator(f"#photo [data-region='{region}']")
    if chip.get_attribute("aria-pressed") != "true":
        chip.click()
    box = page.locator("#photo canvas").bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def start(page: Page) -> None:
    """Press Generate and wait until the run has begun, so that what is shown next is its own."""
    page.click("#generate")
    appears(page.locator("#status .status"))


def wait_for_result(page: Page, panel: str = "#result") -> None:
    """Wait until the run that a tab follows has ended; `panel` is where the tab shows its result."""
    appears(page.locator(f"{panel} .result"), RUN_MILLISECONDS)


def generate(page: Page, button: str = "#generate", panel: str = "#result") -> None:
    """Press a button that begins a run and wait for the result of this run."""
    results = page.locator(f"{panel} .result")
    before = results.get_attribute("data-run") if results.count() else "none"
    page.click(button)
    appears(page.locator(f"{panel} .result:not([data-run='{before}'])"), RUN_MILLISECONDS)
