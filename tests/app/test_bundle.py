"""Forms are sent to the server as one text each."""

import asyncio
import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bundle import TYPED, Bundle, unpacking
from app.state import Changes, Values
from app.ui import build

MOST_INPUTS = 12
"""More than that, an event of the page should take as a bundle."""

held = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()

COUNT = 4


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """A bundle of COUNT components and one state."""

    async def laid_out() -> Bundle:
        with gr.Blocks():
            return Bundle("some-form", [gr.Textbox() for _ in range(COUNT)], [gr.State("kept")])

    return asyncio.run(laid_out())


@given(values=st.lists(held | st.lists(held, max_size=3), min_size=COUNT, max_size=COUNT))
def test_a_handler_takes_what_each_component_holds(bundle: Bundle, values: list[object]) -> None:
    (state,) = bundle.states
    taken: list[Values] = []

    def handler(came: Values) -> Changes:
        taken.append(came)
        return {}

    unpacking(handler, bundle)({bundle.text: json.dumps(values), state: "kept"})
    assert taken == [{state: "kept", **dict(zip(bundle.components, values, strict=True))}]


def test_no_event_sends_the_components_of_a_form_one_by_one(outputs: Path, tmp_path: Path) -> None:
    async def config() -> tuple[dict[str, Any], ...]:
        page = build(outputs, tmp_path)
        try:
            return tuple(page.get_config_file()["dependencies"])
        finally:
            page.close()

    events = asyncio.run(config())
    sent = [event for event in events if event["backend_fn"]]
    assert max(len(event["inputs"]) for event in sent) <= MOST_INPUTS
    assert any(len(event["inputs"]) > MOST_INPUTS for event in events)


def test_what_is_told_reaches_its_own_bundle_alone() -> None:
    async def scripts() -> list[str]:
        with gr.Blocks() as page:
            button = gr.Button()
            Bundle("one-form", [button], []).told(TYPED, button.click)
        return [str(event["js"]) for event in page.get_config_file()["dependencies"]]

    (script,) = asyncio.run(scripts())
    assert '{"bundle": "one-form", "what": "typed"}' in script
