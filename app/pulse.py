"""The one timer of a page: with each beat it asks once how everything is doing, and shows what has changed.

What an event may change costs the browser, whether it changes or not: Gradio looks every output up in the whole page,
for each of an event's states. So a beat may change little, and asks for another event where more is to be changed.
"""

import time
from typing import Any, Protocol

import gradio as gr

from app.actions import Actions
from app.events import IDLE_SECONDS, POLL_SECONDS, on
from app.state import Changes


class Part(Protocol):
    """A part of the page that shows how runs are doing."""

    seen: list[Any]
    """The components that hold what it shows now."""

    progress_outputs: list[Any]
    """The components that change all the time while something runs."""

    poll_outputs: list[Any]
    """The components that it may change, those among them."""

    def poll(self, *seen: Any) -> Changes:
        """Show what has changed, given the values of `seen`."""


class Pulse:
    """Beats fast while something runs, slowly otherwise: another page may start something."""

    def __init__(self, actions: Actions) -> None:
        self.timer = gr.Timer(IDLE_SECONDS)
        self._more = gr.State(0)
        self._actions = actions

    def rate(self) -> gr.Timer:
        """The timer as it should beat now."""
        is_busy = self._actions.jobs.is_busy or self._actions.downloads.active()
        return gr.Timer(POLL_SECONDS if is_busy else IDLE_SECONDS)

    def connect(self, *parts: Part) -> None:
        """Ask all parts at each beat."""
        seen = [component for part in parts for component in part.seen]
        quick = list(dict.fromkeys(component for part in parts for component in part.progress_outputs))
        outputs = list(dict.fromkeys(component for part in parts for component in part.poll_outputs))

        def poll(*values: Any) -> Changes:
            changes: Changes = {}
            left = iter(values)
            for part in parts:
                changes |= part.poll(*(next(left) for _ in part.seen))
            return changes

        def beat(*values: Any) -> Changes:
            changes = poll(*values)
            return changes if changes.keys() <= {*quick} else {self._more: time.monotonic_ns()}

        on(self.timer.tick, beat, seen, [*quick, self._more])
        on(self._more.change, poll, seen, outputs)
