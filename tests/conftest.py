"""Fixtures that all tests share."""

import gc
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from tests.tiny_models import build

IN_CI = os.environ.get("CI", "").lower() in ("1", "true")

# Timings on a busy machine say nothing about the code; CI tries the same examples each time.
# Half of the usual examples keep the suite short.
hypothesis.settings.register_profile("local", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "local")


BROWSERS = 2
"""Browsers that work at a time. They paint on the processor: more would take too long."""


class FewBrowsers(LoadFileScheduling):  # type: ignore[misc]
    """Keeps the tests of a file together, for they share a server or a checkpoint, and bounds the browsers."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return f"browser {_browser_files().index(file) % BROWSERS}" if file in _browser_files() else file


@cache
def _browser_files() -> list[str]:
    """The files whose tests drive a browser, as pytest names them."""
    project = Path(__file__).parent.parent
    files = sorted((project / "tests").rglob("test_*.py"))
    return [
        file.relative_to(project).as_posix()
        for file in files
        if "pytest.mark.browser" in file.read_text(encoding="utf-8")
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, the page and whole programs, so that no worker ends long after the others."""
    items.sort(key=lambda item: (_place(item) not in _browser_files(), _place(item).count("/")))


def _place(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FewBrowsers:
    """Decide which worker runs which test, where there are several."""
    return FewBrowsers(config, log)


class Libraries:
    """What was imported, as of the last time that garbage collection was told to leave it out."""

    modules = 0
    STEP = 20
    """So many new modules are worth to be told of."""


def pytest_runtest_setup() -> None:
    """Leave what the libraries hold out of garbage collection: each run of the program collects, and would look through
    it for longer than most tests take."""
    if len(sys.modules) < Libraries.modules + Libraries.STEP:
        return
    Libraries.modules = len(sys.modules)
    gc.collect()
    gc.freeze()


class ErrorCollector(logging.Handler):
    """Keeps the messages of level ERROR and above."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def no_errors_logged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test during which our own code logged an error, unless it is marked `allow_errors`."""
    collector = ErrorCollector()
    loggers = [logging.getLogger(name) for name in ("pipeline", "app")]
    for logger in loggers:
        logger.addHandler(collector)
    yield
    for logger in loggers:
        logger.removeHandler(collector)
    if collector.messages and request.node.get_closest_marker("allow_errors") is None:
        pytest.fail("errors were logged:\n" + "\n".join(collector.messages))


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """An empty outputs folder."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    return folder


class TinyModels:
    """Folders of models, for `runtime.models_dir`, whose checkpoints are built when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *names: str) -> Path:
        """A folder that holds the named models of the catalogue and no others. Tests leave it as it is."""
        if len(names) == 1:
            return self._built(names[0])
        together = self.folder / " and ".join(sorted(names))
        if not together.exists():
            together.mkdir()
            for part in (part for name in names for part in self._built(name).iterdir()):
                (together / part.name).symlink_to(part, target_is_directory=True)
        return together

    def _built(self, name: str) -> Path:
        alone = self.folder / name
        if not alone.exists():
            build(alone, name)
        return alone


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> TinyModels:
    """Checkpoints of random weights: `tiny_models("svd")` is a models_dir that holds svd."""
    return TinyModels(tmp_path_factory.mktemp("tiny_models"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser for tests marked `browser`. Without one they are skipped, and fail in CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None and IN_CI:
        pytest.fail("CI needs chromium for the tests of the page")
    if path is None:
        pytest.skip("chromium is not installed: `bash tests/run.sh` installs it on Debian as root")
    return path
