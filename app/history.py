"""The tab History: what stands where, and what happens when something on it is pressed."""

import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import gradio as gr

from app import history_panels, panels
from app.actions import Actions, open_photo
from app.animate import script
from app.crossing import Crossing
from app.state import Changes, Values
from app.wiring import QUIET, Wiring, on
from pipeline.errors import InvalidInput, InvalidRecord
from pipeline.history import History, Order, Query
from pipeline.log_lines import lines_of_run
from pipeline.records import RunRecord, RunStatus, record_path

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
ANIMATE, TRANSITION, HISTORY = "animate", "transition", "history"
"""Ids of the tabs."""

NOT_SHOWN = "What was painted or edited by hand is not brought back, all else is: Run again repeats all of it."


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
    opened: gr.HTML
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
    opened = gr.HTML("", elem_id="history-opened", js_on_load=pressed + script("history.js"))
    shown = gr.HTML("", elem_id="history-gallery", js_on_load=pressed)
    trash = gr.HTML("", elem_id="history-trash", js_on_load=pressed)
    return HistoryTab(words, status, engine, order, since, until, favourites, error, opened, shown, trash)


def _choice(choices: list[tuple[str, str]], value: str, label: str, name: str | None) -> gr.Dropdown:
    return gr.Dropdown(choices, value=value, label=label, filterable=False, elem_id=name)


class HistoryWiring:
    """Connects the tab with the history and with the other tabs. Every handler returns changes by component."""

    def __init__(self, tab: HistoryTab, tabs: gr.Tabs, actions: Actions, others: tuple[Wiring, Crossing]) -> None:
        self.tab, self.tabs, self.actions = tab, tabs, actions
        self.animate, self.crossing = others
        self.history = History(actions.jobs.outputs)
        self.count, self.opened = gr.State(PAGE), gr.State("")
        self.inputs = {*tab.filters, self.count, self.opened}
        self.outputs = [tab.gallery, tab.trash, tab.engine, tab.error, self.count]
        self.opened_outputs = [*self.outputs, tab.opened, self.opened]

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
        on(tab.trash.restore, self.restore, inputs, outputs)
        on(tab.trash.empty, self.empty, inputs, outputs)
        self._connect_others()

    def _connect_others(self) -> None:
        """Attach what leads to the other tabs, which then read their forms."""
        animate, crossing = self.animate, self.crossing
        parts = [*animate.shown_outputs, *animate.run_outputs, *crossing.shown_outputs, *crossing.run_outputs]
        more = [animate.state.areas, animate.state.edited, animate.tab.plan.reset, self.tabs, self.tab.error]
        outputs = list(dict.fromkeys([*parts, *more]))
        seen = [animate.state.shown, crossing.state.shown]
        for event in (
            on(self.tab.opened.use, self.use, None, outputs),
            on(self.tab.opened.again, self.again, seen, outputs),
            on(self.tab.opened.frame, self.go_on, None, outputs),
        ):
            read = event.then(animate.reading.read, animate.inputs, animate.read_outputs, **QUIET)
            read.then(crossing.form.read, crossing.form.inputs, crossing.form.read_outputs, **QUIET)

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
        shown = history_panels.gallery(found, posters, current, query != Query(order=query.order))
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
            self.history.discard(str(event.discard))
            return self._look(values, values[self.count], "") | {self.tab.opened: "", self.opened: ""}

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

    # --- the other tabs ---------------------------------------------------------------------------------------------

    def use(self, event: gr.EventData) -> Changes:
        """Put photos and settings of a run back into the form that they come from, with the seed that was drawn."""
        return self.actions.attempt(lambda: self._use(self.history.record(str(event.use))), self._say)

    def _use(self, record: RunRecord) -> Changes:
        job = history_panels.snapshot(record, self.history.outputs)
        if record.job != "animate":
            seed = self.crossing.tab.advanced.controls["seed"].component
            return self.crossing.show_request(job) | {seed: record.seed, self.tabs: gr.update(selected=TRANSITION)}
        animate, by_hand = self.animate, record.requested.animate.motion.plan is not None
        changes = animate.show_request(job)
        if animate.state.photo in changes:
            changes |= animate.show_photo(changes[animate.state.photo])
        is_part = by_hand or any(each.role == "mask" for each in record.inputs)
        told = f'<p class="alert info" role="status">{NOT_SHOWN}</p>' if is_part else ""
        changes[animate.tab.advanced.controls["seed"].component] = record.seed
        changes |= {animate.state.edited: False, animate.tab.plan.reset: gr.update(visible=False)}
        return changes | {animate.tab.error: told, self.tabs: gr.update(selected=ANIMATE)}

    def again(self, shown_animate: Any, shown_crossing: Any, event: gr.EventData) -> Changes:
        """Make a video once more, exactly as it was, and follow that run in its own tab."""
        return self.actions.attempt(lambda: self._again(str(event.again), (shown_animate, shown_crossing)), self._say)

    def _again(self, run_id: str, shown: tuple[Any, Any]) -> Changes:
        from pipeline.rerun import inputs_of

        record = self.history.record(run_id)
        images, settings = inputs_of(record_path(self.history.outputs, run_id))
        job = self.actions.jobs.submit(images, settings)
        changes = self._use(record)
        if record.job == "animate":
            return changes | self.animate.follow(job, shown[0])
        return changes | self.crossing.follow(job, shown[1])

    def go_on(self, event: gr.EventData) -> Changes:
        """Take the last frame of a video as the photo of the tab Animate."""
        return self.actions.attempt(lambda: self._go_on(str(event.frame)), self._say)

    def _go_on(self, run_id: str) -> Changes:
        path = self.history.last_frame(run_id, Path(tempfile.mkdtemp(dir=self.actions.uploads)))
        changes = self.animate.show_photo(open_photo(path, path.name))
        return changes | {self.tabs: gr.update(selected=ANIMATE)}

    def _say(self, message: str) -> Changes:
        return {self.tab.error: panels.error_panel(message)}


def read_day(text: str | None, label: str) -> date | None:
    """A day as it is typed. Raises InvalidInput when it is none."""
    try:
        return date.fromisoformat(text.strip()) if text and text.strip() else None
    except ValueError as error:
        raise InvalidInput(f"{label}: a day is written as year-month-day, such as 2026-01-31.") from error
