"""Contact sheets of the page's comparisons: drawn beside the runs when the last one has ended, page open or not."""

import logging
from concurrent.futures import ThreadPoolExecutor

from app.account import setting_name
from app.jobs import Jobs
from pipeline.errors import ImageToVideoError
from pipeline.history import History
from pipeline.records import RunRecord

LOG = logging.getLogger("app.sheets")


class Sheets:
    """Draws the contact sheet of each group whose last run has ended; one at a time, in a thread of its own."""

    def __init__(self, jobs: Jobs, history: History) -> None:
        self._jobs, self._history = jobs, history
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sheets")
        self._asked: set[str] = set()
        self.version = 0
        """Grows with every sheet."""
        jobs.ended = self.hear

    def hear(self, record: RunRecord) -> None:
        """A run has ended: where it was the last one of a group, its sheet is drawn."""
        if record.place is not None:
            self._pool.submit(self._draw, record.group)

    def ask(self, group: str) -> None:
        """Draw the sheet of a group that has none, such as one whose program was killed; not again on every look."""
        if group not in self._asked:
            self._asked.add(group)
            self._pool.submit(self._draw_missing, group)

    def _draw_missing(self, group: str) -> None:
        from pipeline.sweeps.group import latest_sheet

        if latest_sheet(self._history.outputs, group) is None:  # else the end of its last run has had it drawn just now
            self._draw(group)

    def _draw(self, group: str) -> None:
        from pipeline.sweeps.group import is_complete, is_group, make_sheet

        try:
            if not is_group(group) or any(not job.is_finished for job in self._jobs.group(group)):
                return
            records = self._history.members(group)
            if is_complete(records):
                runs = [(each.place, each) for each in records if each.place is not None]
                make_sheet(self._history.outputs, group, runs, setting_name)
                self._asked.add(group)
                self.version += 1
        except ImageToVideoError as error:
            LOG.warning("%s: %s", group, error)
        except Exception:
            LOG.exception("The contact sheet of %s could not be drawn", group)
