"""The form of the tab Transition: from what its components hold to settings, and back."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import engines, forecasts, panels
from app.actions import Actions, Photo
from app.bundle import Bundle
from app.form import Form
from app.helpers import HELPERS, helpers_panel
from app.offers import helper_choices
from app.passage import PassageTab, engine_choices, engine_summary, kind_mark
from app.passage_panels import own_panel
from app.state import Changes, Displayed, Values
from pipeline.catalogue import merge, model_names
from pipeline.settings import Settings, make_settings
from pipeline.transition_settings import FLOW, KEYFRAMES
from pipeline.without_effect import ignored_in_transition

if TYPE_CHECKING:
    from pipeline.preview import PassagePreview

Pair = tuple[Photo | None, Photo | None]
"""The first and the last photo."""


@dataclass(frozen=True)
class Own:
    """Key frames that were painted anew by hand: for each key frame its own prompt or "", and its own seed or -1."""

    prompts: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()

    @property
    def numbers(self) -> list[int]:
        """The key frames that go their own way, from 0."""
        count = max(len(self.prompts), len(self.seeds))
        return [number for number in range(count) if self.prompt(number) or self.seed(number) >= 0]

    def prompt(self, number: int) -> str:
        """The prompt of its own that a key frame has, or nothing."""
        return self.prompts[number] if number < len(self.prompts) else ""

    def seed(self, number: int) -> int:
        """The seed of its own that a key frame has, or -1."""
        return self.seeds[number] if number < len(self.seeds) else -1

    def changed(self, number: int, count: int, prompt: str, seed: int) -> "Own":
        """The same for `count` key frames with another prompt and seed for one of them."""
        prompts, seeds = [self.prompt(each) for each in range(count)], [self.seed(each) for each in range(count)]
        prompts[number], seeds[number] = prompt, seed
        return Own(tuple(prompts), tuple(seeds))


@dataclass(frozen=True)
class ShownPassage:
    """What the last reading put on the tab, so that the next one sends only what differs."""

    settings: Settings = field(default_factory=Settings)
    """As they would be used: they say which models are meant, and where they are looked for."""
    picked: str = FLOW
    """The engine of the form, which is another one where the form could not be read."""
    ignored: tuple[tuple[str, str], ...] = tuple(sorted(ignored_in_transition(Settings()).items()))
    shelf: tuple[object, ...] = ()
    """What the states of the models in the pickers depend on."""


@dataclass(frozen=True)
class PassageState:
    """One for each open page, kept by the server. See app.state.State."""

    photos: gr.State = field(default_factory=lambda: gr.State((None, None)))
    own: gr.State = field(default_factory=lambda: gr.State(Own()))
    shown: gr.State = field(default_factory=lambda: gr.State(ShownPassage()))
    followed: gr.State = field(default_factory=lambda: gr.State(""))
    displayed: gr.State = field(default_factory=lambda: gr.State(Displayed()))


class PassageForm:
    """Reads the tab's form, and shows what there is to say about it."""

    def __init__(self, tab: PassageTab, state: PassageState, actions: Actions) -> None:
        self.tab, self.state, self.actions = tab, state, actions
        words = [tab.words.prompts, *tab.words.captions.components]
        fields = [tab.prompt, tab.engine, tab.preset, *words, *tab.advanced.components]
        self.bundle = Bundle("passage-form", fields, (state.photos, state.own, state.shown))
        self.read_outputs = [tab.forecast, tab.model, tab.engine, tab.words.own, *tab.advanced.components, state.shown]
        self.outputs = [*fields, tab.kind, state.own, tab.error]

    def settings(self, values: Values) -> Settings:
        """What the form asks for, without what belongs to other engines alone. Raises InvalidSetting."""
        tab, engine = self.tab, values[self.tab.engine]
        changes = tab.advanced.read(values)
        asked: dict[str, Any] = {"preset": values[tab.preset], "transition": {"engine": engine}}
        if engine not in model_names():
            changes.pop("animate", None)
        if engine != FLOW:
            asked["prompt"] = values[tab.prompt] or ""  # a box that was never in sight holds none
            asked |= tab.words.captions.read(values)
        if engine == KEYFRAMES:
            prompts = [str(line).strip() for line in values[tab.words.prompts] or []]
            asked["plan"] = {"prompts": tuple(filter(None, prompts))}
            own, count = values[self.state.own], changes["keyframes"]["count"]
            if own.numbers and max(own.numbers) < count:
                asked["keyframes"] = {"prompts": own.prompts[:count], "seeds": own.seeds[:count]}
        return make_settings(merge(changes, asked))

    def choose_engine(self, engine: str, preset: str, shown: ShownPassage) -> Changes:
        """Lay an engine's own values over the form, and show what belongs to it.

        A picker tells that it was left as if something had been chosen: the engine that is shown changes nothing.
        """
        if engine == shown.picked:
            return {self.tab.engine: gr.update()}
        return self._choose(engine, preset, lambda: engines.differing_names() | {"transition.num_frames"})

    def choose_preset(self, preset: str, engine: str) -> Changes:
        """Set the settings that presets differ in to those of one preset; the others stay as they are."""
        return self._choose(engine, preset, lambda: engines.differing_presets(engine))

    def _choose(self, engine: str, preset: str, differing: Callable[[], set[str]]) -> Changes:
        def lay() -> Changes:
            wanted, names, form = _wanted(engine, preset), differing(), self.tab.advanced
            updates = zip(form.controls.items(), form.show(wanted), strict=True)
            changes: Changes = {control.component: update for (name, control), update in updates if name in names}
            return changes | self.shape(engine) | {self.tab.error: ""}

        return self.actions.attempt(lay, lambda message: {self.tab.error: panels.error_panel(message)})

    def shape(self, engine: str) -> Changes:
        """Show what belongs to an engine, and hide what belongs to others."""
        label = "What should happen on the way?" if engine in model_names() else "Style of what is painted"
        return {
            self.tab.engine: gr.update(value=engine, info=engine_summary(engine)),
            self.tab.prompt: gr.update(label=label),
            self.tab.kind: kind_mark(engine),
        }

    def show(self, asked: Settings) -> Changes:
        """Show what was asked for."""
        tab, section = self.tab, asked.keyframes
        changes = self.shape(asked.transition.engine)
        changes[tab.prompt] |= {"value": asked.prompt}
        changes |= {tab.preset: asked.preset, self.state.own: Own(section.prompts, section.seeds)}
        return changes | self._show_form(tab.advanced, asked) | self.show_words(asked)

    def show_words(self, settings: Settings) -> Changes:
        """Show captions and plan, where they can be changed."""
        return self._show_form(self.tab.words.captions, settings) | {
            self.tab.words.prompts: list(settings.plan.prompts)
        }

    @staticmethod
    def _show_form(form: Form, settings: Settings) -> Changes:
        return dict(zip(form.components, form.show(settings), strict=True))

    def read(self, values: Values) -> Changes:
        """Say what would be made and what a model would need, and grey out what has no effect."""
        return self.actions.attempt(lambda: self._read(values), lambda message: self._wrong(values, message))

    def _wrong(self, values: Values, message: str) -> Changes:
        shown = replace(values[self.state.shown], picked=values[self.tab.engine])
        return {self.tab.forecast: panels.error_panel(message), self.state.shown: shown}

    def _read(self, values: Values) -> Changes:
        from pipeline.preview import preview_transition

        first, last = values[self.state.photos]
        paths = first.path if first else None, last.path if last else None
        asked = self.settings(values)
        found = preview_transition(paths, asked, self.actions.jobs.outputs)
        changes: Changes = {self.tab.forecast: forecasts.passage_outlook(found)}
        changes[self.tab.words.own] = own_panel(values[self.state.own].numbers, asked.keyframes)
        return changes | self._show(found, values[self.state.shown])

    def _show(self, found: "PassagePreview", before: ShownPassage) -> Changes:
        """Grey out what has no effect, and show the models, where that differs from what is shown."""
        shelf = (found.settings.runtime.models_dir, self.actions.downloads.version)
        engine = found.settings.transition.engine
        after = ShownPassage(found.settings, engine, tuple(sorted(found.ignored.items())), shelf)
        changes: Changes = {self.state.shown: after}
        changes |= self.tab.advanced.grey_out(dict(before.ignored), found.ignored)
        if shelf != before.shelf:
            changes = merge(changes, self.pickers(found.settings))
        return changes | {self.tab.model: self.models(found.settings)}

    def pickers(self, settings: Settings) -> Changes:
        """The engines and the helpers with what is on this disk of them."""
        controls, runtime = self.tab.advanced.controls, settings.runtime
        changes: Changes = {
            controls[name].component: gr.update(choices=helper_choices(role, runtime)) for name, role in HELPERS.items()
        }
        return changes | {self.tab.engine: gr.update(choices=engine_choices(runtime))}

    def models(self, settings: Settings) -> str:
        """The card of the model that makes the passage, or of those that help; nothing for the built-in flow."""
        engine, downloads = settings.transition.engine, self.actions.downloads
        model = engines.view(engine, settings.runtime, downloads.get(engine))
        return engines.model_panel(model) if model is not None else helpers_panel(settings, downloads)

    def forget(self, values: Values) -> Changes:
        """Let all key frames follow the plan again."""
        return self.read({**values, self.state.own: Own()}) | {self.state.own: Own()}


def _wanted(engine: str, preset: str) -> Settings:
    return make_settings({"preset": preset, "transition": {"engine": engine}})
