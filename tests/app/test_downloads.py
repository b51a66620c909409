"""Downloads in a thread of their own: progress, one at a time, stopping, and a sentence for whatever goes wrong.

The downloader is pretended here; the real one is tested against a hub, and on the page.
"""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from app.downloads import STOPPED, Download, Downloads
from pipeline.catalogue import Card, get_card
from pipeline.errors import Cancelled, InvalidInput, ModelMissing
from pipeline.models.download import DownloadProgress
from pipeline.settings import RuntimeSettings

SECONDS = 20.0
HALF = DownloadProgress(50, 100, 10.0, 5.0, "unet/model.safetensors")


class PretendDownloader:
    """Reports half, then waits for the test or for Stop, and ends as the test wants."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.reported = threading.Event()
        self.error: Exception | None = None
        self.asked: list[tuple[str, RuntimeSettings]] = []

    def __call__(
        self,
        card: Card,
        runtime: RuntimeSettings,
        report: Callable[[DownloadProgress], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self.asked.append((card.name, runtime))
        report(HALF)
        self.reported.set()
        while not self.go_on.wait(0.01):
            if is_cancelled():
                raise Cancelled("The download was stopped.")
        if self.error is not None:
            raise self.error


@pytest.fixture
def downloader() -> PretendDownloader:
    return PretendDownloader()


@pytest.fixture
def downloads(downloader: PretendDownloader) -> Iterator[Downloads]:
    found = Downloads(lambda: downloader)
    yield found
    found.close(SECONDS)


def begin(downloads: Downloads, downloader: PretendDownloader, name: str = "svd") -> None:
    downloads.start(get_card(name), RuntimeSettings(offline=True))
    assert downloader.reported.wait(SECONDS)


def finish(downloads: Downloads, downloader: PretendDownloader) -> Download:
    """Let the download end, and return how it did."""
    downloader.go_on.set()
    end = time.monotonic() + SECONDS
    while downloads.active() is not None and time.monotonic() < end:
        time.sleep(0.005)
    state = downloads.get("svd")
    assert state is not None
    return state


def test_progress_is_shown_and_the_end_too(downloads: Downloads, downloader: PretendDownloader) -> None:
    assert downloads.get("svd") is None
    before = downloads.version
    begin(downloads, downloader)
    state = downloads.active()
    assert state is not None
    assert (state.name, state.progress) == ("svd", HALF)
    assert downloads.version > before
    assert finish(downloads, downloader) == Download("svd", active=False)
    assert downloader.asked == [("svd", RuntimeSettings(offline=True))]


def test_only_one_model_is_fetched_at_a_time(downloads: Downloads, downloader: PretendDownloader) -> None:
    begin(downloads, downloader)
    with pytest.raises(InvalidInput, match="svd is being downloaded"):
        downloads.start(get_card("svd-xt"), RuntimeSettings())
    downloads.start(get_card("svd"), RuntimeSettings())
    assert len(downloader.asked) == 1


def test_stop_ends_it_with_a_sentence_and_it_can_begin_again(
    downloads: Downloads, downloader: PretendDownloader
) -> None:
    begin(downloads, downloader)
    downloads.stop()
    downloads.close(SECONDS)
    assert downloads.get("svd") == Download("svd", active=False, message=STOPPED)
    downloads.stop()
    assert downloads.active() is None
    downloader.reported.clear()
    begin(downloads, downloader)
    assert downloads.active() is not None


def test_what_goes_wrong_is_told_in_its_own_sentence(downloads: Downloads, downloader: PretendDownloader) -> None:
    downloader.error = ModelMissing("svd asks for a token: accept its licence first.")
    begin(downloads, downloader)
    assert finish(downloads, downloader) == Download("svd", active=False, message=str(downloader.error))


@pytest.mark.allow_errors
def test_a_defect_is_logged_and_told_without_its_inside(downloads: Downloads, downloader: PretendDownloader) -> None:
    downloader.error = KeyError("a secret of the program")
    begin(downloads, downloader)
    state = finish(downloads, downloader)
    assert "KeyError" in state.message
    assert "secret" not in state.message
