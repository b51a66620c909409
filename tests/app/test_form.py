"""The form: every setting has a widget that suits it, and what it shows is what is read back."""

from fractions import Fraction
from typing import Any

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.animate import SECTIONS, advanced_sections
from app.form import Control, Form, build_control, build_form, hints, join, label_of, shown
from pipeline.catalogue import merge
from pipeline.motion_plan import Camera, MotionPlan, Region
from pipeline.options import options
from pipeline.settings import Settings, make_settings
from pipeline.transition_settings import STAGES


@pytest.fixture(scope="module")
def form() -> Form:
    return build_form(Settings, "setting", [option.name for option in shown(Settings)], {"seed": "Seed of it all"})


def control(form: Form, name: str) -> Control:
    return form.controls[name]


def as_shown(form: Form, settings: Settings) -> dict[Any, Any]:
    """What the components hold after the page has shown these settings."""
    return {component: update["value"] for component, update in zip(form.components, form.show(settings), strict=True)}


def test_every_setting_of_the_page_has_one_place_in_the_advanced_panel_or_a_widget_of_its_own() -> None:
    placed = [name for names in advanced_sections().values() for name in names]
    of_image = {option.name for option in shown(Settings) if option.section not in STAGES}
    assert sorted(placed) == sorted(of_image - {"prompt"})
    assert list(advanced_sections()) == list(SECTIONS)
    left_out = {option.name for option in options() if option.section not in STAGES} - set(placed)
    own = {"preset", "prompt", "prepare.masks", "animate.engine", "animate.motion.plan"}
    assert left_out == own


def test_the_widget_follows_from_type_and_bounds(form: Form) -> None:
    widgets = {
        "animate.motion.loop": gr.Checkbox,
        "encode.format": gr.Dropdown,
        "encode.fps": gr.Dropdown,
        "prepare.background": gr.ColorPicker,
        "prepare.width": gr.Textbox,
        "animate.num_frames": gr.Number,
        "seed": gr.Number,
        "encode.crf": gr.Slider,
        "animate.negative_prompt": gr.Textbox,
    }
    assert {name: type(control(form, name).component) for name in widgets} == widgets


def test_a_slider_has_the_bounds_and_the_step_of_its_setting(form: Form) -> None:
    slider = control(form, "prepare.focus_x").component
    assert isinstance(slider, gr.Slider)
    assert (slider.minimum, slider.maximum, slider.step) == (0.0, 1.0, 0.01)


def test_help_label_and_element_id_come_from_the_setting(form: Form) -> None:
    component = control(form, "prepare.width").component
    assert component.info == control(form, "prepare.width").option.help
    assert component.label == "Width"
    assert component.elem_id == "setting-prepare-width"
    assert control(form, "seed").component.label == "Seed of it all"
    assert label_of("camera.zoom_x") == "Zoom x"


def test_the_form_begins_with_the_defaults(form: Form) -> None:
    values = {component: component.value for component in form.components}
    assert make_settings(form.read(values)) == make_settings({})


def test_what_is_shown_is_what_is_read(form: Form) -> None:
    asked = make_settings(
        {
            "prepare": {"width": 642, "focus_x": 0.25, "background": "#12ab9f"},
            "animate": {"seconds": 1.5, "motion": {"brush_kind": "smoke", "brush_direction": 90.0, "loop": True}},
            "encode": {"fps": "29.97", "format": "webm"},
            "seed": 4_294_967_295,
        }
    )
    assert make_settings(form.read(as_shown(form, asked))) == asked


@given(
    width=st.none() | st.integers(16, 4096),
    seed=st.integers(-1, 2**32 - 1),
    focus=st.floats(0, 1),
    fps=st.fractions(1, 120, max_denominator=1001),
)
def test_any_settings_survive_the_way_through_the_form(
    form: Form, width: int | None, seed: int, focus: float, fps: Fraction
) -> None:
    asked = make_settings({"seed": seed, "prepare": {"width": width, "focus_y": focus}, "encode": {"fps": str(fps)}})
    assert make_settings(form.read(as_shown(form, asked))) == asked


def test_an_empty_field_means_empty_where_the_setting_allows_it(form: Form) -> None:
    assert control(form, "prepare.width").read(" ") is None
    assert control(form, "animate.motion.brush_kind").read("") is None
    assert control(form, "animate.negative_prompt").read("") == ""


def test_a_colour_is_read_however_the_browser_writes_it(form: Form) -> None:
    picker = control(form, "prepare.background")
    assert picker.read("rgba(255, 128.4, 0, 1)") == "#ff8000"
    assert picker.read("#a0b1c2") == "#a0b1c2"


def test_a_reason_greys_a_control_out_and_takes_the_place_of_its_help(form: Form) -> None:
    steps = control(form, "animate.num_inference_steps")
    off, on = steps.grey_out("No effect here."), steps.grey_out("")
    assert (off["interactive"], off["info"]) == (False, "No effect here.")
    assert (on["interactive"], on["info"]) == (True, steps.option.help)


def test_the_motion_plan_and_its_regions_are_forms_too() -> None:
    plan_form = build_form(MotionPlan, "plan", [option.name for option in shown(MotionPlan)], {})
    row = build_form(Region, "area-1", [option.name for option in shown(Region)], {})
    plan = MotionPlan(camera=Camera(zoom=1.2, pan_x=-0.3), fade_out=0.25, loop=True)
    region = Region(direction=180.0, speed=2.0, swirl=True)
    values = {c: u["value"] for c, u in zip(plan_form.components, plan_form.show(plan), strict=True)}
    values |= {c: u["value"] for c, u in zip(row.components, row.show(region), strict=True)}
    read = merge(plan_form.read(values), {"regions": [row.read(values)]})
    assert MotionPlan.model_validate(read) == plan.model_copy(update={"regions": (region,)})


def test_two_forms_join_into_one() -> None:
    first = build_form(Settings, "a", ["seed"], {})
    second = build_form(Settings, "b", ["encode.crf"], {})
    assert list(join(first, second).controls) == ["seed", "encode.crf"]


def test_hints_of_a_nested_setting_are_found() -> None:
    assert hints(Settings, "animate.num_frames")["slider_max"] == 600
    assert hints(Settings, "prompt") == {}
    with pytest.raises(TypeError):
        hints(Settings, "seed.low")


def test_a_control_without_a_label_of_its_own_is_named_after_its_setting() -> None:
    option = next(option for option in options() if option.name == "encode.crf")
    assert build_control(Settings, option, label_of(option.name)).component.label == "Crf"
