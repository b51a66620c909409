"""What leads from a run to the other tabs: all of its settings, what was painted, and the ends of its video."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from app.actions import Actions, load_runner
from app.animate import build_tab, script
from app.crossing import Crossing
from app.downloads import Downloads
from app.jobs import Jobs
from app.onward import Onward
from app.passage import build_passage_tab
from app.wiring import Wiring
from pipeline.history import History
from pipeline.motion_plan import Camera, MotionPlan
from pipeline.records import InputRecord
from pipeline.settings import make_settings
from tests.app.test_comparison import with_video
from tests.pipeline.history.records import put


@pytest.fixture
def onward(outputs: Path, tmp_path: Path) -> Onward:
    (tmp_path / "uploads").mkdir()
    actions = Actions(Jobs(outputs, load_runner), tmp_path / "uploads", tmp_path, Downloads())
    return asyncio.run(lay_out(actions))


async def lay_out(actions: Actions) -> Onward:
    """Both tabs in a page: inside a loop that runs, since Gradio leaves one of its own open where there is none."""
    with gr.Blocks():
        with gr.Tabs() as tabs:
            with gr.Tab():
                animate = Wiring(build_tab(), actions)
            with gr.Tab():
                crossing = Crossing(build_passage_tab(), actions)
        onward = Onward(History(actions.jobs.outputs), tabs, actions, (animate, crossing))
        onward.connect(gr.HTML(js_on_load=script("buttons.js")), gr.HTML())
    return onward


def kept(outputs: Path, name: str, picture: np.ndarray[Any, Any]) -> InputRecord:
    """An input of 64 x 48 pixels as a run keeps it."""
    path = outputs / "inputs" / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(picture).save(path)
    role = "image" if name == "photo" else "mask"
    return InputRecord.model_validate({"role": role, "name": f"my {name}.png", "path": f"inputs/{name}.png"})


def test_all_settings_what_was_painted_and_an_edited_plan_come_back(outputs: Path, onward: Onward) -> None:
    photo = kept(outputs, "photo", np.full((48, 64, 3), 90, np.uint8))
    area = kept(outputs, "area", np.pad(np.full((24, 32), 255, np.uint8), ((0, 24), (0, 32))))
    plan = MotionPlan(camera=Camera(pan_x=0.1234))
    asked = {"prompt": "waves", "encode": {"crf": 31}, "runtime": {"threads": 3}, "animate": {"motion": {"plan": plan}}}
    run_id = put(outputs, 1, requested=make_settings(asked), seed=77, inputs=[photo, area])
    changes, animate = onward.show(History(outputs).record(run_id)), onward.animate
    controls = animate.tab.advanced.controls
    assert changes[animate.tab.prompt] == "waves"
    for name, value in {"seed": 77, "encode.crf": 31, "runtime.threads": 3}.items():
        assert changes[controls[name].component]["value"] == value
    assert changes[animate.state.photo].name == "my photo.png"
    assert list(changes[animate.state.areas]) == [0]
    assert changes[animate.state.areas][0].mean() == pytest.approx(63.75, rel=0.05)
    assert changes[animate.state.edited]
    assert changes[animate.tab.error] == ""


def test_settings_come_back_without_a_photo_that_is_gone(outputs: Path, onward: Onward) -> None:
    gone = InputRecord(name="my photo.png", path="inputs/gone.png")
    record = History(outputs).record(put(outputs, 1, "waves", inputs=[gone]))
    changes, animate = onward.show(record), onward.animate
    assert changes[animate.tab.prompt] == "waves"
    assert "alert error" in changes[animate.tab.error]
    assert not changes[animate.state.edited]


class Pressed(NamedTuple):
    """A button of the menu."""

    passage: str
    edge: str
    place: str


@pytest.mark.parametrize(("edge", "place", "shade"), [("last", 0, 210), ("first", 1, 20)])
def test_an_end_of_a_video_becomes_a_photo_of_a_transition(
    outputs: Path, onward: Onward, edge: str, place: int, shade: int
) -> None:
    run_id, photos = with_video(outputs, 1, (64, 48), 2), onward.crossing.state.photos
    lead_over: Callable[..., Any] = onward.lead_over
    before = (None, None)
    after = lead_over(before, Pressed(run_id, edge, str(place)))[photos]
    assert after[1 - place] is None
    with Image.open(after[place].path) as picture:
        assert np.asarray(picture).mean() == pytest.approx(shade, abs=6)
    (outputs / f"{run_id}.mp4").unlink()
    assert "no longer there" in lead_over(before, Pressed(run_id, edge, str(place)))[onward.error]
