"""The panel that compares settings: which ones, with which values, and what that would make."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from app import engines
from app.account import setting_name
from app.form import STYLE, Update, hints
from app.markup import seconds_text
from app.offers import style_choices
from app.state import Changes, Values
from app.sweep import ENGINE, PRESET, Axes, Sweep, read_values
from pipeline.errors import InvalidSetting
from pipeline.named_settings import known_options
from pipeline.options import Option, range_text
from pipeline.records import AxisRecord
from pipeline.settings import RuntimeSettings, Settings, preset_names
from pipeline.sweeps.grid import IMAGE

HINT = (
    "A video for every value, side by side. A second setting makes a table: each value of one with each of the other."
)
NOTHING = ""
"""The value of a picker that compares nothing."""

FIRST = ("prompt", ENGINE, PRESET, "seed")
"""Settings that are offered first; the advanced ones follow."""


@dataclass(frozen=True)
class AxisFields:
    """One direction: a picker of settings, and two ways to give values, of which the one that suits it is shown."""

    setting: gr.Dropdown
    typed: gr.Textbox
    ticked: gr.CheckboxGroup
    shown: gr.State
    """The setting that the ways are shown for."""

    @property
    def components(self) -> list[Any]:
        """The picker and the ways."""
        return [self.setting, *self.ways]

    @property
    def ways(self) -> list[Any]:
        """The two ways to give values."""
        return [self.typed, self.ticked]

    def show(self, name: str, shown: str) -> Changes:
        """Show the way to give values that suits a setting, empty; none where no setting is chosen.

        A picker tells that it was left as if something had been chosen: then what was typed stays.
        """
        if name == shown:
            return {self.typed: gr.update()}
        option = known_options().get(name)
        choices = offered(option) if option is not None else []
        is_typed, is_text = option is not None and not choices, option is not None and option.kind is str
        info = (
            "" if option is None else "One on each line." if is_text else f"{range_text(option)}, with commas between."
        )
        typed: Update = gr.update(value="", visible=is_typed or "hidden", lines=3 if is_text else 1, info=info)
        ticked: Update = gr.update(choices=choices, value=[], visible=bool(choices) or "hidden")
        return {self.typed: typed, self.ticked: ticked, self.shown: name}


@dataclass(frozen=True)
class SweepForm:
    """The two directions of a comparison."""

    axes: tuple[AxisFields, AxisFields]

    @property
    def components(self) -> list[Any]:
        """Every component that holds a part of it."""
        return [each for axis in self.axes for each in axis.components]

    def read(self, values: Values) -> Axes:
        """The settings that are compared, with their values, by full name. Raises InvalidSetting."""
        known, found = known_options(), dict[str, list[Any]]()
        for axis in self.axes:
            name = values[axis.setting]
            if not name:
                continue
            if name in found:
                raise InvalidSetting(f"Compare settings: {setting_name(name)} is chosen twice: take another one.")
            given = values[axis.ticked if offered(known[name]) else axis.typed]
            found[name] = read_values(known[name], given)
        return found


def build_sweep_form(names: list[str]) -> SweepForm:
    """Lay out the panel, inside a Blocks context. `names` are the advanced settings."""
    known = known_options()
    wanted = dict.fromkeys((*FIRST, *(name for name in names if can_be_compared(known[name]))))
    choices = [(setting_name(name), name) for name in wanted]
    gr.HTML(f"<p class='hint'>{HINT}</p>")
    first = _axis("sweep-0", "Compare", choices)
    second = _axis("sweep-1", "And with each of these", choices)
    return SweepForm((first, second))


def _axis(name: str, label: str, choices: list[tuple[str, str]]) -> AxisFields:
    with gr.Row(elem_classes="fields axis"):
        setting = gr.Dropdown([("nothing", NOTHING), *choices], value=NOTHING, label=label, elem_id=name)
        typed = gr.Textbox(
            label="Values",
            max_lines=8,
            max_length=5000,
            visible="hidden",
            elem_id=f"{name}-typed",
        )
        ticked = gr.CheckboxGroup([], label="Values", visible="hidden", elem_id=f"{name}-ticked")
    return AxisFields(setting, typed, ticked, gr.State(NOTHING))


def can_be_compared(option: Option) -> bool:
    """Whether a setting has values that can be typed or ticked: no lists, and no files of this machine."""
    return not option.many and not issubclass(option.kind, Path)


def offered(option: Option) -> list[tuple[str, Any]]:
    """Label and value of what a setting may be where there are only these; nothing for one that is typed."""
    if option.name == ENGINE:
        return engines.choices(RuntimeSettings())
    if option.name == PRESET:
        return [(name.capitalize(), name) for name in preset_names()]
    if option.kind is bool:
        return [("on", True), ("off", False)]
    if hints(Settings, option.name).get("widget") == STYLE:
        return [(label, value) for label, value in style_choices() if value]
    return [(value.replace("_", " "), value) for value in option.choices]


def told(sweep: Sweep, seconds: float | None) -> str:
    """How many videos would be made of which values, and how long that would take; nothing for a single one."""
    place = sweep.places[0]
    if place is None:
        return ""
    parts = " × ".join(part for axis in (place.rows, place.columns) for part in _parts(axis))
    time = f"Takes about {seconds_text(seconds)} in all, from earlier runs here." if seconds else ""
    return (
        f'<div class="several"><p class="summary">{sweep.count} videos</p><p class="axes">{parts}</p>'
        f"{f'<p>{time}</p>' if time else ''}</div>"
    )


def _parts(axis: AxisRecord) -> list[str]:
    """Each setting of an axis with its values: "Guidance scale 7, 9"."""
    shown = []
    for number, name in enumerate(axis.settings):
        values = list(dict.fromkeys(step[number] for step in axis.values))
        if name == IMAGE:
            shown.append(f"<span>{len(values)} photos</span>")
        else:
            texts = escape(", ".join(values))
            shown.append(f'<b>{escape(setting_name(name))}</b> <span translate="no">{texts}</span>')
    return shown


def button_text(count: int) -> str:
    """What the button says that begins so many runs."""
    return f"Generate {count} videos" if count > 1 else "Generate"
