"""How prompt and settings are read: shown while they are typed, and edited by hand."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from pydantic import ValidationError

from app import brush, panels
from app.actions import Actions, Request
from app.animate import Tab
from app.state import Changes, Shown, State, Values
from pipeline.catalogue import merge
from pipeline.motion_plan import MotionPlan
from pipeline.settings import load_preset, make_settings, preset_names


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"prepare": {"width": 640}} as {"prepare.width": 640}."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


class Reading:
    """Turns the values of the page into a request, and a preview of it into what the page shows."""

    def __init__(self, tab: Tab, state: State, actions: Actions) -> None:
        self.tab, self.state, self.actions = tab, state, actions

    def read(self, values: Values) -> Changes:
        """Show how prompt and settings are read, and what they would make."""
        return self.actions.attempt(
            lambda: self._read(values), lambda message: {self.tab.reading: panels.wrong(message)}
        )

    def _read(self, values: Values) -> Changes:
        preview = self.actions.preview(self.request(values))
        before, edited = values[self.state.shown], values[self.state.edited]
        plan = preview.settings.animate.motion.plan
        after = Shown(plan, tuple(sorted(preview.ignored.items())))
        asked = panels.Asked(values[self.state.photo] is not None, bool(values[self.tab.photo]), edited)
        panel = panels.reading_panel(preview, asked)
        changes: Changes = {self.tab.reading: panel, self.state.shown: after}
        if plan is not None and plan != before.plan:
            changes |= {self.tab.photo: gr.update(labels=panels.area_labels(plan.regions))}
            changes |= {} if edited else self._show_plan(plan)
        if after.ignored != before.ignored:
            changes |= self._grey_out(preview.ignored)
        return changes

    def edit(self, values: Values) -> Changes:
        """The plan was changed by hand: from now on it replaces what the prompt says."""
        if not values[self.state.edited] and not self._differs(values):
            return {self.state.edited: False}
        changes = self.read({**values, self.state.edited: True})
        count = int(values[self.tab.plan.count])
        boxes = {box: gr.update(visible=number < count) for number, box in enumerate(self.tab.plan.boxes)}
        return {**changes, **boxes, self.state.edited: True, self.tab.plan.reset: gr.update(visible=True)}

    def edit_again(self, values: Values) -> Changes:
        """A slider of an edited plan has a new value, such as the bound that it went back to."""
        return self.read(values) if values[self.state.edited] else {self.state.edited: False}

    def _differs(self, values: Values) -> bool:
        """Whether the editor holds another plan than the one that it was shown."""
        shown = values[self.state.shown].plan
        try:
            return bool(MotionPlan.model_validate(self._edited_plan(values)) != shown)
        except ValidationError:
            return True

    def follow_prompt(self, values: Values) -> Changes:
        """Give the plan back to the prompt."""
        changes = self.read({**values, self.state.edited: False, self.state.shown: Shown()})
        return {**changes, self.state.edited: False, self.tab.plan.reset: gr.update(visible=False)}

    def _show_plan(self, plan: MotionPlan) -> Changes:
        editor = self.tab.plan
        changes: Changes = dict(zip(editor.form.components, editor.form.show(plan), strict=True))
        changes[editor.count] = len(plan.regions)
        for number, (row, box) in enumerate(zip(editor.rows, editor.boxes, strict=True)):
            changes[box] = gr.update(visible=number < len(plan.regions))
            if number < len(plan.regions):
                changes |= dict(zip(row.components, row.show(plan.regions[number]), strict=True))
        return changes

    def _grey_out(self, ignored: Mapping[str, str]) -> Changes:
        return {c.component: c.grey_out(ignored.get(name, "")) for name, c in self.tab.advanced.controls.items()}

    def choose_preset(self, name: str) -> list[Any]:
        """Set the settings that presets differ in to those of one preset; the others stay as they are."""
        wanted = make_settings({"preset": name})
        touched = {key for preset in preset_names() for key in flat(load_preset(preset))}
        updates = self.tab.advanced.show(wanted)
        return [
            update if key in touched else gr.skip()
            for key, update in zip(self.tab.advanced.controls, updates, strict=True)
        ]

    def _edited_plan(self, values: Values) -> dict[str, Any]:
        editor = self.tab.plan
        rows = editor.rows[: int(values[editor.count])]
        return {**editor.form.read(values), "regions": [row.read(values) for row in rows]}

    def request(self, values: Values) -> Request:
        """What the page asks for. Raises InvalidSetting when the painted areas cannot be read."""
        tab = self.tab
        changes = merge(tab.advanced.read(values), {"preset": values[tab.preset], "prompt": values[tab.prompt]})
        plan = self._edited_plan(values) if values[self.state.edited] else None
        return Request(
            values[self.state.photo], changes, brush.parse_strokes(values[tab.photo]), values[self.state.areas], plan
        )
