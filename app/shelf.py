"""What the page does about engines: choosing one, showing its model, and fetching what is missing of it."""

from dataclasses import replace

import gradio as gr

from app import engines, panels
from app.actions import Actions
from app.animate import Tab
from app.form import Update, hints
from app.helpers import best_present
from app.state import Changes, Shown, State
from pipeline.catalogue import Role
from pipeline.engines import EMBEDDED, engine_names, get_engine
from pipeline.errors import InvalidInput
from pipeline.settings import Settings

RESOLUTION = "prepare.resolution"


class Shelf:
    """The engine picker and the model card of a tab."""

    def __init__(self, tab: Tab, state: State, actions: Actions) -> None:
        self.tab, self.state, self.actions = tab, state, actions

    def choose_engine(self, engine: str, preset: str, shown: Shown) -> Changes:
        """Lay an engine's own values over the form, and remember the choice.

        A picker tells that it was left as if something had been chosen: the engine that is shown changes nothing.
        """
        if engine == shown.picked:
            return {self.tab.engine: gr.update()}
        return self.actions.attempt(lambda: self.values_of(engine, preset), self._say)

    def choose_preset(self, preset: str, engine: str) -> Changes:
        """Set the settings that presets differ in to those of one preset; the others stay as they are."""
        return self.actions.attempt(lambda: self._lay(*engines.preset_values(engine, preset)), self._say)

    def values_of(self, engine: str, preset: str) -> Changes:
        """The same as `choose_engine`. Raises InvalidSetting when the engine's card is wrong."""
        if engine not in engine_names():
            engine = EMBEDDED  # a browser remembers one whose card is gone
        changes = self._lay(*engines.engine_values(engine, preset))
        return changes | {self.state.engine: engine, self.tab.engine: gr.update(value=engine), self.tab.error: ""}

    def _lay(self, wanted: Settings, names: set[str]) -> Changes:
        form = self.tab.advanced
        updates = zip(form.controls.items(), form.show(wanted), strict=True)
        return {control.component: update for (name, control), update in updates if name in names}

    def _say(self, message: str) -> Changes:
        return {self.tab.error: panels.error_panel(message)}

    def show(self, before: Shown, after: Shown) -> tuple[Changes, Shown]:
        """Show another engine, or the same one where its files may have changed. Returns what is shown now, too."""
        tab = self.tab
        after = replace(after, shelf=(after.runtime.models_dir, self.actions.downloads.version))
        changes: Changes = {}
        if after.engine != before.engine:
            is_model = engines.card_of(after.engine) is not None
            changes[tab.model_card] = gr.update(visible=is_model or "hidden")
            changes[tab.motion_card] = gr.update(visible=not is_model or "hidden")
        if after.engine != before.engine or after.shelf != before.shelf:
            changes[tab.model] = self.card(after)
            changes[tab.engine] = self.picker(after)
            changes[tab.photo] = gr.update(named=best_present(Role.CAPTION, after.runtime) is not None)
        return changes, after

    def picker(self, shown: Shown) -> Update:
        """The engines with what is on this disk of them."""
        return gr.update(choices=engines.choices(shown.runtime), info=engines.summary_of(shown.engine))

    def card(self, shown: Shown) -> str:
        """The model card; nothing for the embedded engine."""
        model = engines.view(shown.engine, shown.runtime, self.actions.downloads.get(shown.engine))
        return engines.model_panel(model) if model is not None else ""

    def resolutions(self, engine: str) -> Update:
        """The resolutions that are offered with an engine, as an update of their control."""
        offered = get_engine(engine).capabilities.resolutions or hints(Settings, RESOLUTION)["choices"]
        return gr.update(choices=[(str(side), side) for side in offered])

    def download(self, shown: Shown, event: gr.EventData) -> Changes:
        """Begin to fetch a model."""
        return self.actions.attempt(lambda: self._download(str(event.download), shown), self._say)

    def _download(self, name: str, shown: Shown) -> Changes:
        card = engines.card_of(name)
        if card is None:
            raise InvalidInput("This engine is built in: there is nothing to download.")
        self.actions.downloads.start(card, shown.runtime)
        return {self.tab.error: "", self.tab.model: self.card(shown)}

    def halt(self, shown: Shown) -> Changes:
        """Stop the download."""
        self.actions.downloads.stop()
        return {self.tab.model: self.card(shown)}
