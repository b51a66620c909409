"""What the pickers of models offer: every model with its title, and whether it is here or what it costs to have."""

from app.markup import bytes_text
from pipeline.catalogue import Card, Role, get_card, get_helper, helper_names
from pipeline.errors import InvalidSetting
from pipeline.settings import RuntimeSettings
from pipeline.style_settings import style_names
from pipeline.transition_settings import AUTO, NONE


def model_label(name: str, runtime: RuntimeSettings) -> str:
    """A model that makes videos as a picker shows it. A wrong card is offered too: choosing it tells."""
    try:
        return card_label(get_card(name), runtime)
    except InvalidSetting:
        return f"{name} · its model card is wrong"


def card_label(card: Card, runtime: RuntimeSettings) -> str:
    """A model as a picker shows it."""
    return f"{card.title} · {'ready' if is_ready(card, runtime) else f'{bytes_text(card.total_bytes)} to download'}"


def helper_choices(role: Role, runtime: RuntimeSettings) -> list[tuple[str, str]]:
    """Label and name of the models of a role: any that is here, none, and each by name."""
    cards = [get_helper(name, role) for name in helper_names(role)]
    named = [(card_label(card, runtime), card.name) for card in cards]
    return [("automatic: the best one on this machine", AUTO), ("none", NONE), *named]


def style_choices() -> list[tuple[str, str]]:
    """Label and name of the named styles, and none."""
    return [("none", ""), *((name.replace("-", " "), name) for name in style_names())]


def is_ready(card: Card, runtime: RuntimeSettings) -> bool:
    """Whether all of a model is on this disk."""
    from pipeline.models.status import model_status

    return model_status(card, runtime).state == "ready"
