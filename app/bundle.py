"""The values of many components, sent to the server as one text.

A browser pays for each input of an event, several times: Gradio looks it up among all components and copies what it
holds, tells it that nothing is wrong with it, and from then on how each event of the page is getting on. For a form of
140 components that took the most of half a second at each change of a setting. So the page first writes their values
into one component, in an event that never reaches the server, and that component is the input of the one that does.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

import gradio as gr

from app.animate import script
from app.events import QUIET, READING
from app.form import Listener
from app.state import Changes, Values

TYPED, EDITED, BOUNDED = "typed", "edited", "bounded"
"""Events of bundles: something was typed or chosen, the motion plan was edited, or a slider of it went back to its
bound."""

WRITE = "(...values) => JSON.stringify(values)"


class Bundle:
    """The components of a form, by what they hold, and `states`, which the server keeps itself.

    Its own component is created here in the layout, and has the element id `name`.
    """

    def __init__(self, name: str, components: Iterable[gr.components.Component], states: Iterable[gr.State]) -> None:
        self.components, self.states, self.name = list(components), set(states), name
        self.text = gr.HTML("", html_template="", elem_id=name, elem_classes="bundle", js_on_load=script("bundle.js"))

    @property
    def inputs(self) -> set[Any]:
        """What an event that comes after `write` takes."""
        return {self.text, *self.states}

    def write(self, listener: Listener) -> gr.events.Dependency:
        """Attach the event that writes down what the components hold."""
        written: gr.events.Dependency = listener(None, self.components, self.text, js=WRITE, **QUIET)
        return written

    def send(self, listener: Listener, handler: Callable[[Values], Changes], outputs: Any, **how: Any) -> Any:
        """Attach a handler that takes the values of components and states, by component."""
        return self.write(listener).then(unpacking(handler, self), self.inputs, outputs, **{**QUIET, **how})

    def told(self, what: str, *listeners: Listener) -> None:
        """Let events be told to this bundle: soon after one, its own event called `what` takes place.

        Many told at once, such as the changes of all that an engine lays over the form, set it off once.
        """
        tell = json.dumps({"bundle": self.name, "what": what})
        for listener in listeners:
            listener(None, js=f"() => {{ dispatchEvent(new CustomEvent('bundle', {{ detail: {tell} }})); }}", **QUIET)

    def read(self, what: str, handler: Callable[[Values], Changes], outputs: Any) -> None:
        """Attach the handler of what is told: it reads the form, once more if something was told meanwhile."""
        self.send(getattr(self.text, what), handler, outputs, trigger_mode="always_last", **READING)

    def read_after(self, *events: gr.events.Dependency) -> None:
        """Read the form once one of the events has filled it in."""
        self.told(TYPED, *(event.then for event in events))

    def unpack(self, values: Values) -> Values:
        """The values that came, with those of the components in place of their text."""
        held = json.loads(values[self.text])
        rest = {part: value for part, value in values.items() if part is not self.text}
        return {**rest, **dict(zip(self.components, held, strict=True))}


def unpacking(handler: Callable[[Values], Changes], *bundles: Bundle) -> Callable[[Values], Changes]:
    """The handler of an event that takes what these bundles wrote."""

    def handle(values: Values) -> Changes:
        for bundle in bundles:
            values = bundle.unpack(values)
        return handler(values)

    return handle
