"""What happens when something in the queue is pressed: its order, its pauses, and the runs in it that are changed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import panels
from app.actions import Actions
from app.crossing import Crossing
from app.events import on
from app.jobs import BEGUN, Snapshot
from app.onward import Onward
from app.queue_panel import QueuePanel, queue_panel
from app.state import Changes, Values
from app.wiring import Wiring
from pipeline.errors import InvalidInput


@dataclass(frozen=True)
class ShownQueue:
    """What an open page shows of the queue: its version, the run that is being changed, and a digest of the panel."""

    version: int = -1
    editing: str = ""
    panel: int = 0


class QueueWiring:
    """Connects the queue with both tabs. Every handler returns changes by component."""

    def __init__(self, panel: QueuePanel, tabs: gr.Tabs, actions: Actions, others: tuple[Wiring, Crossing]) -> None:
        self.panel, self.error, self.tabs, self.actions = panel.queue, panel.error, tabs, actions
        self.animate, self.crossing = others
        self.pulse = self.animate.pulse
        self.onward = Onward(actions.runs.history, tabs, actions, others)
        self.shown, self.editing = gr.State(ShownQueue()), gr.State("")
        self.seen = [self.shown, self.editing]
        self.progress_outputs = [self.panel, self.shown, self.pulse.timer]
        self.poll_outputs = [*self.progress_outputs, self.error]

    def connect(self, page: gr.Blocks) -> None:
        """Attach every event."""
        jobs, panel, seen = self.actions.jobs, self.panel, self.seen
        on(page.load, self.poll, seen, self.poll_outputs)
        acts: list[tuple[Any, Callable[[gr.EventData], object]]] = [
            (panel.move, lambda event: jobs.move(str(event.move), int(event.place))),
            (panel.cancel, lambda event: jobs.cancel(str(event.cancel))),
            (panel.forgo, lambda event: jobs.give_up(str(event.forgo))),
            (panel.clear, lambda _: jobs.clear()),
        ]
        for listener, act in acts:
            on(listener, self._doing(act), seen, self.poll_outputs)
        on(panel.pause, self.pause, seen, self.poll_outputs)
        on(panel.proceed, self.go_on, seen, self.poll_outputs)
        followers = [*self.animate.run_outputs, *self.crossing.run_outputs]
        shown = [self.animate.state.shown, self.crossing.state.shown]
        on(panel.resume, self.resume, [*seen, *shown], [*self.poll_outputs, *followers])
        self._connect_editing()

    def _connect_editing(self) -> None:
        animate, crossing, panel = self.animate, self.crossing, self.panel
        forms = [*animate.shown_outputs, *animate.painted_outputs, *crossing.shown_outputs]
        outputs = [*self.poll_outputs, self.editing, self.tabs, animate.tab.error, crossing.tab.error, *forms]
        opened = on(panel.edit, self.edit, [self.shown], list(dict.fromkeys(outputs)))
        crossing.read_after(animate.read_after(opened))
        on(panel.unedit, self.leave, [self.shown], [*self.poll_outputs, self.editing])
        inputs = animate.inputs | crossing.form.inputs | {self.shown, self.editing}
        on(panel.save, self.save, inputs, [*self.poll_outputs, self.editing])

    def poll(self, shown: ShownQueue, editing: str) -> Changes:
        """Show the queue where it has changed."""
        jobs = self.actions.jobs
        version = jobs.version
        if (version, editing) == (shown.version, shown.editing):
            return {self.shown: shown}
        queue = jobs.queue()
        panel = queue_panel(queue, editing)
        changes: Changes = {
            self.shown: ShownQueue(version, editing, hash(panel)),
            self.pulse.timer: self.pulse.rate(),
        }
        return changes | ({self.panel: panel} if hash(panel) != shown.panel else {})

    # --- the order and the pauses -----------------------------------------------------------------------------------

    def _doing(self, act: Callable[[gr.EventData], object]) -> Callable[..., Changes]:
        """The handler that does something with the queue and shows it."""

        def handle(shown: ShownQueue, editing: str, event: gr.EventData) -> Changes:
            return self._show_after(lambda: act(event), shown, editing)

        return handle

    def pause(self, shown: ShownQueue, editing: str) -> Changes:
        """Begin no other run."""
        return self._show_after(self.actions.jobs.pause, shown, editing)

    def go_on(self, shown: ShownQueue, editing: str) -> Changes:
        """Go on with what waits."""
        return self._show_after(self.actions.jobs.go_on, shown, editing)

    def resume(
        self, shown: ShownQueue, editing: str, shown_animate: Any, shown_crossing: Any, event: gr.EventData
    ) -> Changes:
        """Make an interrupted run next, and follow it in its own tab."""

        def begin() -> Changes:
            job = self.actions.jobs.resume(str(event.resume))
            if job.record.job == "animate":
                return self.animate.follow(job, shown_animate)
            return self.crossing.follow(job, shown_crossing)

        changes = self.actions.attempt(begin, self._say)
        return {self.error: ""} | self.poll(shown, editing) | changes

    def _show_after(self, act: Callable[[], object], shown: ShownQueue, editing: str) -> Changes:
        def done() -> Changes:
            act()
            return {self.error: ""}

        changes = self.actions.attempt(done, self._say)
        return changes | self.poll(shown, editing)

    def _say(self, message: str) -> Changes:
        return {self.error: panels.error_panel(message)}

    # --- changing a run that waits ----------------------------------------------------------------------------------

    def edit(self, shown: ShownQueue, event: gr.EventData) -> Changes:
        """Put photos and settings of a waiting run on the form that they come from."""
        run_id = str(event.edit)

        def open_it() -> Changes:
            changes = self.onward.show(self._waiting(run_id).record)
            return changes | {self.editing: run_id, self.error: ""} | self.poll(shown, run_id)

        return self.actions.attempt(open_it, lambda message: self._say(message) | self.poll(shown, ""))

    def save(self, values: Values) -> Changes:
        """Let the run that is being changed be made from what the form says, in its place."""
        shown, editing = values[self.shown], values[self.editing]
        changes = self.actions.attempt(lambda: self._save(values, editing), self._say)
        job = self.actions.jobs.get(editing)
        if changes[self.error] == "" or job is None or not job.position:
            editing = ""
        return changes | self.poll(shown, editing) | {self.editing: editing}

    def _save(self, values: Values, editing: str) -> Changes:
        job = self._waiting(editing)
        if job.record.job == "animate":
            self.actions.revise(editing, self.animate.reading.request(values))
        else:
            images, settings = self.crossing.asked(values)
            self.actions.jobs.replace(editing, images, settings)
        return {self.error: ""}

    def leave(self, shown: ShownQueue) -> Changes:
        """Change nothing."""
        return {self.editing: ""} | self.poll(shown, "")

    def _waiting(self, run_id: str) -> Snapshot:
        """A run that waits. Raises InvalidInput when it has begun."""
        job = self.actions.jobs.get(run_id)
        if job is None or not job.position:
            raise InvalidInput(BEGUN)
        return job
