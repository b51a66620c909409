"""A form made from settings models: which widget a setting gets, and the way from its values to settings and back.

Knows types, bounds and the hints in `json_schema_extra`, and no setting by its name.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import gradio as gr
from pydantic import BaseModel

from app.offers import helper_choices, style_choices
from pipeline.catalogue import Role
from pipeline.options import Option, nest, options
from pipeline.settings import RuntimeSettings, Settings

Field = gr.Checkbox | gr.ColorPicker | gr.Dropdown | gr.Number | gr.Slider | gr.Textbox
"""The components that a form is made of."""

Listener = Callable[..., Any]
"""Attaches a handler to an event, as `Button.click` does."""

Update = dict[str, Any]
"""A change to one component, as `gradio.update` returns it."""

AUTOMATIC = ""
"""The value of a component whose setting is empty."""

COLOUR, HELPER, LINES, STYLE = "colour", "helper", "lines", "style"
"""Widgets that hints ask for: a colour picker, a picker of the models of a `role`, a list with an entry a line, and a
picker of the styles."""

IDLE = "no effect with this engine"
"""What a heading says below which everything is greyed out."""

WIDEST = 10_000
"""Ranges that reach further are typed: a slider could not hit their values."""

_RGB = re.compile(r"rgba?\(\s*([\d.]+)\s*,\s*([\d.]+)\s*,\s*([\d.]+)")


@dataclass(frozen=True)
class Control:
    """One setting on the page: what it is, and the component that holds it."""

    option: Option
    component: Field

    @property
    def listener(self) -> Listener:
        """The event that tells of a new value.

        A Textbox's own `input` misses what is pasted, deleted or typed with an input method; that of a slider misses
        its reset and the bound that it goes back to.
        """
        return self.component.change if isinstance(self.component, gr.Textbox | gr.Slider) else self.component.input

    def read(self, value: object) -> object:
        """A component's value as the setting takes it: empty becomes None where the setting may be empty."""
        if self.option.many:
            return [line.strip() for line in str(value or "").splitlines() if line.strip()]
        if self.option.optional and (value is None or str(value).strip() == AUTOMATIC):
            return None
        if isinstance(value, str) and (colour := _RGB.match(value)):
            return "#" + "".join(f"{min(255, round(float(part))):02x}" for part in colour.groups())
        return value

    def show(self, value: object) -> object:
        """A setting's value as the component takes it."""
        if value is None:
            return AUTOMATIC
        if isinstance(value, list | tuple):
            return "\n".join(_line(entry) for entry in value)
        if isinstance(self.component, gr.Textbox) and isinstance(value, int | float):
            return f"{value:.10g}"
        return str(value) if isinstance(value, StrEnum | Fraction) else value

    def grey_out(self, reason: str) -> Update:
        """A change that greys the component out and shows the reason in place of its help; no reason undoes it."""
        return gr.update(interactive=not reason, info=reason or self.option.help)


@dataclass(frozen=True)
class Form:
    """Controls by the full name of their setting, in the order of the models."""

    controls: Mapping[str, Control]

    @property
    def components(self) -> list[Field]:
        """The components, in the order of `controls`."""
        return [control.component for control in self.controls.values()]

    def read(self, values: Mapping[Any, Any]) -> dict[str, Any]:
        """Settings nested by section, from values by component. Nothing is checked here."""
        return nest({name: control.read(values[control.component]) for name, control in self.controls.items()})

    def grey_out(self, before: Mapping[str, str], reasons: Mapping[str, str]) -> dict[Any, Update]:
        """Changes by component that grey out what has a reason, where the page shows the reasons of `before`."""
        changed = [name for name in self.controls if reasons.get(name, "") != before.get(name, "")]
        return {self.controls[name].component: self.controls[name].grey_out(reasons.get(name, "")) for name in changed}

    def open_with(self, reasons: Mapping[str, str]) -> None:
        """Grey out from the start what has a reason."""
        for name, control in self.controls.items():
            if reason := reasons.get(name):
                control.component.interactive, control.component.info = False, reason

    def show(self, model: BaseModel) -> list[Update]:
        """Updates, in the order of `components`, that show a model's values."""
        values = model.model_dump(mode="json")
        return [gr.update(value=control.show(_value(values, name))) for name, control in self.controls.items()]


def build_form(model: type[BaseModel], prefix: str, names: Iterable[str], labels: Mapping[str, str]) -> Form:
    """Create the components of the settings called `names`, here in the layout, in that order.

    `labels` replaces a label where the setting's own name says too little. The element of prepare.width gets the id
    PREFIX-prepare-width.
    """
    found = {option.name: option for option in shown(model)}
    controls = {name: build_control(model, found[name], labels.get(name, label_of(name))) for name in names}
    for name, control in controls.items():
        control.component.elem_id = f"{prefix}-{name.replace('.', '-')}"
    return Form(controls)


def build_sections(
    prefix: str,
    sections: Mapping[str, Iterable[str]],
    labels: Mapping[str, str],
    classes: Mapping[str, str] = MappingProxyType({}),
) -> Form:
    """Create settings below their headings, as `build_form` does. `classes` are further CSS classes by heading.

    A heading below which everything is greyed out is shown alone (see style.css).
    """
    forms = []
    for heading, names in sections.items():
        with gr.Column(elem_classes=["section-box", *classes.get(heading, "").split()]):
            gr.HTML(f"<h4 class='section'>{heading} <small>{IDLE}</small></h4>")
            with gr.Row(elem_classes="fields"):
                forms.append(build_form(Settings, prefix, names, labels))
    return join(*forms)


def shown(model: type[BaseModel]) -> list[Option]:
    """The settings of a model that a form can show: all but those with a widget of their own, and nested ones."""

    def is_shown(option: Option) -> bool:
        widget = hints(model, option.name).get("widget")
        if widget == LINES:
            return True
        plain = not option.many and not issubclass(option.kind, BaseModel)
        return plain and widget in (None, COLOUR, HELPER, STYLE)

    return [option for option in options(model) if is_shown(option)]


def sections_of(headings: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, list[str]]:
    """The settings, of those called `names`, below each heading: full names, or sections such as "encode.".

    A setting that one heading names itself is not taken by another's section.
    """
    named = {part for parts in headings.values() for part in parts}

    def below(part: str) -> list[str]:
        return [name for name in names if name not in named and name.startswith(part)] if part.endswith(".") else [part]

    return {heading: [name for part in parts for name in below(part)] for heading, parts in headings.items()}


def join(*forms: Form) -> Form:
    """One form that holds the controls of several."""
    return Form({name: control for form in forms for name, control in form.controls.items()})


def build_control(model: type[BaseModel], option: Option, label: str) -> Control:
    """Create the component of one setting, here in the layout, with the setting's default."""
    component = _component(option, hints(model, option.name))
    component.label, component.info, component.interactive = label, option.help, True
    control = Control(option, component)
    component.value = control.show(option.default)
    return control


def _component(option: Option, hint: Mapping[str, Any]) -> Field:
    """The widget that suits a setting."""
    if option.kind is bool:
        return gr.Checkbox()
    if option.choices or "choices" in hint:
        return _dropdown(option, hint)
    if (widget := hint.get("widget")) is not None:
        return _special(widget, hint)
    if option.optional:  # not a Number: Gradio's turns an empty one into 0 as soon as it is shown
        return gr.Textbox(placeholder="automatic", max_lines=1)
    return _number(option, hint) if option.kind in (int, float) else gr.Textbox(lines=2, max_lines=4)


def _special(widget: str, hint: Mapping[str, Any]) -> Field:
    """A widget that hints ask for."""
    if widget == COLOUR:
        return gr.ColorPicker()
    if widget == LINES:
        return gr.Textbox(lines=3, max_lines=12, placeholder=hint.get("example"))
    if widget == STYLE:
        return gr.Dropdown(style_choices(), value=None, filterable=False)
    return gr.Dropdown(helper_choices(Role(hint["role"]), RuntimeSettings()), value=None, filterable=False)


def _number(option: Option, hint: Mapping[str, Any]) -> gr.Slider | gr.Number:
    """A slider, or a box to type in where the range is open or too wide to hit a value with a slider."""
    step = hint.get("step", 1)
    if option.low is None or option.high is None or option.high > hint.get("slider_max", WIDEST):
        return gr.Number(step=step)
    return gr.Slider(option.low, option.high, step=step)


def _dropdown(option: Option, hint: Mapping[str, Any]) -> gr.Dropdown:
    if option.choices:
        choices = [(value.replace("_", " "), value) for value in option.choices]
    else:
        choices = [(str(value), value) for value in hint["choices"]]
    if option.optional:
        choices.insert(0, ("automatic", AUTOMATIC))
    return gr.Dropdown(choices, value=None, allow_custom_value=not option.choices)


def hints(model: type[BaseModel], name: str) -> Mapping[str, Any]:
    """The hints for the form of the setting with this full name."""
    *sections, last = name.split(".")
    for section in sections:
        inner = model.model_fields[section].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            raise TypeError(f"{section} is not a section of {model.__name__}")
        model = inner
    extra = model.model_fields[last].json_schema_extra
    return extra if isinstance(extra, dict) else {}


def _line(entry: object) -> str:
    """An entry of a list as one line: the values of a model with bars between them."""
    if not isinstance(entry, dict):
        return str(entry)
    return " | ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in entry.values())


def label_of(name: str) -> str:
    """A setting's label from its full name: prepare.focus_x becomes "Focus x"."""
    words = name.rpartition(".")[2].replace("_", " ")
    return words[:1].upper() + words[1:]


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"prepare": {"width": 640}} as {"prepare.width": 640}."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def _value(values: Mapping[str, Any], name: str) -> Any:
    for part in name.split("."):
        values = values[part]
    return values
