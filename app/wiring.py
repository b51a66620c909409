"""What happens when something on the tab Animate is pressed, typed or painted."""

import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from app import brush, panels
from app.actions import Actions, Photo, open_photo
from app.animate import Tab
from app.form import Field, Listener
from app.jobs import Snapshot
from app.reading import Reading
from app.state import Changes, Displayed, State, Values
from app.texts import EXAMPLE_PHOTOS
from pipeline.errors import ImageToVideoError

POLL_SECONDS = 0.4
"""How often a page asks how the runs are doing."""

IDLE_SECONDS = 3.0
"""The same while nothing runs: another page may start something."""

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Events without Gradio's own spinners, and without a public address."""


def on(listener: Listener, handler: Callable[..., Any], inputs: Any, outputs: Any, mode: str | None = None) -> Any:
    """Attach a handler to an event."""
    return listener(handler, inputs, outputs, trigger_mode=mode, **QUIET)


def by_hand(component: Field) -> list[Listener]:
    """The events of a part of the plan editor that only a person sets off: the page itself writes there, too."""
    if isinstance(component, gr.Textbox):
        return [component.input, component.blur]
    return [component.input, component.release] if isinstance(component, gr.Slider) else [component.input]


def said(text: str) -> list[Any]:
    """A message for the photo. The number makes every one new, so that the same sentence is shown again."""
    return [text, time.monotonic_ns()]


class Wiring:
    """Connects the components of a tab with the actions. Every handler returns changes by component."""

    def __init__(self, tab: Tab, actions: Actions) -> None:
        self.tab, self.actions = tab, actions
        self.state = State()
        self.reading = Reading(tab, self.state, actions)
        self.timer = gr.Timer(IDLE_SECONDS)
        form = {tab.photo, tab.prompt, tab.preset, *tab.advanced.components, *tab.plan.components}
        self.inputs = form | self.state.parts
        plan = [*tab.plan.components, *tab.plan.boxes, tab.plan.reset, self.state.edited]
        self.read_outputs = [tab.reading, tab.photo, self.state.shown, *tab.advanced.components, *plan]
        buttons = [tab.go, tab.stop, tab.more]
        self.poll_outputs = [self.state.displayed, self.timer, tab.status, tab.result, *buttons]
        self.run_outputs = [*self.poll_outputs, self.state.followed, tab.error]

    def connect(self, page: gr.Blocks) -> None:
        """Attach every event."""
        self._connect_photo()
        self._connect_reading()
        self._connect_runs(page)

    def _connect_photo(self) -> None:
        tab = self.tab
        outputs = [tab.photo, self.state.photo, self.state.areas, tab.error, tab.prompt]
        for listener, handler in ((tab.photo.pick, self.pick), (tab.examples.example, self.example)):
            on(listener, handler, None, outputs).then(self.reading.read, self.inputs, self.read_outputs, **QUIET)
        found = on(tab.photo.find, self.find, self.inputs, [tab.photo, self.state.areas, tab.error])
        found.then(self.reading.read, self.inputs, self.read_outputs, **QUIET)

    def _connect_reading(self) -> None:
        tab = self.tab
        reading = {"inputs": self.inputs, "outputs": self.read_outputs, "trigger_mode": "always_last", **QUIET}
        advanced = [listener for control in tab.advanced.controls.values() for listener in control.listeners]
        gr.on([tab.prompt.change, tab.photo.input, *advanced], self.reading.read, **reading)
        gr.on([listener for each in tab.plan.components for listener in by_hand(each)], self.reading.edit, **reading)
        sliders = [each.change for each in tab.plan.components if isinstance(each, gr.Slider)]
        gr.on(sliders, self.reading.edit_again, **reading)
        on(tab.plan.reset.click, self.reading.follow_prompt, self.inputs, self.read_outputs)
        chosen = on(tab.preset.input, self.reading.choose_preset, [tab.preset], tab.advanced.components)
        chosen.then(self.reading.read, self.inputs, self.read_outputs, **QUIET)

    def _connect_runs(self, page: gr.Blocks) -> None:
        tab, seen = self.tab, [self.state.followed, self.state.displayed]
        gr.on([tab.go.click, tab.more.click, tab.prompt.submit], self.generate, self.inputs, self.run_outputs, **QUIET)
        on(tab.stop.click, self.stop, seen, self.poll_outputs)
        on(self.timer.tick, self.poll, seen, self.poll_outputs)
        for panel in (tab.status, tab.result):
            on(panel.cancel, self.cancel, seen, self.poll_outputs)
            on(panel.seed, self.reuse_seed, None, [tab.advanced.controls["seed"].component])
        outputs = [tab.prompt, tab.preset, *tab.advanced.components, tab.photo, self.state.photo, *self.run_outputs]
        restored = on(page.load, self.restore, None, outputs)
        restored.then(self.reading.read, self.inputs, self.read_outputs, **QUIET)

    # --- the photo --------------------------------------------------------------------------------------------------

    def pick(self, event: gr.EventData) -> Changes:
        """Show an uploaded photo, or say why it cannot be used."""
        return self.actions.attempt(
            lambda: self._show_photo(self.actions.pick(event.path, event.name)), self._say_on_photo
        )

    def example(self, event: gr.EventData) -> Changes:
        """Show an example photo with its prompt."""
        chosen = EXAMPLE_PHOTOS[event.number]
        return {**self._show_photo(open_photo(chosen.path, chosen.file)), self.tab.prompt: chosen.prompt}

    def _show_photo(self, photo: Photo) -> Changes:
        shown = {"url": photo.url, "name": photo.name}
        update = gr.update(value=[], photo=shown, areas={}, message=said(""))
        return {self.tab.photo: update, self.state.photo: photo, self.state.areas: {}, self.tab.error: ""}

    def find(self, values: Values) -> Changes:
        """Paint the automatic areas of the prompt's regions, or say why there are none."""
        return self.actions.attempt(lambda: self._find(values), self._say_on_photo)

    def _find(self, values: Values) -> Changes:
        areas, missing = self.actions.find_areas(self.reading.request(values))
        strokes = [{"tool": "area", "region": region} for region in areas]
        urls = {str(region): brush.area_url(area, region) for region, area in areas.items()}
        update = gr.update(value=strokes, areas=urls, message=said(" ".join(missing)))
        return {self.tab.photo: update, self.state.areas: areas}

    def _say_on_photo(self, message: str) -> Changes:
        return {self.tab.photo: gr.update(message=said(message))}

    # --- runs -------------------------------------------------------------------------------------------------------

    def generate(self, values: Values) -> Changes:
        """Put a run in the queue and follow it."""
        return self.actions.attempt(
            lambda: {**self._follow(self.actions.generate(self.reading.request(values))), self.tab.error: ""},
            lambda message: {self.tab.error: panels.error_panel(message)},
        )

    def stop(self, followed: str, displayed: Displayed) -> Changes:
        """Stop the run that this page follows."""
        self.actions.jobs.cancel(followed)
        return self.poll(followed, displayed)

    def cancel(self, followed: str, displayed: Displayed, event: gr.EventData) -> Changes:
        """Take another run out of the queue."""
        self.actions.jobs.cancel(str(event.run))
        return self.poll(followed, displayed)

    def _follow(self, job: Snapshot) -> Changes:
        run_id = job.record.run_id
        return {**self.poll(run_id, Displayed()), self.state.followed: run_id}

    def poll(self, followed: str, displayed: Displayed) -> Changes:
        """Show how the followed run and the queue are doing, where that has changed."""
        jobs = self.actions.jobs
        queue_version, job, active = jobs.version, jobs.get(followed), jobs.active()
        now = Displayed(followed, job.version if job else -1, queue_version)
        changes: Changes = {self.state.displayed: now}
        if now != displayed:
            changes[self.timer] = gr.Timer(POLL_SECONDS if active else IDLE_SECONDS)
            changes[self.tab.status] = panels.status_panel(job, active)
        if job is not None and (now.run_id, now.version) != (displayed.run_id, displayed.version):
            busy = not job.is_finished
            changes[self.tab.result] = panels.result_panel(job, jobs.outputs)
            changes[self.tab.go] = gr.update(visible=not busy)
            changes[self.tab.stop] = gr.update(visible=busy, interactive=not job.stopping)
            changes[self.tab.more] = gr.update(visible=busy)
        return changes

    def restore(self) -> Changes:
        """A page that opens shows the run under way, or the last one, with what it was asked for."""
        job = self.actions.jobs.latest()
        if job is None:
            return {self.state.followed: ""}
        asked = job.record.requested
        changes = self._follow(job) | {self.tab.prompt: asked.prompt, self.tab.preset: asked.preset}
        changes |= dict(zip(self.tab.advanced.components, self.tab.advanced.show(asked), strict=True))
        try:
            photo = open_photo(job.image, job.record.inputs[0].name)
        except ImageToVideoError:
            return changes  # the upload is gone; the kept copy is in the record
        return changes | {
            self.state.photo: photo,
            self.tab.photo: gr.update(photo={"url": photo.url, "name": photo.name}),
        }

    def reuse_seed(self, event: gr.EventData) -> int:
        """Put the seed of a finished run into the form."""
        return int(event.seed)
