"""Fixtures of the tests of the page: one server and one browser for each file of tests, a fresh tab for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser import Server, browsing, opened, serving
from tests.photos import COFFEE, photo


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
