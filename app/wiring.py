"""What happens when something on the tab Animate is pressed, typed or painted."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import brush, panels
from app.actions import Actions, Photo, Request, open_photo
from app.animate import Tab
from app.jobs import Snapshot
from app.texts import EXAMPLE_PHOTOS
from pipeline.errors import ImageToVideoError
from pipeline.logs import FILE_NAME
from pipeline.motion_plan import MotionPlan
from pipeline.settings import load_preset, make_settings, merge, preset_names

LOG = logging.getLogger("app.page")

POLL_SECONDS = 0.4
"""How often a page asks how its run is doing."""

Values = Mapping[Any, Any]
"""What the components hold, by component."""

Changes = dict[Any, Any]
"""Updates by component; components that are not named stay as they are."""


@dataclass(frozen=True)
class Watched:
    """The run that a page follows, and the version of it that the page shows."""

    run_id: str = ""
    version: int = -1


@dataclass(frozen=True)
class Shown:
    """What the last reading put on the page, so that the next one sends only what differs."""

    plan: MotionPlan | None = None
    ignored: tuple[tuple[str, str], ...] = ()


QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Events without Gradio's own spinners, and without a public address."""


def on(
    listener: Callable[..., Any], handler: Callable[..., Any], inputs: Any, outputs: Any, mode: str | None = None
) -> Any:
    """Attach a handler to an event."""
    return listener(handler, inputs, outputs, trigger_mode=mode, **QUIET)


def said(text: str) -> list[Any]:
    """A message for the photo. The number makes every one new, so that the same sentence is shown again."""
    return [text, time.monotonic_ns()]


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"prepare": {"width": 640}} as {"prepare.width": 640}."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def sentence(error: Exception) -> str:
    """What the user is told about an error; the log gets the rest of what is not meant for the user."""
    if isinstance(error, ImageToVideoError):
        return str(error)
    LOG.error("The page met a defect", exc_info=error)
    return f"Something unexpected went wrong ({type(error).__name__}): the details are in logs/{FILE_NAME}."


class Wiring:
    """Connects the components of a tab with the actions. Every handler returns changes by component."""

    def __init__(self, tab: Tab, actions: Actions) -> None:
        self.tab, self.actions = tab, actions
        self.photo = gr.State(None)
        self.areas = gr.State({})
        self.edited = gr.State(False)
        self.shown = gr.State(Shown())
        self.watched = gr.State(Watched())
        self.timer = gr.Timer(POLL_SECONDS, active=False)
        form = {tab.photo, tab.prompt, tab.preset, *tab.advanced.components, *tab.plan.components}
        self.inputs = {*form, self.photo, self.areas, self.edited, self.shown, self.watched}
        plan = [*tab.plan.components, *tab.plan.boxes, tab.plan.reset, self.edited]
        self.read_outputs = [tab.reading, tab.photo, self.shown, *tab.advanced.components, *plan]
        self.run_outputs = [self.watched, self.timer, tab.status, tab.result, tab.error, tab.go, tab.stop, tab.more]

    def connect(self, page: gr.Blocks) -> None:
        """Attach every event."""
        self._connect_photo()
        self._connect_reading()
        self._connect_runs(page)

    def _connect_photo(self) -> None:
        tab = self.tab
        outputs = [tab.photo, self.photo, self.areas, tab.error, tab.prompt]
        for listener, handler in ((tab.photo.pick, self.pick), (tab.examples.example, self.example)):
            on(listener, handler, None, outputs).then(self.read, self.inputs, self.read_outputs, **QUIET)
        found = on(tab.photo.find, self.find, self.inputs, [tab.photo, self.areas, tab.error])
        found.then(self.read, self.inputs, self.read_outputs, **QUIET)

    def _connect_reading(self) -> None:
        tab = self.tab
        typed = [tab.prompt, tab.photo, *tab.advanced.components]
        for component in typed:
            on(component.input, self.read, self.inputs, self.read_outputs, "always_last")
        for component in tab.plan.components:
            on(component.input, self.edit, self.inputs, self.read_outputs, "always_last")
        on(tab.plan.reset.click, self.follow_prompt, self.inputs, self.read_outputs)
        chosen = on(tab.preset.input, self.choose_preset, [tab.preset], tab.advanced.components)
        chosen.then(self.read, self.inputs, self.read_outputs, **QUIET)

    def _connect_runs(self, page: gr.Blocks) -> None:
        tab, watched = self.tab, [self.watched]
        for listener in (tab.go.click, tab.more.click, tab.prompt.submit):
            on(listener, self.generate, self.inputs, self.run_outputs)
        on(tab.stop.click, self.stop, watched, self.run_outputs)
        on(self.timer.tick, self.poll, watched, self.run_outputs)
        for panel in (tab.status, tab.result):
            on(panel.cancel, self.cancel, watched, self.run_outputs)
            on(panel.seed, self.reuse_seed, None, [tab.advanced.controls["seed"].component])
        outputs = [tab.prompt, tab.preset, *tab.advanced.components, tab.photo, self.photo, *self.run_outputs]
        restored = on(page.load, self.restore, None, outputs)
        restored.then(self.read, self.inputs, self.read_outputs, **QUIET)

    # --- the photo --------------------------------------------------------------------------------------------------

    def pick(self, event: gr.EventData) -> Changes:
        """Show an uploaded photo, or say why it cannot be used."""
        try:
            return self._show_photo(self.actions.pick(event.path, event.name))
        except Exception as error:
            return {self.tab.photo: gr.update(message=said(sentence(error)))}

    def example(self, event: gr.EventData) -> Changes:
        """Show an example photo with its prompt."""
        chosen = EXAMPLE_PHOTOS[event.number]
        return {**self._show_photo(open_photo(chosen.path, chosen.file)), self.tab.prompt: chosen.prompt}

    def _show_photo(self, photo: Photo) -> Changes:
        shown = {"url": photo.url, "name": photo.name}
        update = gr.update(value=[], photo=shown, areas={}, message=said(""))
        return {self.tab.photo: update, self.photo: photo, self.areas: {}, self.tab.error: ""}

    def find(self, values: Values) -> Changes:
        """Paint the automatic areas of the prompt's regions, or say why there are none."""
        try:
            areas, missing = self.actions.find_areas(self._request(values))
        except Exception as error:
            return {self.tab.photo: gr.update(message=said(sentence(error)))}
        strokes = [{"tool": "area", "region": region} for region in areas]
        urls = {str(region): brush.area_url(area, region) for region, area in areas.items()}
        update = gr.update(value=strokes, areas=urls, message=said(" ".join(missing)))
        return {self.tab.photo: update, self.areas: areas}

    # --- reading the prompt -----------------------------------------------------------------------------------------

    def read(self, values: Values) -> Changes:
        """Show how prompt and settings are read, and what they would make."""
        try:
            preview = self.actions.preview(self._request(values))
        except Exception as error:
            return {self.tab.reading: panels.reading_error(sentence(error))}
        before, edited = values[self.shown], values[self.edited]
        plan = preview.settings.animate.motion.plan
        after = Shown(plan, tuple(sorted(preview.ignored.items())))
        changes = {self.tab.reading: panels.reading_panel(preview, edited, values[self.photo] is not None), self.shown: after}
        if plan is not None and plan != before.plan:
            changes |= {self.tab.photo: gr.update(labels=panels.area_labels(plan.regions))}
            changes |= {} if edited else self._show_plan(plan)
        if after.ignored != before.ignored:
            changes |= self._grey_out(preview.ignored)
        return changes

    def edit(self, values: Values) -> Changes:
        """The plan was changed by hand: from now on it replaces what the prompt says."""
        changes = self.read({**values, self.edited: True})
        count = int(values[self.tab.plan.count])
        boxes = {box: gr.update(visible=number < count) for number, box in enumerate(self.tab.plan.boxes)}
        return {**changes, **boxes, self.edited: True, self.tab.plan.reset: gr.update(visible=True)}

    def follow_prompt(self, values: Values) -> Changes:
        """Give the plan back to the prompt."""
        changes = self.read({**values, self.edited: False, self.shown: Shown()})
        return {**changes, self.edited: False, self.tab.plan.reset: gr.update(visible=False)}

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
        return [update if key in touched else gr.skip() for key, update in zip(self.tab.advanced.controls, updates)]

    def _request(self, values: Values) -> Request:
        tab = self.tab
        changes = merge(tab.advanced.read(values), {"preset": values[tab.preset], "prompt": values[tab.prompt]})
        plan = None
        if values[self.edited]:
            rows = tab.plan.rows[: int(values[tab.plan.count])]
            plan = {**tab.plan.form.read(values), "regions": [row.read(values) for row in rows]}
        strokes = brush.parse_strokes(values[tab.photo])
        return Request(values[self.photo], changes, strokes, values[self.areas], plan)

    # --- runs -------------------------------------------------------------------------------------------------------

    def generate(self, values: Values) -> Changes:
        """Put a run in the queue and follow it."""
        try:
            return {**self._show_run(self.actions.generate(self._request(values))), self.tab.error: ""}
        except Exception as error:
            return {self.tab.error: panels.error_panel(sentence(error))}

    def stop(self, watched: Watched) -> Changes:
        """Stop the run that this page follows."""
        self.actions.jobs.cancel(watched.run_id)
        return self.poll(watched)

    def cancel(self, watched: Watched, event: gr.EventData) -> Changes:
        """Take another run out of the queue."""
        self.actions.jobs.cancel(str(event.run))
        return self.poll(Watched(watched.run_id))

    def poll(self, watched: Watched) -> Changes:
        """Show how the followed run is doing, if that has changed."""
        job = self.actions.jobs.get(watched.run_id)
        if job is None:
            return {self.timer: gr.Timer(active=False)}
        return gr.skip() if job.version == watched.version else self._show_run(job)

    def _show_run(self, job: Snapshot) -> Changes:
        busy = not job.is_finished
        return {
            self.watched: Watched(job.record.run_id, job.version),
            self.timer: gr.Timer(active=busy),
            self.tab.status: panels.status_panel(job, self.actions.jobs.active()),
            self.tab.result: panels.result_panel(job, self.actions.jobs.outputs),
            self.tab.go: gr.update(visible=not busy),
            self.tab.stop: gr.update(visible=busy, interactive=not job.stopping),
            self.tab.more: gr.update(visible=busy),
        }

    def restore(self) -> Changes:
        """A page that opens shows the run under way, or the last one, with what it was asked for."""
        job = self.actions.jobs.latest()
        if job is None:
            return gr.skip()
        asked = job.record.requested
        changes = self._show_run(job) | {self.tab.prompt: asked.prompt, self.tab.preset: asked.preset}
        changes |= dict(zip(self.tab.advanced.components, self.tab.advanced.show(asked), strict=True))
        try:
            photo = open_photo(job.image, job.record.inputs[0].name)
        except ImageToVideoError:
            return changes  # the upload is gone; the kept copy is in the record
        return changes | {self.photo: photo, self.tab.photo: gr.update(photo={"url": photo.url, "name": photo.name})}

    def reuse_seed(self, event: gr.EventData) -> int:
        """Put the seed of a finished run into the form."""
        return int(event.seed)
