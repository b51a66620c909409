"""From one request to many: a run for each photo and each combination of values, with its place in their grid."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app import engines
from app.account import setting_name
from app.actions import Photo, Request
from app.form import flat
from pipeline.catalogue import merge
from pipeline.errors import InvalidSetting
from pipeline.named_settings import by_full_name, known_options
from pipeline.options import Option, nest
from pipeline.records import PlaceRecord
from pipeline.sweeps.grid import IMAGE, places, value_texts, variants

ENGINE, PRESET = "animate.engine", "preset"

Axes = Mapping[str, Sequence[Any]]
"""Values by the full name of their setting."""

_BETWEEN_NUMBERS = re.compile(r"[\s,;，；、]+")


@dataclass(frozen=True)
class Sweep:
    """The runs that a page asks for together, each with its place. Where there is only one, it has none."""

    requests: tuple[Request, ...]
    places: tuple[PlaceRecord | None, ...]

    @property
    def count(self) -> int:
        """How many runs there are."""
        return len(self.requests)

    def with_one_seed(self) -> "Sweep":
        """The runs with one seed for all that would draw one each: what is compared differs in what is named alone."""
        from pipeline.resolve import draw_seed

        place = self.places[0]
        if place is None or "seed" in (*place.rows.settings, *place.columns.settings):
            return self
        seed = draw_seed(self.requests[0].settings()).seed
        same = [each if each.settings().seed >= 0 else _varied(each, {"seed": seed}) for each in self.requests]
        return replace(self, requests=tuple(same))


def read_values(option: Option, given: str | Sequence[Any] | None) -> list[Any]:
    """The values of a setting from what is typed or ticked: numbers apart by commas or spaces, texts line by line.

    Raises InvalidSetting where there is none.
    """
    is_text = option.kind is str
    if isinstance(given, str):
        parts = given.splitlines() if is_text else _BETWEEN_NUMBERS.split(given)
        given = [part.strip() for part in parts if part.strip()]
    if not given:
        example = "one on each line" if is_text else "such as 7, 9, 12"
        raise InvalidSetting(f"Compare settings: give the values for {setting_name(option.name)}, {example}.")
    return list(given)


def sweep_over(request: Request, photos: Sequence[Photo], axes: Axes) -> Sweep:
    """The runs of a request for every photo, or for its own where there are none, and for each combination of values.

    What is painted belongs to one photo and is left out where there are several. Raises InvalidInput for too many runs
    and InvalidSetting for a value that makes no sense.
    """
    texts = {name: value_texts(name, values) for name, values in axes.items()}
    grid = places({IMAGE: [photo.name for photo in photos], **texts} if photos else texts)
    known = known_options()
    read = {name: [by_full_name({name: value}, known)[name] for value in values] for name, values in axes.items()}
    requests = [_varied(each, varied) for each in _with_photos(request, photos) for varied in variants(read)]
    return Sweep(tuple(requests), tuple(grid) if len(grid) > 1 else (None,))


def _with_photos(request: Request, photos: Sequence[Photo]) -> list[Request]:
    return [replace(request, photo=photo, strokes=(), areas={}) for photo in photos] or [request]


def _varied(request: Request, varied: Mapping[str, Any]) -> Request:
    """The request with some settings changed; an engine or a preset brings its own values, as if chosen on the page."""
    changes = merge(dict(request.changes), nest(dict(varied)))
    if ENGINE in varied or PRESET in varied:
        values_of = engines.engine_values if ENGINE in varied else engines.preset_values
        settings, names = values_of(str(changes["animate"]["engine"]), str(changes.get("preset", "standard")))
        own = {name: value for name, value in flat(settings.model_dump()).items() if name in names}
        changes = merge(merge(changes, nest(own)), nest(dict(varied)))
    return replace(request, changes=changes)
