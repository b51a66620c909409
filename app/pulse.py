"""The one timer of a page: with each beat it asks once how everything is doing, and shows what has changed."""

from typing import Any, Protocol

import gradio as gr

from app.actions import Actions
from app.events import IDLE_SECONDS, POLL_SECONDS, on
from app.state import Changes


class Part(Protocol):
    """A part of the page that shows how runs are doing."""

    seen: list[Any]
    """The components that hold what it shows now."""

    poll_outputs: list[Any]
    """The components that it may change."""

    def poll(self, *seen: Any) -> Changes:
        """Show what has changed, given the values of `seen`."""


class Pulse:
    """Beats fast while something runs, slowly otherwise: another page may start something."""

    def __init__(self, actions: Actions) -> None:
        self.timer = gr.Timer(IDLE_SECONDS)
        self._actions = actions

    def rate(self) -> gr.Timer:
        """The timer as it should beat now."""
        is_busy = self._actions.jobs.active() or self._actions.downloads.active()
        return gr.Timer(POLL_SECONDS if is_busy else IDLE_SECONDS)

    def connect(self, *parts: Part) -> None:
        """Ask all parts at each beat. One request for all: every one costs as much as what most of them tell."""
        inputs = [component for part in parts for component in part.seen]
        outputs = list(dict.fromkeys(component for part in parts for component in part.poll_outputs))

        def beat(*values: Any) -> Changes:
            changes: Changes = {}
            left = iter(values)
            for part in parts:
                changes |= part.poll(*(next(left) for _ in part.seen))
            return changes

        on(self.timer.tick, beat, inputs, outputs)
