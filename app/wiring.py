"""What happens when something on the tab Animate is pressed, typed or painted."""

import json
from collections.abc import Mapping
from types import MappingProxyType

import gradio as gr

from app import brush, engines, gallery, panels
from app.actions import NO_COLOUR, Actions, Photo, open_photo
from app.animate import Tab
from app.beside import Beside
from app.bundle import BOUNDED, EDITED, TYPED, Bundle
from app.events import READING, by_hand, on
from app.jobs import Snapshot
from app.photos import painted, said, shown_photo, strip
from app.pulse import Beat, Beats
from app.reading import Reading
from app.runs import Places
from app.several import Several
from app.shelf import Shelf
from app.state import Changes, Displayed, Named, Shown, State, Values, state_of
from app.texts import EXAMPLE_PHOTOS
from pipeline.catalogue import get_card
from pipeline.engines import engine_names
from pipeline.errors import ImageToVideoError, InvalidInput, ModelMissing
from pipeline.frames import Mask
from pipeline.settings import Settings

NOTHING_PAINTED: Mapping[int, Mask] = MappingProxyType({})


class Wiring:
    """Connects the components of a tab with the actions. Every handler returns changes by component."""

    def __init__(self, tab: Tab, actions: Actions) -> None:
        self.tab, self.actions = tab, actions
        self.state = State()
        self.shelf = Shelf(tab, self.state, actions)
        self.reading = Reading(tab, self.state, actions, self.shelf)
        form = [tab.photo, tab.prompt, tab.engine, tab.preset, *tab.advanced.components, *tab.plan.components]
        self.form = Bundle("animate-form", [*form, *tab.sweep.components], self.state.asked)
        plan = [*tab.plan.components, *tab.plan.boxes, tab.plan.reset, self.state.edited]
        model = [tab.forecast, tab.engine, tab.model, tab.model_card, tab.motion_card]
        reading = [tab.reading, tab.photo, tab.prompt, tab.several, tab.go, self.state.shown]
        self.read_outputs = [*reading, *model, *tab.advanced.components, *plan]
        self.painted_outputs = [*plan, self.state.areas]
        buttons = [tab.go, tab.stop, tab.more]
        panes = [tab.status, tab.gallery, tab.result, tab.model, tab.engine]
        self.poll_outputs = [self.state.displayed, *panes, *buttons]
        self.form_outputs = [tab.prompt, tab.engine, tab.preset, *tab.advanced.components]
        self.beside = Beside(tab, actions)
        self.several = Several(tab, self.state, actions, self.show_photo)
        self.shown_outputs = [*self.form_outputs, tab.photo, self.state.photo, *self.several.outputs]
        self.run_outputs = [*self.poll_outputs, self.state.followed, tab.error]
        self.restore_outputs = [*self.shown_outputs, *self.run_outputs, self.state.engine]
        self.seen = [self.state.followed, self.state.displayed, self.state.shown]

    def connect(self) -> None:
        """Attach every event."""
        self._connect_photo()
        self.form.read_after(*self.several.connect())
        self._connect_reading()
        self._connect_engines()
        self._connect_runs()

    def _connect_photo(self) -> None:
        tab = self.tab
        outputs = [tab.photo, self.state.photo, self.state.areas, tab.error, tab.prompt, *self.several.outputs]
        for listener, handler in ((tab.photo.pick, self.pick), (tab.examples.example, self.example)):
            self.form.read_after(on(listener, handler, None, outputs))
        named = on(tab.photo.named, self.name, None, self.state.named)
        for listener, finder in ((tab.photo.find, self.find), (named.then, self.find_by_name)):
            self.form.read_after(self.form.send(listener, finder, [tab.photo, self.state.areas, tab.error]))

    def _connect_reading(self) -> None:
        tab, form = self.tab, self.form
        advanced = [control.listener for control in tab.advanced.controls.values()]
        for axis in tab.sweep.axes:
            self.form.read_after(
                on(axis.setting.input, axis.show, [axis.setting, axis.shown], [*axis.ways, axis.shown])
            )
        values = [listener for axis in tab.sweep.axes for listener in (axis.typed.change, axis.ticked.input)]
        edited = [listener for each in tab.plan.components for listener in by_hand(each)]
        bounded = [each.change for each in tab.plan.components if isinstance(each, gr.Slider)]
        for what, handler, causes in (
            (TYPED, self.reading.read, [tab.prompt.change, tab.photo.input, *advanced, *values]),
            (EDITED, self.reading.edit, edited),
            (BOUNDED, self.reading.edit_again, bounded),
        ):
            form.read(what, handler, self.read_outputs)
            form.told(what, *causes)
        form.send(tab.plan.reset.click, self.reading.follow_prompt, self.read_outputs, **READING)

    def _connect_engines(self) -> None:
        tab, shelf, shown = self.tab, self.shelf, [self.state.shown]
        outputs = [*tab.advanced.components, self.state.engine, tab.engine, tab.error]
        by_engine = on(tab.engine.input, shelf.choose_engine, [tab.engine, tab.preset, *shown], outputs)
        by_preset = on(tab.preset.input, shelf.choose_preset, [tab.preset, tab.engine], outputs)
        self.form.read_after(by_engine, by_preset)
        for panel in (tab.model, tab.error, tab.result):
            on(panel.download, shelf.download, shown, [tab.error, tab.model])
        on(tab.model.halt, shelf.halt, shown, [tab.model])

    def _connect_runs(self) -> None:
        tab, seen = self.tab, self.seen
        for listener in (tab.go.click, tab.more.click, tab.prompt.submit):
            self.form.send(listener, self.generate, self.run_outputs)
        on(tab.stop.click, self.stop, seen, self.poll_outputs)
        on(tab.status.changed, self.poll, seen, self.poll_outputs)
        on(tab.gallery.cell, self.look_at, seen, self.run_outputs)
        on(tab.gallery.halt, self.stop_all, seen, self.poll_outputs)
        for panel in (tab.status, tab.result):
            on(panel.cancel, self.cancel, seen, self.poll_outputs)
            on(panel.seed, self.reuse_seed, None, [tab.advanced.controls["seed"].component])
        self.form.read_after(on(tab.result.advice, self.take_advice, [self.state.shown], self.restore_outputs))

    # --- the photo --------------------------------------------------------------------------------------------------

    def pick(self, event: gr.EventData) -> Changes:
        """Show an uploaded photo, or say why it cannot be used."""
        return self.actions.attempt(
            lambda: self.show_photo(self.actions.pick(event.path, event.name)), self._say_on_photo
        )

    def example(self, event: gr.EventData) -> Changes:
        """Show an example photo with its prompt, in the language of the page."""
        chosen = EXAMPLE_PHOTOS[event.number]
        return {**self.show_photo(open_photo(chosen.path, chosen.file)), self.tab.prompt: str(event.prompt)}

    def show_photo(self, photo: Photo, areas: Mapping[int, Mask] = NOTHING_PAINTED) -> Changes:
        """Show another photo, with these areas painted on it, by region."""
        update = gr.update(photo=shown_photo(photo), message=said(""), **painted(areas))
        shown = {self.tab.photo: update, self.state.photo: photo, self.state.areas: dict(areas), self.tab.error: ""}
        return shown | {self.tab.photos: strip([], None), self.state.photos: []}

    def find(self, values: Values) -> Changes:
        """Paint the automatic areas of the prompt's regions, or say why there are none."""
        return self.actions.attempt(lambda: self._find(values), self._say_on_photo)

    def _find(self, values: Values) -> Changes:
        areas, missing = self.actions.find_areas(self.reading.request(values))
        return {
            self.tab.photo: gr.update(message=said(" ".join(missing)), **painted(areas)),
            self.state.areas: areas,
        }

    def name(self, event: gr.EventData) -> Named:
        """Keep what words name, to be found by what the form says besides."""
        return Named(str(event.words), event.region)

    def find_by_name(self, values: Values) -> Changes:
        """Paint what words name, in the chosen colour or the first free one, or say why it was not found."""
        return self.actions.attempt(lambda: self._find_by_name(values, values[self.state.named]), self._say_on_photo)

    def _find_by_name(self, values: Values, named: Named) -> Changes:
        request = self.reading.request(values)
        region = brush.free_region(request.strokes) if named.region is None else named.region
        if region is None:
            raise InvalidInput(NO_COLOUR)
        area = self.actions.find_by_name(request, named.words)
        if (known := request.areas.get(region)) is not None:
            area = brush.joined(known, area)
        strokes = [*values[self.tab.photo], {"tool": "area", "region": region}]
        urls = {str(region): brush.area_url(area, region)}
        update = gr.update(value=strokes, areas=urls, message=said(""))
        return {self.tab.photo: update, self.state.areas: {**request.areas, region: area}}

    def _say_on_photo(self, message: str) -> Changes:
        return {self.tab.photo: gr.update(message=said(message))}

    # --- runs -------------------------------------------------------------------------------------------------------

    def generate(self, values: Values) -> Changes:
        """Put a run in the queue and follow it."""
        shown = values[self.state.shown]
        return self.actions.attempt(lambda: self._generate(values, shown), self._say_above)

    def _generate(self, values: Values, shown: Shown) -> Changes:
        sweep = self.reading.sweep(values)
        try:
            if sweep.count > 1:
                return self.follow(self.actions.generate_all(sweep), shown)
            return self.follow(self.actions.generate(sweep.requests[0]), shown)
        except ModelMissing as error:
            return {self.tab.error: engines.missing_panel(str(error), get_card(values[self.tab.engine]))}

    def _say_above(self, message: str) -> Changes:
        return {self.tab.error: panels.error_panel(message)}

    def stop(self, followed: str, displayed: Displayed, shown: Shown) -> Changes:
        """Stop the run that this page follows."""
        self.actions.jobs.cancel(followed)
        return self.poll(followed, displayed, shown)

    def cancel(self, followed: str, displayed: Displayed, shown: Shown, event: gr.EventData) -> Changes:
        """Take another run out of the queue."""
        self.actions.jobs.cancel(str(event.cancel))
        return self.poll(followed, displayed, shown)

    def look_at(self, followed: str, displayed: Displayed, shown: Shown, event: gr.EventData) -> Changes:
        """Show one of the runs that are compared."""
        job = self.actions.runs.get(str(event.cell))
        return self.poll(followed, displayed, shown) if job is None else self.follow(job, shown)

    def stop_all(self, followed: str, displayed: Displayed, shown: Shown, event: gr.EventData) -> Changes:
        """Stop all runs that are compared, and take those out of the queue that wait."""
        self.beside.stop(str(event.halt))
        return self.poll(followed, displayed, shown)

    def follow(self, job: Snapshot, shown: Shown) -> Changes:
        """Show from now on how a run is doing."""
        run_id = job.record.run_id
        return self._turn_to(run_id, shown) | {self.state.followed: run_id, self.tab.error: ""}

    def _turn_to(self, run_id: str, shown: Shown) -> Changes:
        """Show a run, and have it kept up to date. A poll does not: a late one would lead back to the run before."""
        changes = self.poll(run_id, Displayed(), shown)
        changes[self.tab.status]["about"] = run_id
        return changes

    @property
    def beats(self) -> Beats:
        """How it stands with the followed run, and with those that are compared with it."""
        return {"status": self._status_beat, "gallery": self._gallery_beat}

    def _status_beat(self, followed: str) -> Beat:
        job = self.actions.runs.get(followed)
        now = self._displayed(followed, job, self.beside.places(job))
        version = "" if job is None else str(job.version)
        return Beat(version, lambda: {"value": panels.status_panel(job)}, now.mark)

    def _gallery_beat(self, followed: str) -> Beat:
        progress = gallery.progress(self.beside.places(self.actions.runs.get(followed)))
        return Beat(json.dumps(progress), lambda: {"progress": progress})

    def _displayed(self, followed: str, job: Snapshot | None, places: Places) -> Displayed:
        downloads = self.actions.downloads
        states = self.beside.states(places)
        return Displayed(followed, state_of(job), states, downloads.version, downloads.ended)

    def poll(self, followed: str, displayed: Displayed, shown: Shown) -> Changes:
        """Show how the followed run and the download are doing, where that has changed."""
        jobs, job = self.actions.jobs, self.actions.runs.get(followed)
        places = self.beside.places(job)
        now = self._displayed(followed, job, places)
        changes: Changes = {self.state.displayed: now, **self.beside.changes(job, places, now, displayed)}
        changes[self.tab.status] = gr.update(value=panels.status_panel(job), mark=now.mark)
        if now.downloads_version != displayed.downloads_version:
            changes[self.tab.model] = self.shelf.card(shown)
        if now.downloads_ended != displayed.downloads_ended:
            changes[self.tab.engine] = self.shelf.picker(shown)
        if job is not None and now.run != displayed.run:
            busy = not job.is_finished
            changes[self.tab.result] = panels.result_panel(job, jobs.outputs)
            changes[self.tab.go] = gr.update(visible=not busy)
            changes[self.tab.stop] = gr.update(visible=busy, interactive=not job.stopping)
            changes[self.tab.more] = gr.update(visible=busy)
        return changes

    def restore(self, remembered: str, shown: Shown) -> Changes:
        """A page that opens shows the run under way, or the last one, with what it was asked for.

        An engine that was chosen since then, in this browser, stays chosen.
        """
        job = self.actions.jobs.latest(1)
        changes = self._show_request(job, shown) if job is not None else self._turn_to("", shown)
        asked = job.record.requested if job is not None else Settings()
        if remembered not in engine_names() or (job is not None and not job.is_finished):
            return changes | {self.state.engine: asked.animate.engine}
        if remembered == asked.animate.engine:
            return changes
        return self.actions.attempt(lambda: changes | self.shelf.values_of(remembered, asked.preset), lambda _: changes)

    def _show_request(self, job: Snapshot, shown: Shown) -> Changes:
        """Follow a run, and show its photo and what was asked for."""
        return self.follow(job, shown) | self.show_request(job)

    def show_request(self, job: Snapshot) -> Changes:
        """Show the photo of a run and what was asked for."""
        changes = self.show_settings(job.record.requested)
        try:
            photo = open_photo(job.images[0], job.record.inputs[0].name)
        except ImageToVideoError:
            return changes  # the upload is gone; the kept copy is in the record
        alone = {self.tab.photos: strip([], None), self.state.photos: []}
        return changes | alone | {self.state.photo: photo, self.tab.photo: gr.update(photo=shown_photo(photo))}

    def show_settings(self, asked: Settings) -> Changes:
        """Show what was asked for, all but the photo, what is painted on it, and an edited plan."""
        changes: Changes = {self.tab.prompt: asked.prompt, self.tab.preset: asked.preset}
        changes[self.tab.engine] = gr.update(value=asked.animate.engine)
        return changes | dict(zip(self.tab.advanced.components, self.tab.advanced.show(asked), strict=True))

    def show_plan(self, asked: Settings, is_read: bool) -> Changes:
        """Show an edited motion plan; `is_read` says that it is what the prompt is read as."""
        plan, is_edited = asked.animate.motion.plan, not is_read
        changes: Changes = {self.state.edited: is_edited, self.tab.plan.reset: gr.update(visible=is_edited)}
        return changes | (self.reading.show_plan(plan) if plan is not None and is_edited else {})

    def take_advice(self, shown: Shown, event: gr.EventData) -> Changes:
        """Run again with what an advice changes, and follow the first of these runs."""
        asked = (str(event.of), int(event.advice))
        return self.actions.attempt(
            lambda: self._show_request(self.actions.take_advice(*asked), shown), self._say_above
        )

    def reuse_seed(self, event: gr.EventData) -> int:
        """Put the seed of a finished run into the form."""
        return int(event.seed)
