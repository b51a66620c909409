"""What happens when something in the queue is pressed: its order, its pauses, and the runs in it that are changed."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from app import panels
from app.actions import Actions
from app.bundle import unpacking
from app.crossing import Crossing
from app.events import on
from app.jobs import BEGUN, Snapshot
from app.onward import Onward
from app.pulse import Beat, Beats
from app.queue_panel import QueuePanel, queue_panel
from app.state import Changes, Values
from app.wiring import Wiring
from pipeline.errors import InvalidInput


class QueueWiring:
    """Connects the queue with both tabs. Every handler returns changes by component."""

    def __init__(self, panel: QueuePanel, tabs: gr.Tabs, actions: Actions, others: tuple[Wiring, Crossing]) -> None:
        self.panel, self.error, self.tabs, self.actions = panel.queue, panel.error, tabs, actions
        self.animate, self.crossing = others
        self.onward = Onward(actions.runs.history, tabs, actions, others)
        self.editing = gr.State("")
        self.outputs = [self.panel, self.error]

    @property
    def beats(self) -> Beats:
        """How it stands with the queue, given the run that is being changed."""
        return {"queue": self._beat}

    def _beat(self, editing: str) -> Beat:
        jobs = self.actions.jobs
        return Beat(str(jobs.version), lambda: {"value": queue_panel(jobs.queue(), editing)})

    def connect(self) -> None:
        """Attach every event."""
        jobs, panel, seen = self.actions.jobs, self.panel, self.editing
        acts: list[tuple[Any, Callable[[gr.EventData], object]]] = [
            (panel.move, lambda event: jobs.move(str(event.move), int(event.place))),
            (panel.cancel, lambda event: jobs.cancel(str(event.cancel))),
            (panel.forgo, lambda event: jobs.give_up(str(event.forgo))),
            (panel.clear, lambda _: jobs.clear()),
        ]
        for listener, act in acts:
            on(listener, self._doing(act), seen, self.outputs)
        on(panel.pause, self.pause, seen, self.outputs)
        on(panel.proceed, self.go_on, seen, self.outputs)
        followers = [*self.animate.run_outputs, *self.crossing.run_outputs]
        shown = [self.animate.state.shown, self.crossing.state.shown]
        on(panel.resume, self.resume, [seen, *shown], [*self.outputs, *followers])
        self._connect_editing()

    def _connect_editing(self) -> None:
        animate, crossing, panel = self.animate, self.crossing, self.panel
        forms = [*animate.shown_outputs, *animate.painted_outputs, *crossing.shown_outputs]
        outputs = [*self.outputs, self.editing, self.tabs, animate.tab.error, crossing.tab.error, *forms]
        opened = on(panel.edit, self.edit, None, list(dict.fromkeys(outputs)))
        animate.form.read_after(opened)
        crossing.form.bundle.read_after(opened)
        on(panel.unedit, self.leave, None, [*self.outputs, self.editing])
        photo_form, pair_form = animate.form, crossing.form.bundle
        written = pair_form.write(photo_form.write(panel.save).then)
        inputs = photo_form.inputs | pair_form.inputs | {self.editing}
        on(written.then, unpacking(self.save, photo_form, pair_form), inputs, [*self.outputs, self.editing])

    def show(self, editing: str) -> Changes:
        """Show the queue as it is."""
        return {self.panel: gr.update(value=queue_panel(self.actions.jobs.queue(), editing), about=editing)}

    # --- the order and the pauses -----------------------------------------------------------------------------------

    def _doing(self, act: Callable[[gr.EventData], object]) -> Callable[..., Changes]:
        """The handler that does something with the queue and shows it."""

        def handle(editing: str, event: gr.EventData) -> Changes:
            return self._show_after(lambda: act(event), editing)

        return handle

    def pause(self, editing: str) -> Changes:
        """Begin no other run."""
        return self._show_after(self.actions.jobs.pause, editing)

    def go_on(self, editing: str) -> Changes:
        """Go on with what waits."""
        return self._show_after(self.actions.jobs.go_on, editing)

    def resume(self, editing: str, shown_animate: Any, shown_crossing: Any, event: gr.EventData) -> Changes:
        """Make an interrupted run next, and follow it in its own tab."""

        def begin() -> Changes:
            job = self.actions.jobs.resume(str(event.resume))
            if job.record.job == "animate":
                return self.animate.follow(job, shown_animate)
            return self.crossing.follow(job, shown_crossing)

        changes = self.actions.attempt(begin, self._say)
        return {self.error: ""} | self.show(editing) | changes

    def _show_after(self, act: Callable[[], object], editing: str) -> Changes:
        def done() -> Changes:
            act()
            return {self.error: ""}

        changes = self.actions.attempt(done, self._say)
        return changes | self.show(editing)

    def _say(self, message: str) -> Changes:
        return {self.error: panels.error_panel(message)}

    # --- changing a run that waits ----------------------------------------------------------------------------------

    def edit(self, event: gr.EventData) -> Changes:
        """Put photos and settings of a waiting run on the form that they come from."""
        run_id = str(event.edit)

        def open_it() -> Changes:
            changes = self.onward.show(self._waiting(run_id).record)
            return changes | {self.editing: run_id, self.error: ""} | self.show(run_id)

        return self.actions.attempt(open_it, lambda message: self._say(message) | self.show(""))

    def save(self, values: Values) -> Changes:
        """Let the run that is being changed be made from what the form says, in its place."""
        editing = values[self.editing]
        changes = self.actions.attempt(lambda: self._save(values, editing), self._say)
        job = self.actions.jobs.get(editing)
        if changes[self.error] == "" or job is None or not job.position:
            editing = ""
        return changes | self.show(editing) | {self.editing: editing}

    def _save(self, values: Values, editing: str) -> Changes:
        job = self._waiting(editing)
        if job.record.job == "animate":
            self.actions.revise(editing, self.animate.reading.request(values))
        else:
            images, settings = self.crossing.asked(values)
            self.actions.jobs.replace(editing, images, settings)
        return {self.error: ""}

    def leave(self) -> Changes:
        """Change nothing."""
        return {self.editing: ""} | self.show("")

    def _waiting(self, run_id: str) -> Snapshot:
        """A run that waits. Raises InvalidInput when it has begun."""
        job = self.actions.jobs.get(run_id)
        if job is None or not job.position:
            raise InvalidInput(BEGUN)
        return job
