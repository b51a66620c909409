"""The gallery below the progress: which runs are compared with the one that a page follows, and how they are doing."""

import gradio as gr

from app import gallery
from app.actions import Actions
from app.animate import Tab
from app.jobs import Snapshot
from app.runs import Places
from app.state import Changes, Displayed


class Beside:
    """Shows the runs that are compared, where that has changed."""

    def __init__(self, tab: Tab, actions: Actions) -> None:
        self.tab, self.actions = tab, actions

    def places(self, job: Snapshot | None) -> Places:
        """The runs that are compared with one, itself among them; nothing where there are none."""
        return self.actions.runs.group(job.record) if job is not None else {}

    def states(self, places: Places) -> tuple[str, ...]:
        """What the gallery depends on, beside the progress of the run under way: films would begin again with it."""
        return (*(str(each.record.status) for each in places.values()), str(self.actions.sheets.version))

    def changes(self, job: Snapshot | None, places: Places, now: Displayed, before: Displayed) -> Changes:
        """The gallery, where that is not what is shown already: its films would begin again."""
        if job is None:
            return {}
        if (now.run_id, now.beside) == (before.run_id, before.beside):
            return {}
        about = now.run_id if places else None
        shown = gr.update(value=self._gallery(job, places), progress=gallery.progress(places), about=about)
        return {self.tab.gallery: shown}

    def _gallery(self, job: Snapshot, places: Places) -> str:
        from pipeline.sweeps.group import latest_sheet

        if not places:
            return ""
        sheet = latest_sheet(self.actions.jobs.outputs, job.record.group)
        if sheet is None and all(each.is_finished for each in places.values()):
            self.actions.sheets.ask(job.record.group)
        return gallery.gallery(job.record, places, self.actions.runs.history, sheet)

    def stop(self, group: str) -> None:
        """Stop all runs that are compared, and take those out of the queue that wait; the last ones first."""
        for job in reversed(self.actions.jobs.group(group)):
            self.actions.jobs.cancel(job.record.run_id)
