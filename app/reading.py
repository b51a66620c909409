"""How prompt and settings are read: shown while they are typed, and edited by hand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from pydantic import ValidationError

from app import brush, forecasts, panels, sweep_form
from app.actions import Actions, Request
from app.animate import Tab
from app.shelf import RESOLUTION, Shelf
from app.state import Changes, Shown, State, Values
from app.sweep import Sweep, sweep_over
from pipeline.catalogue import merge, model_names
from pipeline.errors import ImageToVideoError
from pipeline.motion_plan import MotionPlan

if TYPE_CHECKING:
    from pipeline.preview import Preview


class Reading:
    """Turns the values of the page into a request, and a preview of it into what the page shows."""

    def __init__(self, tab: Tab, state: State, actions: Actions, shelf: Shelf) -> None:
        self.tab, self.state, self.actions, self.shelf = tab, state, actions, shelf

    def read(self, values: Values) -> Changes:
        """Show how prompt and settings are read, what they would make, and what that would need."""
        return self.actions.attempt(lambda: self._read(values), lambda message: self._wrong(values, message))

    def _wrong(self, values: Values, message: str) -> Changes:
        engine = values[self.tab.engine]
        below = panels.error_panel(message) if engine in model_names() else ""
        shown = replace(values[self.state.shown], picked=engine)
        return {self.tab.reading: forecasts.wrong(message), self.tab.forecast: below, self.state.shown: shown}

    def _read(self, values: Values) -> Changes:
        tab, before = self.tab, values[self.state.shown]
        preview = self.actions.preview(self.request(values))
        settings = preview.settings
        plan, engine = settings.animate.motion.plan, settings.animate.engine
        after = Shown(plan, tuple(sorted(preview.ignored.items())), engine, engine, settings.runtime)
        changes, after = self.shelf.show(before, after)
        changes |= {self.state.shown: after, tab.forecast: forecasts.outlook_panel(preview), **self._told(values)}
        if plan is not None:
            changes = merge(changes, self._show_reading(preview, values))
        if after.engine != before.engine:
            is_painted = plan is not None and not values[self.state.photos]
            changes[tab.photo] = gr.update(**changes.get(tab.photo, {}), brush=is_painted)
            changes[tab.advanced.controls[RESOLUTION].component] = self.shelf.resolutions(after.engine)
        return merge(changes, self._grey_out(dict(before.ignored), preview.ignored))

    def _show_reading(self, preview: "Preview", values: Values) -> Changes:
        """What the embedded engine makes of the prompt."""
        plan, edited = preview.settings.animate.motion.plan, values[self.state.edited]
        asked = forecasts.Asked(values[self.state.photo] is not None, bool(values[self.tab.photo]), edited)
        changes: Changes = {self.tab.reading: forecasts.reading_panel(preview, asked)}
        if plan is not None and plan != values[self.state.shown].plan:
            changes |= {self.tab.photo: gr.update(labels=forecasts.area_labels(plan.regions))}
            changes |= {} if edited else self.show_plan(plan)
        return changes

    def _told(self, values: Values) -> Changes:
        """How many videos would be made, of what, and how long that would take; what is wrong with that."""
        tab = self.tab
        try:
            sweep = self.sweep(values)
            seconds = self.actions.expected(sweep) if sweep.count > 1 and values[self.state.photo] is not None else None
        except ImageToVideoError as error:
            return {tab.several: panels.error_panel(str(error)), tab.go: gr.update(value=sweep_form.button_text(1))}
        return {
            tab.several: sweep_form.told(sweep, seconds),
            tab.go: gr.update(value=sweep_form.button_text(sweep.count)),
        }

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
        shown = replace(values[self.state.shown], plan=None)
        changes = self.read({**values, self.state.edited: False, self.state.shown: shown})
        return {**changes, self.state.edited: False, self.tab.plan.reset: gr.update(visible=False)}

    def show_plan(self, plan: MotionPlan) -> Changes:
        """Show a motion plan in its editor."""
        editor = self.tab.plan
        changes: Changes = dict(zip(editor.form.components, editor.form.show(plan), strict=True))
        changes[editor.count] = len(plan.regions)
        for number, (row, box) in enumerate(zip(editor.rows, editor.boxes, strict=True)):
            changes[box] = gr.update(visible=number < len(plan.regions))
            if number < len(plan.regions):
                changes |= dict(zip(row.components, row.show(plan.regions[number]), strict=True))
        return changes

    def _grey_out(self, before: Mapping[str, str], ignored: Mapping[str, str]) -> Changes:
        changes: Changes = self.tab.advanced.grey_out(before, ignored)
        reason = ignored.get("prompt", "")
        if reason != before.get("prompt", ""):
            changes[self.tab.prompt] = gr.update(interactive=not reason, info=reason)
        return changes

    def _edited_plan(self, values: Values) -> dict[str, Any]:
        editor = self.tab.plan
        rows = editor.rows[: int(values[editor.count])]
        return {**editor.form.read(values), "regions": [row.read(values) for row in rows]}

    def sweep(self, values: Values) -> Sweep:
        """The runs that the page asks for: one for each photo and each combination of values that are compared.

        Raises InvalidInput where that cannot be made of it.
        """
        return sweep_over(self.request(values), values[self.state.photos], self.tab.sweep.read(values))

    def request(self, values: Values) -> Request:
        """What the page asks for. Raises InvalidSetting when the painted areas cannot be read."""
        tab = self.tab
        asked = {key: values[part] for key, part in (("preset", tab.preset), ("prompt", tab.prompt))}
        changes = merge(tab.advanced.read(values), {**asked, "animate": {"engine": values[tab.engine]}})
        photo = values[self.state.photo]
        if values[tab.engine] in model_names():
            return Request(photo, changes)  # what is painted, and the plan, are for the embedded engine
        plan = self._edited_plan(values) if values[self.state.edited] else None
        return Request(photo, changes, brush.parse_strokes(values[tab.photo]), values[self.state.areas], plan)
