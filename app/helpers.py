"""The models that help a transition with painted key frames: what is here of them, and what is done without."""

from collections.abc import Iterator
from html import escape

from app.downloads import Downloads
from app.engines import download_button, download_state
from app.form import HELPER, hints, shown
from app.markup import sentence
from app.offers import is_ready
from pipeline.catalogue import Card, HelperCard, Role, get_card, get_helper, helper_names, model_names
from pipeline.settings import RuntimeSettings, Settings
from pipeline.transition_settings import AUTO, KEYFRAMES, NONE, STAGES

HELPERS = {
    option.name: Role(str(hints(Settings, option.name)["role"]))
    for option in shown(Settings)
    if option.section in STAGES and hints(Settings, option.name).get("widget") == HELPER
}
"""Settings of transitions that choose a helper."""

DOES = {
    Role.CAPTION: "Describes",
    Role.PLAN: "Plans",
    Role.KEYFRAMES: "Paints",
    Role.CONTROL: "Holds edges",
}

WITHOUT = {
    Role.CAPTION: "Without it, the captions are yours to write.",
    Role.PLAN: "Without it, the prompts lead from caption to caption by rule.",
    Role.KEYFRAMES: "Without it, nothing is painted: the photos are led over by motion alone.",
    Role.CONTROL: "Without it, the painting is held by its strength alone.",
}
"""What is done where a model is not here: a transition needs none of them."""


def best_present(role: Role, runtime: RuntimeSettings) -> HelperCard | None:
    """The largest model of a role that is here."""
    cards = (get_helper(name, role) for name in reversed(helper_names(role)))
    return next((card for card in cards if is_ready(card, runtime)), None)


def missing_model(settings: Settings) -> Card | None:
    """The first model that a transition asks for by name and that is not here."""
    return next((card for card in _named(settings) if not is_ready(card, settings.runtime)), None)


def _named(settings: Settings) -> Iterator[Card]:
    engine = settings.transition.engine
    if engine in model_names():
        yield get_card(engine)
    for name, role in HELPERS.items():
        wanted = _wanted(settings, name)
        if wanted not in (AUTO, NONE):
            yield get_helper(wanted, role)


def helpers_panel(settings: Settings, downloads: Downloads) -> str:
    """Which model does what on the way, or what is done without it, and the button that gets it."""
    if settings.transition.engine != KEYFRAMES:
        return ""
    rows = "".join(_row(role, _wanted(settings, name), settings.runtime, downloads) for name, role in HELPERS.items())
    return f'<h3>Models that help</h3><dl class="record helpers">{rows}</dl>'


def _row(role: Role, wanted: str, runtime: RuntimeSettings, downloads: Downloads) -> str:
    if wanted == NONE:
        told = "" if role is Role.CONTROL else f"<b>none</b> {escape(WITHOUT[role])}"
    else:
        named = get_helper(wanted, role) if wanted != AUTO else best_present(role, runtime)
        told = _state(named or get_helper(helper_names(role)[0], role), runtime, downloads)
        told += "" if named is not None and is_ready(named, runtime) else f"<p>{escape(WITHOUT[role])}</p>"
    return f"<dt>{DOES[role]}</dt><dd>{told}</dd>" if told else ""


def _state(card: HelperCard, runtime: RuntimeSettings, downloads: Downloads) -> str:
    """What of a model is here, and the way to have the rest."""
    title, download = f"<b>{escape(card.title)}</b>", downloads.get(card.name)
    if download is not None and download.active:
        return title + download_state(download)
    if is_ready(card, runtime):
        return f'<span class="state ready">{title} is ready.</span>'
    ended = "" if download is None else f'<p class="alert error" role="alert">{sentence(download.message)}</p>'
    return f'<span class="state missing">{title} is not here.</span> {download_button(card)}{ended}'


def _wanted(settings: Settings, name: str) -> str:
    section, _, field = name.partition(".")
    return str(getattr(getattr(settings, section), field))
