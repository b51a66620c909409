"""How events are attached."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.form import Field, Listener

QUIET: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}
"""Events without Gradio's own spinners, and without a public address. With spinners nowhere, an event does not go
through all outputs that any event has ever had: that took the browser a third of the time."""

READING: dict[str, Any] = {**QUIET, "concurrency_id": "reading"}
"""Events that read a form and show what follows from it. They go one after the other, for each sends only what differs
from what the one before has shown."""


def on(listener: Listener, handler: Callable[..., Any], inputs: Any, outputs: Any, mode: str | None = None) -> Any:
    """Attach a handler to an event."""
    return listener(handler, inputs, outputs, trigger_mode=mode, **QUIET)


def by_hand(component: Field) -> list[Listener]:
    """The events of a part of the plan editor that only a person sets off: the page itself writes there, too."""
    if isinstance(component, gr.Textbox):
        return [component.input, component.blur]
    return [component.input, component.release] if isinstance(component, gr.Slider) else [component.input]
