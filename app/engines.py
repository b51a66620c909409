"""The engines as the page offers them: the picker, the values that a choice lays over the form, and the model card."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from app.downloads import Download
from app.form import flat
from app.markup import bar, bytes_text, facts, seconds_text, sentence, sentences
from app.offers import model_label
from pipeline.catalogue import Card, ModelCard, get_card, model_defaults, model_names
from pipeline.engines import EMBEDDED
from pipeline.errors import InvalidSetting
from pipeline.settings import RuntimeSettings, Settings, load_preset, make_settings, preset_names

if TYPE_CHECKING:
    from pipeline.models.status import ModelStatus

BUILT_IN = "Built-in motion: no download"
BUILT_IN_SUMMARY = "Moves the camera and what the prompt names; quick, on any machine."


@dataclass(frozen=True)
class ModelView:
    """A model as the page shows it: its card, what of it is on this disk, and how its download is doing."""

    card: ModelCard
    status: "ModelStatus"
    download: Download | None = None


def card_of(engine: str) -> ModelCard | None:
    """The card of an engine that is a model; None for the embedded one. Raises InvalidSetting where it is wrong."""
    return get_card(engine) if engine in model_names() else None


def view(engine: str, runtime: RuntimeSettings, download: Download | None) -> ModelView | None:
    """The model behind an engine; None for the embedded one. Raises InvalidSetting."""
    from pipeline.models.status import model_status

    card = card_of(engine)
    return None if card is None else ModelView(card, model_status(card, runtime), download)


def choices(runtime: RuntimeSettings) -> list[tuple[str, str]]:
    """Label and name of every engine, the embedded one first."""
    return [(BUILT_IN, EMBEDDED), *((model_label(name, runtime), name) for name in model_names())]


def summary_of(engine: str) -> str:
    """What an engine is good for, in one sentence."""
    card = card_of(engine)
    return BUILT_IN_SUMMARY if card is None else card.summary


def engine_values(engine: str, preset: str) -> tuple[Settings, set[str]]:
    """The settings of an engine with a preset, and the full names of those that engines and presets differ in.

    Raises InvalidSetting when the engine's card is wrong.
    """
    return make_settings({"preset": preset, "animate": {"engine": engine}}), differing_names()


def preset_values(engine: str, preset: str) -> tuple[Settings, set[str]]:
    """The same where only the preset changes: names are those that the presets of this engine differ in."""
    return make_settings({"preset": preset, "animate": {"engine": engine}}), differing_presets(engine)


def differing_names() -> set[str]:
    """Full names of the settings that engines and presets differ in."""
    differing = _preset_names()
    for name in model_names():
        try:
            differing |= _names(model_defaults(name, each) for each in preset_names())
        except InvalidSetting:
            continue
    return differing


def differing_presets(engine: str) -> set[str]:
    """Full names of the settings that the presets of one engine differ in. Raises InvalidSetting."""
    card = card_of(engine)
    return _preset_names() | (set() if card is None else _names(card.presets.values()))


def _preset_names() -> set[str]:
    return _names(load_preset(preset) for preset in preset_names())


def _names(changes: Iterable[dict[str, Any]]) -> set[str]:
    return {name for each in changes for name in flat(each)}


def model_panel(model: ModelView) -> str:
    """The model card: what the model is, what it costs to have, and the button that gets it."""
    card = model.card
    limits = f"{card.rules.min_frames} to {card.rules.max_frames} frames"
    if card.rules.resolutions:
        limits += f", {card.rules.resolutions[0]} to {card.rules.resolutions[-1]} pixels on the shorter side"
    rows = facts(
        [("Size", f"{bytes_text(card.total_bytes)}, {card.precision}"), ("Makes", limits), ("Takes", _takes(card))]
    )
    return (
        f"<h3>{escape(card.title)}</h3><p>{escape(card.summary)}</p>"
        f'<dl class="record">{rows}{_origin(card)}</dl>{sentences(_warnings(card))}{_availability(model)}'
    )


def _takes(card: ModelCard) -> str:
    can = card.can
    takes = {
        "a prompt": can.prompt,
        "a negative prompt": can.negative_prompt,
        "a last image": can.last_image,
        "LoRA files": can.lora,
        "a driving video": can.control_video,
    }
    return ", ".join(["the image", *(name for name, does in takes.items() if does)])


def _origin(card: ModelCard) -> str:
    """Where it comes from and under which licence, with links."""
    source = f"https://huggingface.co/{card.repository}"
    return (
        f"<dt>Source</dt><dd>{link(source, card.repository)}</dd>"
        f"<dt>Licence</dt><dd>{link(card.licence_url, card.licence)}</dd>"
    )


def link(address: str, text: str) -> str:
    """A link to another site that opens beside the page; only the text where the address is none of the web's."""
    if not address.startswith("https://"):
        return escape(text)
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer" translate="no">{escape(text)}</a>'


def _warnings(card: ModelCard) -> list[tuple[str, str]]:
    found = []
    if card.gated:
        found.append(("info", "Its licence has to be accepted on the hub first, with the token in HF_TOKEN."))
    if not card.ran_on_real_weights:
        found.append(("info", "Has so far run only on random weights here: its real weights are untried."))
    return found


def _availability(model: ModelView) -> str:
    """What of the model is on this disk, and the way to have the rest."""
    state, download = model.status, model.download
    if download is not None and download.active:
        return download_state(download)
    ended = "" if download is None else download.message
    message = f'<p class="alert error" role="alert">{sentence(ended)}</p>' if ended else ""
    words = "Not on this machine." if state.state == "missing" else state.message
    told = f'<p class="state {state.state}">{sentence(words)}</p>'
    if state.state == "ready":
        return told
    return f'{told}{message}<p class="get">{download_button(model.card)}</p>'


def download_button(card: Card) -> str:
    """The button that gets a model."""
    what = f"Download {bytes_text(card.total_bytes)}"
    return f'<button type="button" class="button primary" data-download="{escape(card.name)}">{what}</button>'


def download_state(download: Download) -> str:
    """How far a download is, and the button that stops it."""
    progress = download.progress
    title, told, fraction = "Asking the hub", "", 0.0
    if download.stopping:
        title = "Stopping the download"
    elif progress is not None:
        fraction = progress.done_bytes / max(1, progress.total_bytes)
        title = f"{bytes_text(progress.done_bytes)} of {bytes_text(progress.total_bytes)}"
        told = f"{bytes_text(progress.bytes_per_second)}/s"
        told += f" · {seconds_text(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    name = f'<p class="path">{escape(progress.file)}</p>' if progress is not None else ""
    stop = '<button type="button" class="button plain" data-halt="download">Stop the download</button>'
    return (
        f'<div class="download"><div class="progress-head"><strong>{escape(title)}</strong><span>{escape(told)}</span>'
        f"</div>{bar(fraction, 'Download')}{name}{'' if download.stopping else stop}</div>"
    )


def missing_panel(message: str, card: Card) -> str:
    """Why a run cannot begin, with the button that gets the model."""
    return f'<div class="alert error" role="alert"><p>{sentence(message)}</p>{download_button(card)}</div>'
