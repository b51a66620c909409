"""A page that opens: both tabs show what the program is doing, or did last, with what was asked for."""

from typing import Any

import gradio as gr

from app.crossing import Crossing
from app.events import on
from app.passage_form import ShownPassage
from app.state import Changes, Shown
from app.wiring import Wiring

TAKE_UP_SECONDS = 5.0
"""How long a page waits for what an earlier program has left; over ten thousand records that takes about one."""


class Opening:
    """Connects the opening of the page with both tabs."""

    def __init__(self, animate: Wiring, crossing: Crossing) -> None:
        self.animate, self.crossing = animate, crossing

    def connect(self, page: gr.Blocks) -> None:
        """Attach the event; the forms are read once they are filled in."""
        animate, crossing = self.animate, self.crossing
        inputs = [animate.state.engine, animate.state.shown, crossing.state.shown]
        outputs = [*animate.restore_outputs, *crossing.restore_outputs]
        opened = on(page.load, self.restore, inputs, list(dict.fromkeys(outputs)))
        animate.form.read_after(opened)
        crossing.form.bundle.read_after(opened)

    def restore(self, engine: str, shown: Shown, shown_passage: ShownPassage) -> Changes:
        """Show the runs under way, or the last ones; `engine` is the one that the browser remembers."""
        self.animate.actions.jobs.await_taken_up(TAKE_UP_SECONDS)
        changes = self.animate.restore(engine, shown) | self.crossing.restore(shown_passage)
        return {part: change for part, change in changes.items() if not opens_so(part, change)}


def opens_so(part: Any, change: Any) -> bool:
    """Whether a page that opens shows this value already, as most of a form does: each change takes time."""
    alone = {"__type__", "value"}
    return isinstance(change, dict) and change.keys() == alone and change["value"] == part.value
