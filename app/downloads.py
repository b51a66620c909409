"""Downloads of models: one at a time, in a thread of its own. A download belongs to the program, not to a tab."""

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from pipeline.catalogue import Card
from pipeline.errors import Cancelled, ImageToVideoError, InvalidInput
from pipeline.logs import FILE_NAME
from pipeline.settings import RuntimeSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.models.download import DownloadProgress

LOG = logging.getLogger("app.downloads")

STOPPED = "The download was stopped. What is there is kept: Download goes on from it."


class Downloader(Protocol):
    """pipeline.models.download.download."""

    def __call__(
        self,
        card: Card,
        runtime: RuntimeSettings,
        report: "Callable[[DownloadProgress], None]",
        is_cancelled: "Callable[[], bool]",
    ) -> object:
        """Fetch what is missing of a model. Raises ImageToVideoError."""


@dataclass(frozen=True)
class Download:
    """How the download of a model is doing. `message` says how it ended, where it did not end well."""

    name: str
    active: bool = True
    stopping: bool = False
    progress: "DownloadProgress | None" = None
    message: str = ""


def load_downloader() -> Downloader:
    """The real one, imported when first needed: it brings huggingface_hub."""
    from pipeline.models.download import download

    return download


class Downloads:
    """The download under way and how the last one of each model ended."""

    def __init__(self, load: "Callable[[], Downloader]" = load_downloader) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._states: dict[str, Download] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._version = 0
        self._ended = 0

    @property
    def version(self) -> int:
        """Grows with everything that is worth showing."""
        with self._lock:
            return self._version

    @property
    def ended(self) -> int:
        """How many have ended, well or not."""
        with self._lock:
            return self._ended

    def get(self, name: str) -> Download | None:
        """How the download of a model is doing or has ended; None before the first one."""
        with self._lock:
            return self._states.get(name)

    def active(self) -> Download | None:
        """The download under way."""
        with self._lock:
            return self._active()

    def start(self, card: Card, runtime: RuntimeSettings) -> None:
        """Begin to fetch a model. Raises InvalidInput while another one is fetched; the same one goes on."""
        with self._lock:
            other = self._active()
            if other is not None and other.name != card.name:
                raise InvalidInput(f"{other.name} is being downloaded: wait until it is here, or stop it first.")
            if other is not None:
                return
            self._stop = threading.Event()
            self._put(Download(card.name))
            arguments = (card, runtime, self._stop)
            self._thread = threading.Thread(target=self._work, args=arguments, name="download", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the download under way."""
        with self._lock:
            state = self._active()
            if state is not None:
                self._stop.set()
                self._put(replace(state, stopping=True))

    def close(self, timeout: float = 10.0) -> None:
        """Stop, and wait up to `timeout` seconds for the thread."""
        self.stop()
        if self._thread is not None:
            self._thread.join(timeout)

    def _work(self, card: Card, runtime: RuntimeSettings, stop: threading.Event) -> None:
        def report(progress: "DownloadProgress") -> None:
            self._set(Download(card.name, stopping=stop.is_set(), progress=progress))

        message = ""
        try:
            self._load()(card, runtime, report, stop.is_set)
        except Cancelled:
            message = STOPPED
        except ImageToVideoError as error:
            message = str(error)
        except Exception as error:
            LOG.exception("The download of %s met a defect", card.name)
            message = f"Something unexpected went wrong ({type(error).__name__}): the details are in logs/{FILE_NAME}."
        self._set(Download(card.name, active=False, message=message))

    def _active(self) -> Download | None:
        return next((each for each in self._states.values() if each.active), None)

    def _set(self, state: Download) -> None:
        with self._lock:
            self._put(state)

    def _put(self, state: Download) -> None:
        self._states[state.name] = state
        self._version += 1
        self._ended += not state.active
