"""What leads from a run to the tabs that make videos: its settings, the run once more, and frames of its video."""

import tempfile
from pathlib import Path
from typing import Any

import gradio as gr

from app import history_panels, panels
from app.actions import Actions, Photo, open_photo
from app.crossing import Crossing
from app.events import on
from app.jobs import Snapshot
from app.passage_form import Pair
from app.restoring import painted_areas
from app.state import ANIMATE, TRANSITION, Changes
from app.wiring import Wiring
from pipeline.errors import ImageToVideoError
from pipeline.history import Edge, History
from pipeline.records import RunRecord, record_path


class Onward:
    """Connects an opened run with the other tabs. Every handler returns changes by component."""

    def __init__(self, history: History, tabs: gr.Tabs, actions: Actions, others: tuple[Wiring, Crossing]) -> None:
        self.history, self.tabs, self.actions = history, tabs, actions
        self.animate, self.crossing = others

    def connect(self, opened: gr.HTML, error: gr.HTML) -> None:
        """Attach every event of an opened run; the forms are read once they are filled in."""
        self.error, animate, crossing = error, self.animate, self.crossing
        parts = [*animate.shown_outputs, *animate.run_outputs, *crossing.shown_outputs, *crossing.run_outputs]
        outputs = list(dict.fromkeys([*parts, *animate.painted_outputs, self.tabs, error]))
        seen = [animate.state.shown, crossing.state.shown]
        for event in (
            on(opened.use, self.use, None, outputs),
            on(opened.again, self.again, seen, outputs),
            on(opened.resume, self.resume, seen, outputs),
            on(opened.frame, self.go_on, None, outputs),
            on(opened.beside, self.beside, [animate.state.shown], outputs),
            on(opened.passage, self.lead_over, [crossing.state.photos], outputs),
        ):
            animate.form.read_after(event)
            crossing.form.bundle.read_after(event)

    def use(self, event: gr.EventData) -> Changes:
        """Put photos and settings of a run back into the form that they come from, with the seed that was drawn."""
        return self.actions.attempt(lambda: self.show(self.history.record(str(event.use))), self._say)

    def show(self, record: RunRecord) -> Changes:
        """The same for a record."""
        if record.job == "animate":
            return self._animation(record)
        job, seed = history_panels.snapshot(record, self.history.outputs), self.crossing.tab.advanced.controls["seed"]
        return self.crossing.show_request(job) | {
            seed.component: record.seed,
            self.tabs: gr.update(selected=TRANSITION),
        }

    def _animation(self, record: RunRecord) -> Changes:
        from pipeline.provenance import plan_is_read
        from pipeline.run.inputs import with_kept

        animate = self.animate
        images, asked = with_kept(record.requested, record.inputs, self.history.outputs)
        asked = asked.model_copy(update={"seed": record.seed})
        changes: Changes = animate.show_settings(asked) | {
            animate.tab.error: "",
            self.tabs: gr.update(selected=ANIMATE),
        }
        try:
            photo = open_photo(images[0], record.inputs[0].name)
            changes |= animate.show_photo(photo, painted_areas(asked, (photo.width, photo.height)))
        except ImageToVideoError as error:
            changes[animate.tab.error] = panels.error_panel(str(error))
        return changes | animate.show_plan(asked, plan_is_read(asked, len(asked.prepare.masks)))

    def beside(self, shown: Any, event: gr.EventData) -> Changes:
        """Show a run beside those that it was compared with."""

        def follow() -> Changes:
            job = history_panels.snapshot(self.history.record(str(event.beside)), self.history.outputs)
            return self.animate.follow(job, shown) | {self.tabs: gr.update(selected=ANIMATE)}

        return self.actions.attempt(follow, self._say)

    def again(self, shown_animate: Any, shown_crossing: Any, event: gr.EventData) -> Changes:
        """Make a video once more, exactly as it was, and follow that run in its own tab."""
        return self.actions.attempt(lambda: self._again(str(event.again), (shown_animate, shown_crossing)), self._say)

    def _again(self, run_id: str, shown: tuple[Any, Any]) -> Changes:
        from pipeline.rerun import inputs_of

        record = self.history.record(run_id)
        images, settings = inputs_of(record_path(self.history.outputs, run_id))
        return self._follow(record, self.actions.jobs.submit(images, settings), shown)

    def resume(self, shown_animate: Any, shown_crossing: Any, event: gr.EventData) -> Changes:
        """Go on with an interrupted run, and follow it in its own tab."""

        def begin() -> Changes:
            job = self.actions.jobs.resume(str(event.resume))
            return self._follow(job.record, job, (shown_animate, shown_crossing))

        return self.actions.attempt(begin, self._say)

    def _follow(self, record: RunRecord, job: Snapshot, shown: tuple[Any, Any]) -> Changes:
        """Show the request of a run in its own tab, and how a job is doing that makes it."""
        changes = self.show(record)
        if record.job == "animate":
            return changes | self.animate.follow(job, shown[0])
        return changes | self.crossing.follow(job, shown[1])

    def go_on(self, event: gr.EventData) -> Changes:
        """Take the last frame of a video as the photo of the tab Animate."""

        def take() -> Changes:
            photo = self._frame(str(event.frame), Edge.LAST)
            return self.animate.show_photo(photo) | {self.tabs: gr.update(selected=ANIMATE)}

        return self.actions.attempt(take, self._say)

    def lead_over(self, photos: Pair, event: gr.EventData) -> Changes:
        """Take the first or last frame of a video as the first or last photo of the tab Transition."""

        def take() -> Changes:
            photo = self._frame(str(event.passage), Edge(event.edge))
            return self.crossing.show_photo(int(event.place), photo, photos) | {
                self.tabs: gr.update(selected=TRANSITION)
            }

        return self.actions.attempt(take, self._say)

    def _frame(self, run_id: str, edge: Edge) -> Photo:
        path = self.history.frame(run_id, edge, Path(tempfile.mkdtemp(dir=self.actions.uploads)))
        return open_photo(path, path.name)

    def _say(self, message: str) -> Changes:
        return {self.error: panels.error_panel(message)}
