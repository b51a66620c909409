"""What happens when something on the tab Transition is pressed: photos, runs and models."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr

from app import engines, panels, passage_panels
from app.actions import Actions, Photo, open_photo
from app.bundle import TYPED
from app.events import READING, on
from app.helpers import HELPERS, missing_model
from app.jobs import Snapshot
from app.passage import PassageTab
from app.passage_form import Own, Pair, PassageForm, PassageState, ShownPassage
from app.photos import said, shown_photo
from app.pulse import Beat, Beats
from app.state import Changes, Displayed, Values, state_of
from app.texts import EXAMPLE_PAIRS
from pipeline.catalogue import find_card, merge
from pipeline.errors import ImageToVideoError, InvalidInput, ModelMissing
from pipeline.records import PICTURES
from pipeline.settings import Settings, make_settings

NO_PAIR = "A transition takes two photos: choose the first and the last one, or take one of the examples."
FORGOTTEN = "That run is no longer remembered: generate once more."


class Crossing:
    """Connects the components of the tab with the actions. Every handler returns changes by component."""

    def __init__(self, tab: PassageTab, actions: Actions) -> None:
        self.tab, self.actions, self.state = tab, actions, PassageState()
        self.form = PassageForm(tab, self.state, actions)
        words = [tab.words.prompts, *tab.words.captions.components]
        panes = [tab.status, tab.result, tab.model, tab.go, tab.stop, tab.more, tab.words.plan]
        pickers = [tab.engine, *(tab.advanced.controls[name].component for name in HELPERS)]
        self.poll_outputs = [self.state.displayed, *panes, *words, *pickers]
        self.shown_outputs = [*self.form.outputs, *tab.photos, self.state.photos]
        self.run_outputs = [*self.poll_outputs, self.state.followed, tab.error]
        self.restore_outputs = list(dict.fromkeys([*self.shown_outputs, *self.run_outputs]))
        self.seen = [self.state.followed, self.state.displayed, self.state.shown]

    def connect(self) -> None:
        """Attach every event."""
        self._connect_photos()
        self._connect_form()
        self._connect_runs()

    def _connect_photos(self) -> None:
        tab, photos = self.tab, self.state.photos
        outputs = [*tab.photos, photos, tab.error]
        events = [on(box.pick, self._pick(number), photos, outputs) for number, box in enumerate(tab.photos)]
        events.append(on(tab.swap.click, self.swap, photos, outputs))
        events.append(on(tab.examples.pair, self.example, None, outputs))
        self.form.bundle.read_after(*events)

    def _connect_form(self) -> None:
        tab, form = self.tab, self.form
        choices = [tab.engine, tab.preset]
        by_engine = on(tab.engine.input, form.choose_engine, [*choices, self.state.shown], form.outputs)
        by_preset = on(tab.preset.input, form.choose_preset, choices[::-1], form.outputs)
        self.form.bundle.read_after(by_engine, by_preset)
        listeners = [control.listener for control in tab.advanced.controls.values()]
        form.bundle.told(TYPED, *listeners, tab.words.prompts.input)
        form.bundle.read(TYPED, form.read, form.read_outputs)
        form.bundle.send(tab.words.own.forget, form.forget, [*form.read_outputs, self.state.own], **READING)
        shown = [self.state.shown]
        for panel in (tab.model, tab.error, tab.result):
            on(panel.download, self.download, shown, [tab.error, tab.model])
        on(tab.model.halt, self.halt, shown, [tab.model])

    def _connect_runs(self) -> None:
        tab, send = self.tab, self.form.bundle.send
        for listener in (tab.go.click, tab.more.click, tab.prompt.submit):
            send(listener, self.generate, self.run_outputs)
        send(tab.words.plan.click, self.plan, self.run_outputs)
        on(tab.stop.click, self.stop, self.seen, self.poll_outputs)
        on(tab.status.changed, self.poll, self.seen, self.poll_outputs)
        for panel in (tab.status, tab.result):
            on(panel.cancel, self.cancel, self.seen, self.poll_outputs)
            on(panel.seed, self.reuse_seed, None, [tab.advanced.controls["seed"].component])
        self.form.bundle.read_after(
            on(tab.result.repaint, self.repaint, [self.state.shown], self.restore_outputs),
            on(tab.result.reuse, self.reuse, None, self.shown_outputs),
        )

    # --- photos -----------------------------------------------------------------------------------------------------

    def _pick(self, number: int) -> Callable[..., Changes]:
        """The handler of one photo box: show an uploaded photo, or say why it cannot be used."""
        box = self.tab.photos[number]

        def pick(photos: Pair, event: gr.EventData) -> Changes:
            def take() -> Changes:
                return self.show_photo(number, self.actions.pick(event.path, event.name), photos)

            return self.actions.attempt(take, lambda message: {box: gr.update(message=said(message))})

        return pick

    def show_photo(self, number: int, photo: Photo, photos: Pair) -> Changes:
        """Show another first (0) or last (1) photo beside the other one of `photos`."""
        now = (photo, photos[1]) if number == 0 else (photos[0], photo)
        return self._photo(number, now) | {self.state.photos: now, self.tab.error: ""}

    def swap(self, photos: Pair) -> Changes:
        """Let the first photo be the last one."""
        return self.show_photos((photos[1], photos[0]))

    def example(self, event: gr.EventData) -> Changes:
        """Show an example pair."""
        pair = EXAMPLE_PAIRS[int(event.pair)]
        first, last = (open_photo(path, path.name) for path in pair.paths)
        return self.show_photos((first, last))

    def show_photos(self, photos: Pair) -> Changes:
        """Show both photos."""
        return self._photo(0, photos) | self._photo(1, photos) | {self.state.photos: photos, self.tab.error: ""}

    def _photo(self, number: int, photos: Pair) -> Changes:
        photo = photos[number]
        shown = shown_photo(photo) if photo is not None else None
        return {self.tab.photos[number]: gr.update(photo=shown, message=said(""))}

    # --- runs -------------------------------------------------------------------------------------------------------

    def generate(self, values: Values) -> Changes:
        """Put a transition in the queue and follow it."""
        return self.actions.attempt(lambda: self._submit(values, plan_only=False), self._say)

    def plan(self, values: Values) -> Changes:
        """Describe both photos and plan the way, to be looked at and changed."""
        return self.actions.attempt(lambda: self._submit(values, plan_only=True), self._say)

    def _submit(self, values: Values, plan_only: bool) -> Changes:
        try:
            images, settings = self.asked(values)
        except ModelMissing as error:
            card = missing_model(self.form.settings(values))
            told = panels.error_panel(str(error)) if card is None else engines.missing_panel(str(error), card)
            return {self.tab.error: told}
        job = self.actions.jobs.submit(images, settings, plan_only=plan_only)
        return self.follow(job, values[self.state.shown])

    def asked(self, values: Values) -> tuple[tuple[Path, Path], Settings]:
        """The photos and the settings that the form asks for.

        Raises InvalidInput where a photo is missing, and ModelMissing for a model that is asked for and not here.
        """
        from pipeline.resolve import check_models, resolve_transition

        first, last = values[self.state.photos]
        if first is None or last is None:
            raise InvalidInput(NO_PAIR)
        settings = self.form.settings(values)
        check_models(resolve_transition(settings, first.width, first.height)[0])
        return (first.path, last.path), settings

    def repaint(self, shown: ShownPassage, event: gr.EventData) -> Changes:
        """Paint one key frame anew, with another prompt or seed; the others are found again."""
        return self.actions.attempt(lambda: self._repaint(shown, event), self._say)

    def _repaint(self, shown: ShownPassage, event: gr.EventData) -> Changes:
        before = self._job(event.of)
        used = before.record.used
        if used is None:
            raise InvalidInput(FORGOTTEN)
        number, prompt = int(event.repaint), str(event.prompt).strip()
        own = Own(used.keyframes.prompts, used.keyframes.seeds)
        if prompt == passage_panels.prompt_of(used, number):
            prompt = own.prompt(number)  # as it was: on the plan's way where it was there
        seed = passage_panels.read_seed(event.chosen)
        if seed == before.record.seed:
            seed = -1  # the run's own
        own = own.changed(number, used.keyframes.count, prompt, seed)
        # All else as it was, whatever would be drawn, described, planned or chosen this time.
        kept = used.keyframes.model_copy(update={"prompts": own.prompts, "seeds": own.seeds})
        changes = {
            "seed": before.record.seed,
            "caption": {"text0": used.caption.text0, "text1": used.caption.text1},
            "plan": {"prompts": used.plan.prompts},
            "keyframes": kept.model_dump(mode="json"),
        }
        settings = make_settings(merge(before.record.requested.model_dump(mode="json"), changes))
        return self.follow(self.actions.jobs.submit(before.images, settings), shown) | self.form.show(settings)

    def _job(self, run_id: object) -> Snapshot:
        job = self.actions.jobs.get(str(run_id))
        if job is None:
            raise InvalidInput(FORGOTTEN)
        return job

    def follow(self, job: Snapshot, shown: ShownPassage) -> Changes:
        """Show from now on how a run is doing."""
        run_id = job.record.run_id
        return self._turn_to(run_id, shown) | {self.state.followed: run_id, self.tab.error: ""}

    def _turn_to(self, run_id: str, shown: ShownPassage) -> Changes:
        """Show a run, and have it kept up to date. A poll does not: a late one would lead back to the run before."""
        changes = self.poll(run_id, Displayed(), shown)
        changes[self.tab.status]["about"] = run_id
        return changes

    def stop(self, followed: str, displayed: Displayed, shown: ShownPassage) -> Changes:
        """Stop the run that this tab follows."""
        self.actions.jobs.cancel(followed)
        return self.poll(followed, displayed, shown)

    def cancel(self, followed: str, displayed: Displayed, shown: ShownPassage, event: gr.EventData) -> Changes:
        """Take another run out of the queue."""
        self.actions.jobs.cancel(str(event.cancel))
        return self.poll(followed, displayed, shown)

    @property
    def beats(self) -> Beats:
        """How it stands with the followed run."""
        return {"passage-status": self._status_beat}

    def _status_beat(self, followed: str) -> Beat:
        job = self.actions.jobs.get(followed)
        version = "" if job is None else str(job.version)
        return Beat(version, lambda: {"value": self._status(job)}, self._displayed(followed, job).mark)

    def _status(self, job: Snapshot | None) -> str:
        painted = passage_panels.painted_so_far(job, self.actions.jobs.outputs) if job is not None else ""
        return panels.status_panel(job, painted)

    def _displayed(self, followed: str, job: Snapshot | None) -> Displayed:
        downloads = self.actions.downloads
        return Displayed(followed, state_of(job), (), downloads.version, downloads.ended)

    def poll(self, followed: str, displayed: Displayed, shown: ShownPassage) -> Changes:
        """Show how the followed run and the download are doing, where that has changed."""
        job = self.actions.jobs.get(followed)
        now = self._displayed(followed, job)
        changes: Changes = {self.state.displayed: now}
        changes[self.tab.status] = gr.update(value=self._status(job), mark=now.mark)
        if now.downloads_version != displayed.downloads_version:
            changes[self.tab.model] = self.form.models(shown.settings)
        if now.downloads_ended != displayed.downloads_ended:
            changes |= self.form.pickers(shown.settings)
        if job is not None and now.run != displayed.run:
            changes |= self._show_run(job)
        return changes

    def _show_run(self, job: Snapshot) -> Changes:
        tab, busy, outputs = self.tab, not job.is_finished, self.actions.jobs.outputs
        changes: Changes = {
            tab.result: panels.result_panel(job, outputs, told=passage_panels.passage_account(job, outputs)),
            tab.go: gr.update(visible=not busy),
            tab.stop: gr.update(visible=busy, interactive=not job.stopping),
            tab.more: gr.update(visible=busy),
            tab.words.plan: gr.update(interactive=not busy),
        }
        used = job.record.used
        if job.record.job == "plan" and job.is_finished and used is not None and job.record.error is None:
            changes |= self.form.show_words(used)
        return changes

    def restore(self, shown: ShownPassage) -> Changes:
        """A page that opens shows the transition under way, or the last one, with what it was asked for."""
        job = self.actions.jobs.latest(2)
        return self._turn_to("", shown) if job is None else self.show_request(job) | self.follow(job, shown)

    def reuse(self, event: gr.EventData) -> Changes:
        """Put the photos and the settings of a finished run into the form, the seed that was drawn among them."""
        return self.actions.attempt(lambda: self._reuse(event), self._say)

    def _reuse(self, event: gr.EventData) -> Changes:
        job = self._job(event.reuse)
        seed = self.tab.advanced.controls["seed"].component
        return self.show_request(job) | {seed: job.record.seed, self.tab.error: ""}

    def show_request(self, job: Snapshot) -> Changes:
        """Show the photos of a run and what was asked for."""
        changes = self.form.show(job.record.requested)
        inputs = [each for each in job.record.inputs if each.role in PICTURES]
        ends = zip((job.images[0], job.images[-1]), (inputs[0], inputs[-1]), strict=True)
        try:
            first, last = (open_photo(path, entry.name) for path, entry in ends)
        except ImageToVideoError:
            return changes  # the uploads are gone; the kept copies are in the record
        return changes | self.show_photos((first, last))

    def reuse_seed(self, event: gr.EventData) -> int:
        """Put the seed of a finished run into the form."""
        return int(event.seed)

    # --- models -----------------------------------------------------------------------------------------------------

    def download(self, shown: ShownPassage, event: gr.EventData) -> Changes:
        """Begin to fetch a model."""

        def begin() -> Changes:
            self.actions.downloads.start(find_card(str(event.download)), shown.settings.runtime)
            return {self.tab.error: "", self.tab.model: self.form.models(shown.settings)}

        return self.actions.attempt(begin, self._say)

    def halt(self, shown: ShownPassage) -> Changes:
        """Stop the download."""
        self.actions.downloads.stop()
        return {self.tab.model: self.form.models(shown.settings)}

    def _say(self, message: str) -> Changes:
        return {self.tab.error: panels.error_panel(message)}
