"""What happens when something on the tab Animate is pressed, typed or painted."""

import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from app import brush, panels
from app.actions import Actions, Photo, open_photo
from app.animate import Tab
from app.jobs import Snapshot
from app.reading import Reading
from app.state import Changes, State, Values, Watched
from app.texts import EXAMPLE_PHOTOS
from pipeline.errors import ImageToVideoError

POLL_SECONDS = 0.4
"""How often a page asks how its run is doing."""

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


class Wiring:
    """Connects the components of a tab with the actions. Every handler returns changes by component."""

    def __init__(self, tab: Tab, actions: Actions) -> None:
        self.tab, self.actions = tab, actions
        self.state = State()
        self.reading = Reading(tab, self.state, actions)
        self.timer = gr.Timer(POLL_SECONDS, active=False)
        form = {tab.photo, tab.prompt, tab.preset, *tab.advanced.components, *tab.plan.components}
        self.inputs = form | self.state.parts
        plan = [*tab.plan.components, *tab.plan.boxes, tab.plan.reset, self.state.edited]
        self.read_outputs = [tab.reading, tab.photo, self.state.shown, *tab.advanced.components, *plan]
        self.run_outputs = [
            *(self.state.watched, self.timer, tab.status, tab.result, tab.error),
            *(tab.go, tab.stop, tab.more),
        ]

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
        advanced = [control.typed for control in tab.advanced.controls.values()]
        for listener in (tab.prompt.change, tab.photo.input, *advanced):  # change: see form.Control.typed
            on(listener, self.reading.read, self.inputs, self.read_outputs, "always_last")
        for component in tab.plan.components:
            on(component.input, self.reading.edit, self.inputs, self.read_outputs, "always_last")
            if isinstance(component, gr.Textbox):  # change would also tell what the page itself writes there
                on(component.blur, self.reading.edit, self.inputs, self.read_outputs)
        on(tab.plan.reset.click, self.reading.follow_prompt, self.inputs, self.read_outputs)
        chosen = on(tab.preset.input, self.reading.choose_preset, [tab.preset], tab.advanced.components)
        chosen.then(self.reading.read, self.inputs, self.read_outputs, **QUIET)

    def _connect_runs(self, page: gr.Blocks) -> None:
        tab, watched = self.tab, [self.state.watched]
        for listener in (tab.go.click, tab.more.click, tab.prompt.submit):
            on(listener, self.generate, self.inputs, self.run_outputs)
        on(tab.stop.click, self.stop, watched, self.run_outputs)
        on(self.timer.tick, self.poll, watched, self.run_outputs)
        for panel in (tab.status, tab.result):
            on(panel.cancel, self.cancel, watched, self.run_outputs)
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
            lambda: {**self._show_run(self.actions.generate(self.reading.request(values))), self.tab.error: ""},
            lambda message: {self.tab.error: panels.error_panel(message)},
        )

    def stop(self, watched: Watched) -> Changes:
        """Stop the run that this page follows."""
        self.actions.jobs.cancel(watched.run_id)
        return self.poll(watched)

    def cancel(self, watched: Watched, event: gr.EventData) -> Changes:
        """Take another run out of the queue."""
        self.actions.jobs.cancel(str(event.run))
        return self.poll(Watched(watched.run_id))

    def poll(self, watched: Watched) -> Changes:
        """Show how the followed run and the queue are doing, if that has changed."""
        jobs = self.actions.jobs
        job = jobs.get(watched.run_id)
        if job is None or watched.queue_version == jobs.version:
            return {self.timer: gr.Timer(active=job is not None and bool(jobs.active()))}
        return self._show_run(job, watched)

    def _show_run(self, job: Snapshot, before: Watched | None = None) -> Changes:
        jobs, busy = self.actions.jobs, not job.is_finished
        version, active = jobs.version, jobs.active()
        changes: Changes = {
            self.state.watched: Watched(job.record.run_id, job.version, version),
            self.timer: gr.Timer(active=bool(active)),
            self.tab.status: panels.status_panel(job, active),
        }
        if before is None or before.version != job.version:
            changes |= {
                self.tab.result: panels.result_panel(job, jobs.outputs),
                self.tab.go: gr.update(visible=not busy),
                self.tab.stop: gr.update(visible=busy, interactive=not job.stopping),
                self.tab.more: gr.update(visible=busy),
            }
        return changes

    def restore(self) -> Changes:
        """A page that opens shows the run under way, or the last one, with what it was asked for."""
        job = self.actions.jobs.latest()
        if job is None:
            return {self.state.watched: Watched()}
        asked = job.record.requested
        changes = self._show_run(job) | {self.tab.prompt: asked.prompt, self.tab.preset: asked.preset}
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
