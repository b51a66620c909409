"""What happens when something on the tab Transition is pressed or typed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from app import engines, panels, passage_panels
from app.actions import Actions, Photo, open_photo
from app.jobs import Snapshot
from app.passage import HELPERS, PassageTab, engine_summary, helper_choices
from app.state import Changes, Displayed, Values
from app.texts import EXAMPLE_PAIRS, EXAMPLES
from app.wiring import IDLE_SECONDS, POLL_SECONDS, QUIET, on, said
from pipeline.catalogue import get_card, merge, model_names
from pipeline.errors import ImageToVideoError, InvalidInput, ModelMissing
from pipeline.settings import Settings, make_settings
from pipeline.transition_settings import FLOW, KEYFRAMES

Pair = tuple[Photo | None, Photo | None]

NO_PAIR = "A transition takes two photos: choose the first and the last one, or take the examples."


@dataclass(frozen=True)
class _State:
    """One for each open page: the photos, the run that is followed, and what is shown of it."""

    photos: gr.State = field(default_factory=lambda: gr.State((None, None)))
    followed: gr.State = field(default_factory=lambda: gr.State(""))
    displayed: gr.State = field(default_factory=lambda: gr.State(Displayed()))


class Crossing:
    """Connects the components of the tab with the actions. Every handler returns changes by component."""

    def __init__(self, tab: PassageTab, actions: Actions) -> None:
        self.tab, self.actions, self.state = tab, actions, _State()
        self.timer = gr.Timer(IDLE_SECONDS)
        state = self.state
        self.inputs = {
            tab.prompt,
            tab.engine,
            tab.preset,
            tab.prompts,
            *tab.captions.components,
            *tab.advanced.components,
            state.photos,
            state.followed,
            state.displayed,
        }
        self.panes = [state.displayed, self.timer, tab.status, tab.result, tab.go, tab.stop, tab.more, tab.plan]
        self.filled = [tab.prompts, *tab.captions.components]
        self.run_outputs = [*self.panes, *self.filled, state.followed, tab.error]
        self.form_outputs = [tab.prompt, tab.engine, tab.preset, tab.words, tab.forecast, *tab.advanced.components]

    def connect(self, page: gr.Blocks, opened: gr.Tab) -> None:
        """Attach every event. `opened` is the tab itself."""
        tab, state, form = self.tab, self.state, set(self.inputs)
        photo_outputs = [*tab.photos, state.photos, tab.error]
        events = []
        for number, box in enumerate(tab.photos):
            events.append(on(box.pick, self._pick(number), [state.photos], photo_outputs))
        events.append(on(tab.swap.click, self.swap, [state.photos], photo_outputs))
        events.append(on(tab.examples.pair, self.example, None, photo_outputs))
        events.append(on(tab.engine.input, self.choose, [tab.engine, tab.preset], [*self.form_outputs, tab.error]))
        events.append(on(tab.preset.input, self.choose, [tab.engine, tab.preset], [*self.form_outputs, tab.error]))
        listeners = [listener for control in tab.advanced.controls.values() for listener in control.listeners]
        read = {"inputs": form, "outputs": [tab.forecast, *tab.advanced.components], "trigger_mode": "always_last"}
        for event in events:
            event.then(self.read, form, read["outputs"], **QUIET)
        gr.on(listeners, self.read, **read, **QUIET)
        gr.on([tab.go.click, tab.more.click, tab.prompt.submit], self.generate, form, self.run_outputs, **QUIET)
        on(tab.plan.click, self.plan, form, self.run_outputs)
        seen = [state.followed, state.displayed]
        on(tab.stop.click, self.stop, seen, [*self.panes, *self.filled])
        on(self.timer.tick, self.poll, seen, [*self.panes, *self.filled])
        for panel in (tab.status, tab.result):
            on(panel.cancel, self.cancel, seen, [*self.panes, *self.filled])
            on(panel.seed, self.reuse_seed, None, [tab.advanced.controls["seed"].component])
        on(tab.result.repaint, self.repaint, None, self.run_outputs)
        for panel in (tab.error, tab.result):
            on(panel.download, self.download, form, [tab.error])
        restored = [*self.form_outputs, state.photos, *self.run_outputs]
        # Gradio forgets what a photo box is made of when it is written to before its tab was ever opened.
        on(opened.select, self.reshow, [state.photos], list(tab.photos))
        on(page.load, self.restore, None, restored).then(self.read, form, read["outputs"], **QUIET)

    # --- photos -----------------------------------------------------------------------------------------------------

    def _pick(self, number: int) -> Callable[..., Changes]:
        box = self.tab.photos[number]

        def pick(photos: Pair, event: gr.EventData) -> Changes:
            def take() -> Changes:
                photo = self.actions.pick(event.path, event.name)
                return self._show((photo, photos[1]) if number == 0 else (photos[0], photo))

            return self.actions.attempt(take, lambda message: {box: gr.update(message=said(message))})

        return pick

    def swap(self, photos: Pair) -> Changes:
        """Let the first photo be the last one."""
        return self._show((photos[1], photos[0]))

    def example(self, event: gr.EventData) -> Changes:
        """Show an example pair."""
        names = EXAMPLE_PAIRS[int(event.pair)]
        first, last = (open_photo(EXAMPLES / name, name) for name in names)
        return self._show((first, last))

    def reshow(self, photos: Pair) -> Changes:
        """Show the photos that a page which has just opened found again."""
        return {box: change for box, change in self._show(photos).items() if box in self.tab.photos}

    def _show(self, photos: Pair) -> Changes:
        changes: Changes = {self.state.photos: photos, self.tab.error: ""}
        for box, photo in zip(self.tab.photos, photos, strict=True):
            shown = {"url": photo.url, "name": photo.name} if photo is not None else None
            changes[box] = gr.update(value=[], photo=shown, areas={}, message=said(""))
        return changes

    # --- the form ---------------------------------------------------------------------------------------------------

    def choose(self, engine: str, preset: str) -> Changes:
        """Lay an engine's and a preset's own values over the form."""

        def lay() -> Changes:
            wanted = make_settings({"preset": preset, "transition": {"engine": engine}})
            form = self.tab.advanced
            changes: Changes = dict(zip(form.components, form.show(wanted), strict=True))
            return changes | self._shape(engine) | {self.tab.error: ""}

        return self.actions.attempt(lay, self._say)

    def _shape(self, engine: str) -> Changes:
        """Show what belongs to an engine."""
        tells = engine != FLOW
        label = "What should happen on the way?" if engine in model_names() else "Style or action"
        return {
            self.tab.engine: gr.update(value=engine, info=engine_summary(engine)),
            self.tab.prompt: gr.update(visible=tells, label=label),
            self.tab.words: gr.update(visible=engine == KEYFRAMES),
        }

    def read(self, values: Values) -> Changes:
        """Grey out what has no effect, and say what a model would need."""
        return self.actions.attempt(lambda: self._read(values), lambda text: {self.tab.forecast: panels.wrong(text)})

    def _read(self, values: Values) -> Changes:
        from pipeline.preview import preview_transition

        first, last = values[self.state.photos]
        paths = first.path if first else None, last.path if last else None
        found = preview_transition(paths, self.settings(values), self.actions.jobs.outputs)
        controls = self.tab.advanced.controls
        changes: Changes = {
            each.component: each.grey_out(found.ignored.get(name, "")) for name, each in controls.items()
        }
        for name, role in HELPERS.items():
            changes[controls[name].component]["choices"] = helper_choices(role, found.settings.runtime)
        return changes | {self.tab.forecast: panels.passage_outlook(found)}

    def settings(self, values: Values) -> Settings:
        """What the form asks for. Raises InvalidSetting."""
        tab, engine = self.tab, values[self.tab.engine]
        # A box that was never shown holds nothing at all.
        texts = {each: values[each] or "" for each in (tab.prompt, tab.prompts, *tab.captions.components)}
        changes = merge(tab.advanced.read(values), tab.captions.read(texts))
        prompts = tuple(line.strip() for line in texts[tab.prompts].splitlines() if line.strip())
        asked: dict[str, Any] = {"preset": values[tab.preset], "transition": {"engine": engine}}
        if engine != FLOW:
            asked["prompt"] = texts[tab.prompt]
        if engine == KEYFRAMES:
            asked["plan"] = {"prompts": prompts}
        return make_settings(merge(changes, asked))

    # --- runs -------------------------------------------------------------------------------------------------------

    def generate(self, values: Values) -> Changes:
        """Put a transition in the queue and follow it."""
        return self.actions.attempt(lambda: self._submit(values, plan_only=False), self._say)

    def plan(self, values: Values) -> Changes:
        """Describe both photos and plan the way, to be looked at and changed."""
        return self.actions.attempt(lambda: self._submit(values, plan_only=True), self._say)

    def _submit(self, values: Values, plan_only: bool) -> Changes:
        from pipeline.resolve import check_models, resolve_transition

        first, last = values[self.state.photos]
        if first is None or last is None:
            raise InvalidInput(NO_PAIR)
        settings = self.settings(values)
        try:
            check_models(resolve_transition(settings, first.width, first.height)[0])
        except ModelMissing as error:
            engine = settings.transition.engine
            if engine in model_names():
                return {self.tab.error: engines.missing_panel(str(error), get_card(engine))}
            raise
        job = self.actions.jobs.submit((first.path, last.path), settings, plan_only=plan_only)
        return self._follow(job)

    def repaint(self, event: gr.EventData) -> Changes:
        """Paint one key frame anew, with another prompt or seed; the others are found again."""
        return self.actions.attempt(lambda: self._repaint(event), self._say)

    def _repaint(self, event: gr.EventData) -> Changes:
        job = self.actions.jobs.get(str(event.of))
        if job is None or job.record.used is None:
            raise InvalidInput("The run of this key frame is no longer remembered: generate once more.")
        number, used = int(event.repaint), job.record.used
        count = used.keyframes.count
        prompts, seeds = _filled(used.keyframes.prompts, "", count), _filled(used.keyframes.seeds, -1, count)
        shown = str(event.prompt).strip()
        known = {prompts[number], *used.plan.prompts}
        prompts[number] = prompts[number] if shown in known and not prompts[number] else shown
        seeds[number] = int(event.chosen)
        changes = {"keyframes": {"prompts": prompts, "seeds": seeds}, "seed": job.record.seed}
        asked = merge(used.model_dump(mode="json"), changes)
        return self._follow(self.actions.jobs.submit(job.images, make_settings(asked)))

    def _follow(self, job: Snapshot) -> Changes:
        run_id = job.record.run_id
        return {**self.poll(run_id, Displayed()), self.state.followed: run_id, self.tab.error: ""}

    def stop(self, followed: str, displayed: Displayed) -> Changes:
        """Stop the run that this tab follows."""
        self.actions.jobs.cancel(followed)
        return self.poll(followed, displayed)

    def cancel(self, followed: str, displayed: Displayed, event: gr.EventData) -> Changes:
        """Take another run out of the queue."""
        self.actions.jobs.cancel(str(event.cancel))
        return self.poll(followed, displayed)

    def poll(self, followed: str, displayed: Displayed) -> Changes:
        """Show how the followed run and the queue are doing, where that has changed."""
        jobs = self.actions.jobs
        queue_version, job, active = jobs.version, jobs.get(followed), jobs.active()
        now = Displayed(followed, job.version if job else -1, (), queue_version)
        changes: Changes = {self.state.displayed: now}
        if now != displayed:
            painted = passage_panels.painted_so_far(job, jobs.outputs) if job is not None else ""
            changes[self.timer] = gr.Timer(POLL_SECONDS if active else IDLE_SECONDS)
            changes[self.tab.status] = panels.status_panel(job, active, painted)
        if job is not None and now.run != displayed.run:
            busy = not job.is_finished
            told = passage_panels.passage_account(job, jobs.outputs)
            changes[self.tab.result] = panels.result_panel(job, jobs.outputs, told=told)
            changes[self.tab.go] = gr.update(visible=not busy)
            changes[self.tab.stop] = gr.update(visible=busy, interactive=not job.stopping)
            changes[self.tab.more] = gr.update(visible=busy)
            changes[self.tab.plan] = gr.update(interactive=not busy)
            if job.record.job == "plan" and job.is_finished:
                changes |= self._fill_in(job)
        return changes

    def _fill_in(self, job: Snapshot) -> Changes:
        """Put what was found out into the boxes, where it can be changed."""
        used = job.record.used
        if used is None or job.record.error is not None:
            return {}
        changes: Changes = dict(zip(self.tab.captions.components, self.tab.captions.show(used), strict=True))
        return changes | {self.tab.prompts: "\n".join(used.plan.prompts)}

    def restore(self) -> Changes:
        """A page that opens shows the transition under way, or the last one, with what it was asked for."""
        job = self.actions.jobs.latest(2)
        if job is None:
            return {self.state.followed: ""}
        asked, tab = job.record.requested, self.tab
        changes = self._follow(job) | self._shape(asked.transition.engine)
        changes[tab.prompt] = gr.update(**changes[tab.prompt], value=asked.prompt)
        changes |= {tab.preset: asked.preset, tab.prompts: "\n".join(asked.plan.prompts)}
        for form in (tab.advanced, tab.captions):
            changes |= dict(zip(form.components, form.show(asked), strict=True))
        try:
            first, last = (
                open_photo(path, entry.name) for path, entry in zip(job.images, job.record.inputs, strict=False)
            )
        except ImageToVideoError:
            return changes  # the uploads are gone; the kept copies are in the record
        return changes | {self.state.photos: (first, last)}

    def reuse_seed(self, event: gr.EventData) -> int:
        """Put the seed of a finished run into the form."""
        return int(event.seed)

    def download(self, values: Values, event: gr.EventData) -> Changes:
        """Begin to fetch a model; the tab Animate shows how it is doing."""

        def begin() -> Changes:
            card = get_card(str(event.download))
            self.actions.downloads.start(card, self.settings(values).runtime)
            message = f"{card.title} is being downloaded: choose it on the tab Animate to see how far it is."
            return {self.tab.error: f'<p class="alert info" role="status">{message}</p>'}

        return self.actions.attempt(begin, self._say)

    def _say(self, message: str) -> Changes:
        return {self.tab.error: panels.error_panel(message)}


def _filled(values: tuple[Any, ...], empty: Any, count: int) -> list[Any]:
    """The values for all key frames, with `empty` for those that have none."""
    return [*values[:count], *[empty] * (count - len(values))]
