"""A run on a terminal: notices and log lines on standard error, and a progress bar where somebody watches."""

import sys
from types import TracebackType
from typing import NoReturn

from tqdm import tqdm

from pipeline.context import Event, LogLine, Progress
from pipeline.records import Notice


class Terminal:
    """Shows the events of a run. Call it with each event; use it as a context manager, which removes the bar."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()
        self._bar: tqdm[NoReturn] | None = None

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Progress):
            self._advance(event)
        elif isinstance(event, Notice):
            self._print(f"{'note' if event.level == 'info' else 'warning'}: {event.message}")
        elif isinstance(event, LogLine) and event.level != "error":
            self._print(event.message)

    def _advance(self, progress: Progress) -> None:
        if not self._watched or progress.total <= 1 or not progress.done:
            return
        words = progress.phase or "rendering"
        if self._bar is not None and (self._bar.desc.removesuffix(": "), self._bar.total) != (words, progress.total):
            self._bar.close()
            self._bar = None
        bar = self._bar or _new_bar(words, progress.total)
        self._bar = bar
        bar.update(progress.done - bar.n)

    def _print(self, line: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        print(line, file=sys.stderr)


def _new_bar(words: str, total: int) -> "tqdm[NoReturn]":
    unit = "step" if words.endswith("sampling") else "frame"
    return tqdm(total=total, desc=words, unit=unit, leave=False, dynamic_ncols=True)
