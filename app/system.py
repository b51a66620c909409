"""The tab System: what stands where, and what happens when something on it is pressed.

Nothing on it costs anything while another tab is open: what it shows is read when it opens, and kept up to date by the
page's pulse while it can be seen.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import panels, system_panels
from app.actions import Actions
from app.animate import script
from app.bug_report import write_report
from app.events import QUIET, on
from app.pulse import Beat, Beats
from app.redaction import redactor
from app.state import Changes, Shown, Values
from app.system_state import collect, statuses, versions
from pipeline.cache import FOLDER, Cache
from pipeline.catalogue import find_card
from pipeline.environment import environment
from pipeline.log_lines import Wanted, newest_lines
from pipeline.settings import RuntimeSettings

SYSTEM = "system"
"""Id of the tab."""

READING_SECONDS = 2
"""How often readings are shown anew while the tab is open."""

LINES = 200
"""Lines of the log that are shown."""

LEVELS = [("everything", "NOTSET"), ("warnings and errors", "WARNING"), ("errors", "ERROR")]


@dataclass(frozen=True)
class SystemTab:
    """The components that something happens to."""

    error: gr.HTML
    live: gr.HTML
    usage: gr.HTML
    report: gr.HTML
    versions: gr.HTML
    findings: gr.HTML
    models: gr.HTML
    level: gr.Dropdown
    text: gr.Textbox
    run_id: gr.Textbox
    log: gr.HTML


def build_system_tab() -> SystemTab:
    """Lay out the tab, inside a Blocks context."""
    buttons = script("buttons.js")
    beating = script("beat.js") + buttons
    error = gr.HTML("", elem_id="system-error", elem_classes="part-error")
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="left", scale=1, min_width=300):
            live = _card("This machine", "system-live", beating, about="")
            usage = _card("What the outputs take", "system-usage", buttons)
            copied = buttons + script("system.js")
            report = _card("For a bug report", "system-report", copied, system_panels.report_panel())
            versions = _card("Versions", "system-versions")
        with gr.Column(elem_classes="right", scale=1, min_width=300):
            findings = _card("Doctor", "system-doctor", buttons, system_panels.doctor_panel(None))
            models = _card("Models", "system-models", beating, about="")
    with gr.Column(elem_classes="card system-log"):
        gr.HTML("<h3>Log</h3>")
        with gr.Row(elem_classes="fields"):
            level = gr.Dropdown(LEVELS, value="NOTSET", label="Level", filterable=False, elem_id="system-level")
            text = gr.Textbox(label="Text", placeholder="Words of a line", elem_id="system-text")
            run_id = gr.Textbox(label="Run", placeholder="video_20260131_235959", elem_id="system-run")
        log = gr.HTML("", elem_id="system-log", js_on_load=buttons)
    return SystemTab(error, live, usage, report, versions, findings, models, level, text, run_id, log)


def _card(title: str, name: str, scripts: str | None = None, body: str = "", **properties: Any) -> gr.HTML:
    """A card with a heading; returns what stands below it."""
    with gr.Column(elem_classes="card"):
        gr.HTML(f"<h3>{title}</h3>")
        return gr.HTML(body, elem_id=name, js_on_load=scripts, **properties)


class SystemWiring:
    """Connects the tab with the program. Every handler returns changes by component.

    `shown` is what the tab Animate shows: it says where models are looked for. `accounts` are the names and passwords
    that let people in, which no report may hold.
    """

    def __init__(
        self, tab: SystemTab, actions: Actions, shown: gr.State, accounts: Callable[[], Sequence[tuple[str, str]]]
    ) -> None:
        self.tab, self.actions, self.shown, self.accounts = tab, actions, shown, accounts
        self.outputs = actions.jobs.outputs
        self.history = actions.runs.history
        self.inputs = {shown, tab.level, tab.text, tab.run_id}

    @property
    def beats(self) -> Beats:
        """How it stands with the readings, and with the models."""
        return {"system-live": self._live_beat, "system-models": self._models_beat}

    def _live_beat(self, _: str) -> Beat:
        return Beat(str(time.monotonic() // READING_SECONDS), lambda: {"value": self._live()})

    def _models_beat(self, _: str) -> Beat:
        return Beat("", mark=str(self.actions.downloads.version))

    def connect(self, own: gr.Tab) -> None:
        """Attach every event; `own` is the tab itself."""
        tab, inputs = self.tab, self.inputs
        on(own.select, self.look, inputs, [tab.live, tab.models, tab.usage, tab.versions, tab.log, tab.error])
        on(tab.models.changed, self.show_models, inputs, [tab.models])
        on(tab.live.free, self.free, None, [tab.live, tab.error])
        on(tab.usage.empty, self.empty, None, [tab.usage, tab.error])
        on(tab.models.download, self.download, inputs, [tab.models, tab.error])
        on(tab.models.halt, self.halt, inputs, [tab.models])
        on(tab.findings.examine, self.examine, inputs, [tab.findings, tab.error])
        on(tab.report.report, self.report, inputs, [tab.report, tab.error])
        searches = [tab.level.input, tab.text.change, tab.run_id.change]
        gr.on(searches, self.search, inputs=inputs, outputs=[tab.log, tab.error], trigger_mode="always_last", **QUIET)
        on(tab.log.again, self.search, inputs, [tab.log, tab.error])

    # --- what is shown ----------------------------------------------------------------------------------------------

    def look(self, values: Values) -> Changes:
        """Show how everything is now. What was asked for by a button stays as it is."""
        return self.actions.attempt(lambda: self._look(values), self._say)

    def _look(self, values: Values) -> Changes:
        tab = self.tab
        return {
            tab.live: self._live(),
            **self.show_models(values),
            tab.usage: self._usage(),
            tab.versions: system_panels.versions_panel(environment(), versions()),
            tab.log: self._log(values),
            tab.error: "",
        }

    def show_models(self, values: Values) -> Changes:
        """Show the models, and how a download is doing."""
        downloads = self.actions.downloads
        mark = str(downloads.version)  # taken before the rest is read: what comes later asks once more
        panel = system_panels.models_panel(statuses(self._runtime(values)), downloads.get)
        return {self.tab.models: gr.update(value=panel, mark=mark)}

    def _live(self) -> str:
        from pipeline.memory.live import read_live
        from pipeline.models.resident import RESIDENT

        return system_panels.live_panel(read_live(self.outputs), environment(), RESIDENT.name)

    def _usage(self, message: str = "") -> str:
        from pipeline.usage import measure

        return system_panels.usage_panel(measure(self.outputs), message)

    def _log(self, values: Values) -> str:
        tab = self.tab
        wanted = Wanted(values[tab.level] or "NOTSET", values[tab.text] or "", (values[tab.run_id] or "").strip())
        return system_panels.log_panel(newest_lines(self.actions.logs, wanted, LINES), LINES)

    def _runtime(self, values: Values) -> RuntimeSettings:
        shown: Shown = values[self.shown]
        return shown.runtime

    def search(self, values: Values) -> Changes:
        """Show the lines of the log that the filters allow, as they are now."""
        return self.actions.attempt(lambda: {self.tab.log: self._log(values), self.tab.error: ""}, self._say)

    # --- what is done -----------------------------------------------------------------------------------------------

    def free(self) -> Changes:
        """Give back the memory of the model, unless a run may use it."""
        from pipeline.models.resident import RESIDENT

        def release() -> Changes:
            self.actions.jobs.when_idle(RESIDENT.release)
            return {self.tab.live: self._live(), self.tab.error: ""}

        return self.actions.attempt(release, self._say)

    def empty(self) -> Changes:
        """Throw away all results of stages, unless a run may be reading them."""

        def clear() -> Changes:
            cache = Cache(self.outputs / FOLDER, 0)
            before = cache.size()
            self.actions.jobs.when_idle(cache.clear)
            return {self.tab.usage: self._usage(system_panels.emptied(before, cache.size())), self.tab.error: ""}

        return self.actions.attempt(clear, self._say)

    def download(self, values: Values, event: gr.EventData) -> Changes:
        """Begin to fetch a model."""

        def begin() -> Changes:
            self.actions.downloads.start(find_card(str(event.download)), self._runtime(values))
            return self.show_models(values) | {self.tab.error: ""}

        return self.actions.attempt(begin, self._say)

    def halt(self, values: Values) -> Changes:
        """Stop the download."""
        self.actions.downloads.stop()
        return self.show_models(values)

    def examine(self, values: Values) -> Changes:
        """Let the doctor look at everything that a run needs."""
        from pipeline.doctor import examine

        def look() -> Changes:
            findings = examine(self.outputs, self._runtime(values))
            return {self.tab.findings: system_panels.doctor_panel(findings), self.tab.error: ""}

        return self.actions.attempt(look, self._say)

    def report(self, values: Values) -> Changes:
        """Write the report, which the browser copies."""

        def write() -> Changes:
            state = collect(self.history, self.actions.logs, self._runtime(values))
            text = write_report(state, redactor(self.accounts(), self.outputs, self.actions.logs))
            return {self.tab.report: system_panels.report_panel(text), self.tab.error: ""}

        return self.actions.attempt(write, self._say)

    def _say(self, message: str) -> Changes:
        return {self.tab.error: panels.error_panel(message)}
