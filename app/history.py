"""The tab History: what stands where, and what happens when something on it is pressed."""

import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import gradio as gr

from app import history_panels, panels
from app.actions import Actions
from app.animate import script
from app.comparison import Pair, chosen_with, comparison_panel
from app.crossing import Crossing
from app.events import QUIET, on
from app.onward import Onward
from app.state import Changes, Values
from app.wiring import Wiring
from pipeline.errors import InvalidInput, InvalidRecord
from pipeline.history import Order, Query
from pipeline.log_lines import lines_of_run
from pipeline.records import RunStatus

PAGE = 24
"""Runs that are shown at first, and added by "Show more"."""

STATUSES = [("any", ""), *((each.value, each.value) for each in RunStatus)]
ORDERS = {
    "newest first": Order.NEWEST,
    "oldest first": Order.OLDEST,
    "longest video": Order.LONGEST,
    "largest file": Order.LARGEST,
    "slowest run": Order.SLOWEST,
    "by prompt": Order.PROMPT,
}
HISTORY = "history"
"""Id of the tab."""


@dataclass(frozen=True)
class HistoryTab:
    """The components that something happens to."""

    words: gr.Textbox
    status: gr.Dropdown
    engine: gr.Dropdown
    order: gr.Dropdown
    since: gr.Textbox
    until: gr.Textbox
    favourites: gr.Checkbox
    error: gr.HTML
    compared: gr.HTML
    opened: gr.HTML
    fetched: gr.HTML
    gallery: gr.HTML
    trash: gr.HTML

    @property
    def filters(self) -> list[Any]:
        """What says which runs are shown, and in which order."""
        return [self.words, self.status, self.engine, self.order, self.since, self.until, self.favourites]


def build_history_tab() -> HistoryTab:
    """Lay out the tab, inside a Blocks context."""
    with gr.Column(elem_classes="card history-filters"):
        words = gr.Textbox(
            label="Search", placeholder="Words of the prompt, a file's name, a model, a seed", elem_id="history-words"
        )
        with gr.Row(elem_classes="fields"):
            status = _choice(STATUSES, "", "Status", "history-status")
            engine = _choice([("any", "")], "", "Engine", "history-engine")
            order = _choice([(text, each.value) for text, each in ORDERS.items()], Order.NEWEST.value, "Order", None)
            since = gr.Textbox(label="From", placeholder="2026-01-31", elem_id="history-since")
            until = gr.Textbox(label="To", placeholder="2026-12-31", elem_id="history-until")
            favourites = gr.Checkbox(label="Favourites only", elem_id="history-favourites")
    pressed = script("buttons.js")
    error = gr.HTML("", elem_id="history-error", elem_classes="part-error")
    compared = gr.HTML("", elem_id="history-compared", js_on_load=pressed + script("compare.js"))
    opened = gr.HTML("", elem_id="history-opened", js_on_load=pressed + script("history.js"))
    fetched = gr.HTML("", elem_id="history-fetched", js_on_load=script("fetch.js"))
    shown = gr.HTML("", elem_id="history-gallery", js_on_load=pressed)
    trash = gr.HTML("", elem_id="history-trash", js_on_load=pressed)
    filters = (words, status, engine, order, since, until, favourites)
    return HistoryTab(*filters, error, compared, opened, fetched, shown, trash)


def _choice(choices: list[tuple[str, str]], value: str, label: str, name: str | None) -> gr.Dropdown:
    return gr.Dropdown(choices, value=value, label=label, filterable=False, elem_id=name)


class HistoryWiring:
    """Connects the tab with the history and with the other tabs. Every handler returns changes by component."""

    def __init__(self, tab: HistoryTab, tabs: gr.Tabs, actions: Actions, others: tuple[Wiring, Crossing]) -> None:
        self.tab, self.actions = tab, actions
        self.history = actions.runs.history
        self.onward = Onward(self.history, tabs, actions, others)
        self.count, self.opened, self.chosen = gr.State(PAGE), gr.State(""), gr.State(())
        self.inputs = {*tab.filters, self.count, self.opened, self.chosen}
        self.outputs = [tab.gallery, tab.trash, tab.engine, tab.error, self.count]
        self.compared_outputs = [*self.outputs, tab.compared, self.chosen]
        self.opened_outputs = [*self.compared_outputs, tab.opened, self.opened]

    def connect(self, page: gr.Tab) -> None:
        """Attach every event; `page` is the tab itself."""
        tab, inputs, outputs = self.tab, self.inputs, self.outputs
        on(page.select, self.look, inputs, outputs)
        filters = [each.change if isinstance(each, gr.Textbox) else each.input for each in tab.filters]  # pasted, too
        gr.on(filters, self.search, inputs=inputs, outputs=outputs, trigger_mode="always_last", **QUIET)
        on(tab.gallery.further, self.further, inputs, outputs)
        on(tab.gallery.star, self.star, inputs, outputs)
        on(tab.gallery.open, self.open, inputs, self.opened_outputs)
        on(tab.opened.shut, self.shut, inputs, self.opened_outputs)
        on(tab.opened.discard, self.discard, inputs, self.opened_outputs)
        on(tab.opened.fetch, self.fetch, None, [tab.fetched, tab.error])
        on(tab.trash.restore, self.restore, inputs, outputs)
        on(tab.trash.empty, self.empty, inputs, outputs)
        for listener in (tab.gallery.pick, tab.opened.pick):
            on(listener, self.pick, inputs, self.compared_outputs)
        on(tab.compared.apart, self.part, inputs, self.compared_outputs)
        self.onward.connect(tab.opened, tab.error)

    # --- the gallery ------------------------------------------------------------------------------------------------

    def look(self, values: Values) -> Changes:
        """Show the runs that the filters allow, and the trash."""
        return self.actions.attempt(lambda: self._look(values, values[self.count]), self._say)

    def search(self, values: Values) -> Changes:
        """The same after the filters have changed: from the first page."""
        return self.actions.attempt(lambda: self._look(values, PAGE), self._say)

    def further(self, values: Values) -> Changes:
        """Show one page more."""
        return self.actions.attempt(lambda: self._look(values, values[self.count] + PAGE), self._say)

    def _look(self, values: Values, count: int, opened: str | None = None) -> Changes:
        tab, query = self.tab, self._query(values)
        found = self.history.find(query, limit=count)
        posters = [self.history.poster(entry) for entry in found.entries]
        current = values[self.opened] if opened is None else opened
        marks = history_panels.Marks(current, values[self.chosen])
        shown = history_panels.gallery(found, posters, marks, query != Query(order=query.order))
        return {
            tab.gallery: shown,
            tab.trash: history_panels.trash_panel(self.history.discarded()),
            tab.engine: gr.update(choices=[("any", ""), *((name, name) for name in self.history.engines())]),
            tab.error: "",
            self.count: count,
        }

    def _query(self, values: Values) -> Query:
        tab = self.tab
        return Query(
            text=values[tab.words] or "",
            status=RunStatus(values[tab.status]) if values[tab.status] else None,
            engine=values[tab.engine] or None,
            since=read_day(values[tab.since], "From"),
            until=read_day(values[tab.until], "To"),
            favourites_only=bool(values[tab.favourites]),
            order=Order(values[tab.order]),
        )

    def star(self, values: Values, event: gr.EventData) -> Changes:
        """Make a run a favourite, or no longer."""

        def mark() -> Changes:
            self.history.mark(str(event.star), str(event.to) == "yes")
            return self._look(values, values[self.count])

        return self.actions.attempt(mark, self._say)

    # --- one run ----------------------------------------------------------------------------------------------------

    def open(self, values: Values, event: gr.EventData) -> Changes:
        """Show a run above the gallery."""
        run_id = str(event.open)

        def show() -> Changes:
            return self._look(values, values[self.count], run_id) | self._show(run_id)

        return self.actions.attempt(show, self._say)

    def _show(self, run_id: str) -> Changes:
        try:
            record = self.history.record(run_id)
        except InvalidRecord as error:
            return {self.tab.opened: history_panels.unreadable_panel(run_id, str(error)), self.opened: run_id}
        lines = lines_of_run(self.actions.logs, run_id)
        panel = history_panels.run_panel(record, lines, self.history.outputs)
        return {self.tab.opened: panel, self.opened: run_id}

    def shut(self, values: Values) -> Changes:
        """Show no run any more."""
        closed: Changes = {self.tab.opened: "", self.opened: ""}
        return self.actions.attempt(lambda: self._look(values, values[self.count], "") | closed, self._say)

    def discard(self, values: Values, event: gr.EventData) -> Changes:
        """Move a run into the trash."""

        def put() -> Changes:
            run_id = str(event.discard)
            self.history.discard(run_id)
            chosen = tuple(each for each in values[self.chosen] if each != run_id)
            shut = {**values, self.opened: ""}
            return self._compare(shut, chosen) | {self.tab.opened: "", self.opened: ""}

        return self.actions.attempt(put, self._say)

    def restore(self, values: Values, event: gr.EventData) -> Changes:
        """Take a run out of the trash."""

        def take() -> Changes:
            self.history.restore(str(event.restore))
            return self._look(values, values[self.count])

        return self.actions.attempt(take, self._say)

    def empty(self, values: Values) -> Changes:
        """Delete what is in the trash for good."""

        def delete() -> Changes:
            self.history.empty_trash()
            return self._look(values, values[self.count])

        return self.actions.attempt(delete, self._say)

    def fetch(self, event: gr.EventData) -> Changes:
        """Hand a run's files to the browser, in one archive."""

        def pack() -> Changes:
            path = self.history.archive(str(event.fetch), Path(tempfile.mkdtemp(dir=self.actions.uploads)))
            return {self.tab.fetched: history_panels.fetched(path), self.tab.error: ""}

        return self.actions.attempt(pack, self._say)

    # --- two runs ---------------------------------------------------------------------------------------------------

    def pick(self, values: Values, event: gr.EventData) -> Changes:
        """Choose a run for comparing, or no longer; of two, show both."""
        chosen = chosen_with(values[self.chosen], str(event.pick))
        return self.actions.attempt(lambda: self._compare(values, chosen), self._say)

    def part(self, values: Values) -> Changes:
        """Compare no more."""
        return self.actions.attempt(lambda: self._compare(values, ()), self._say)

    def _compare(self, values: Values, chosen: Pair) -> Changes:
        panel = comparison_panel(self.history, chosen)
        now = {**values, self.chosen: chosen}
        return self._look(now, values[self.count]) | {self.tab.compared: panel, self.chosen: chosen}

    def _say(self, message: str) -> Changes:
        return {self.tab.error: panels.error_panel(message)}


def read_day(text: str | None, label: str) -> date | None:
    """A day as it is typed. Raises InvalidInput when it is none."""
    try:
        return date.fromisoformat(text.strip()) if text and text.strip() else None
    except ValueError as error:
        raise InvalidInput(f"{label}: a day is written as year-month-day, such as 2026-01-31.") from error
