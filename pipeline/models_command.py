"""`models`: what is on this machine of each model, and how it gets here."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from types import TracebackType
from typing import NoReturn

from tqdm import tqdm

from pipeline.catalogue import Card, all_names, find_card
from pipeline.errors import Cancelled, InvalidSetting, ModelMissing
from pipeline.models.download import DownloadProgress, download
from pipeline.models.places import free_bytes, places
from pipeline.models.status import ModelStatus, model_status, size
from pipeline.models.verify import verify
from pipeline.settings import RuntimeSettings

ACTIONS = ("list", "download", "verify")
LINE_SECONDS = 5.0
"""How often a line of progress is written where nobody watches a terminal."""


def run(
    action: str, name: str | None, runtime: RuntimeSettings, as_json: bool, is_cancelled: Callable[[], bool]
) -> int:
    """Do what `models ACTION [NAME]` asks for; return the exit code. Raises ImageToVideoError."""
    if action not in ACTIONS:
        raise InvalidSetting(f"`models {action}` is unknown: choose {', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}.")
    if action == "list":
        if name is not None:
            raise InvalidSetting("`models list` takes no name: it shows all models.")
        return _list(runtime, as_json)
    if name is None:
        raise InvalidSetting(f"`models {action}` needs the name of a model: one of {', '.join(all_names())}.")
    card = find_card(name)
    return (_download if action == "download" else _verify)(card, runtime, as_json, is_cancelled)


def _list(runtime: RuntimeSettings, as_json: bool) -> int:
    found = [(card, model_status(card, runtime)) for card in map(find_card, all_names())]
    if as_json:
        print(json.dumps([_facts(card, status) for card, status in found], indent=2))
        return 0
    width = max(len(card.name) for card, _ in found)
    for card, status in found:
        print(f"{card.name:{width}}  {_state(status):24}  {size(card.total_bytes):>8}  {card.title}; {card.licence}")
        if status.folder is not None:
            print(f"{'':{width}}  in {status.folder}")
    return 0


def _state(status: ModelStatus) -> str:
    if status.state == "partial":
        return f"partial, {size(status.bytes_present)}"
    return status.state


def _facts(card: Card, status: ModelStatus) -> dict[str, object]:
    """What is known of a model, for JSON."""
    facts = asdict(status) | {"folder": str(status.folder) if status.folder else None}
    return facts | {
        "title": card.title,
        "repository": card.repository,
        "licence": card.licence,
        "licence_url": card.licence_url,
        "gated": card.gated,
        "download_bytes": card.total_bytes,
    }


def _download(card: Card, runtime: RuntimeSettings, as_json: bool, is_cancelled: Callable[[], bool]) -> int:
    status = model_status(card, runtime)
    if status.state != "ready" and not card.files:
        root = places(card, runtime)[0].root
        _say(f"{card.title}: {size(status.bytes_total)}, licence: {card.licence} ({card.licence_url})")
        _say(f"{size(status.bytes_present)} are here, {size(free_bytes(root))} are free on the disk of {root}")
    with _Shown() as shown:
        download(card, runtime, shown, is_cancelled)
    status = model_status(card, runtime)
    print(json.dumps(_facts(card, status), indent=2) if as_json else status.folder)
    return 0


def _verify(card: Card, runtime: RuntimeSettings, as_json: bool, is_cancelled: Callable[[], bool]) -> int:
    status = model_status(card, runtime)
    if status.state == "missing":
        raise ModelMissing(status.message)
    with _Shown() as shown:

        def report(progress: DownloadProgress) -> None:
            if is_cancelled():
                raise Cancelled("The check was stopped.")
            shown(progress)

        problems = verify(card, runtime, report)
    if as_json:
        print(json.dumps({"name": card.name, "good": not problems, "problems": problems}, indent=2))
    else:
        print("\n".join(problems) or f"{card.title} is whole.")
    return 1 if problems else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)


class _Shown:
    """Progress on standard error: a bar where somebody watches, else a line every few seconds."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._written = time.monotonic()

    def __enter__(self) -> "_Shown":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, progress: DownloadProgress) -> None:
        """Show how far it is."""
        if sys.stderr.isatty():
            self._draw(progress)
        elif time.monotonic() - self._written >= LINE_SECONDS:
            self._written = time.monotonic()
            _say(_line(progress))

    def _draw(self, progress: DownloadProgress) -> None:
        if self._bar is None:
            self._bar = tqdm(unit="B", unit_scale=True, leave=False, dynamic_ncols=True, bar_format="{desc} {bar}")
        self._bar.total = progress.total_bytes
        self._bar.n = progress.done_bytes
        self._bar.set_description_str(_line(progress))


def _line(progress: DownloadProgress) -> str:
    speed = f", {size(round(progress.bytes_per_second))}/s" if progress.bytes_per_second else ""
    left = f", {_duration(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    return f"{size(progress.done_bytes)} of {size(progress.total_bytes)}{speed}{left}: {progress.file}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
