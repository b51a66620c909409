"""Every setting as a flat list, from which the command line and the documentation are derived."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.settings import Settings

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Option:
    """One setting: its full name, such as `prepare.width`, and what its model says of it.

    `low` and `high` are its bounds, `choices` the only values allowed, where it has them. `many` means a list,
    `optional` that it may be empty. `role` is that of the helper model that it names, where it names one.
    """

    name: str
    help: str
    default: Any
    kind: type
    optional: bool
    many: bool
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    role: str | None

    @property
    def section(self) -> str:
        """The name's part before the last dot; empty for the settings at the top."""
        return self.name.rpartition(".")[0]


def options(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[Option]:
    """Yield every setting of a model, those of nested sections after their section's place."""
    for name, field in model.model_fields.items():
        kind, optional, many = _kind(field.annotation)
        if not optional and not many and issubclass(kind, BaseModel):
            yield from options(kind, f"{prefix}{name}.")
        else:
            yield _option(f"{prefix}{name}", field, kind, (optional, many))


def _option(name: str, field: FieldInfo, kind: type, form: tuple[bool, bool]) -> Option:
    bounds = {type(mark).__name__: mark for mark in field.metadata}
    low = next((float(getattr(bounds[key], key.lower())) for key in ("Ge", "Gt") if key in bounds), None)
    high = next((float(getattr(bounds[key], key.lower())) for key in ("Le", "Lt") if key in bounds), None)
    choices = tuple(item.value for item in kind) if issubclass(kind, StrEnum) else ()
    text = " ".join((field.description or "").split())
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    role = str(extra["role"]) if "role" in extra else None
    return Option(name, text, field.default, kind, *form, low, high, choices, role)


def _kind(annotation: Any) -> tuple[type, bool, bool]:
    """Return the plain type of an annotation, whether it may be None, and whether it is a tuple of them."""
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [part for part in get_args(annotation) if part is not type(None)]
        return _kind(inner[0])[0], True, False
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) is tuple:
        return _kind(get_args(annotation)[0])[0], False, True
    return annotation, False, False


def default_text(option: Option) -> str:
    """An option's default as one would type it; empty when there is none."""
    if option.default is None or option.default == ():
        return ""
    return str(option.default).lower() if isinstance(option.default, bool) else str(option.default)


def range_text(option: Option) -> str:
    """The values an option takes, for people: "16 to 4096", "mp4, webm, gif", "yes or no"."""
    if option.choices:
        return ", ".join(option.choices)
    if option.kind is bool:
        return "true, false"
    if option.low is not None and option.high is not None:
        return f"{option.low:g} to {option.high:g}" if option.high < 2**31 else f"{option.low:g} to {option.high:.0f}"
    return {"Path": "files" if option.many else "a file", "str": "text"}.get(option.kind.__name__, option.kind.__name__)


def with_value(model: Model, name: str, value: object) -> Model:
    """A copy of settings in which the one of this full name, such as "encode.fps", has another value, unchecked."""
    head, _, rest = name.partition(".")
    return model.model_copy(update={head: with_value(getattr(model, head), rest, value) if rest else value})


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """Turn {"prepare.width": 640} into {"prepare": {"width": 640}}."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *sections, last = name.split(".")
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return nested
