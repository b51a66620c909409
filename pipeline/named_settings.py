"""Settings as jobs files and programs name them: {"encode.fps": 24}, or in sections, {"encode": {"fps": 24}}."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.errors import InvalidSetting
from pipeline.options import Option, options


def known_options() -> dict[str, Option]:
    """Every setting by its full name."""
    return {option.name: option for option in options()}


def by_full_name(values: Mapping[str, Any], known: Mapping[str, Option]) -> dict[str, Any]:
    """The values by full names, such as `encode.fps`; sections may be nested, and names in them dotted too.

    As on the command line, "none" and "auto" stand for no value where a setting may be empty. Raises InvalidSetting
    for a name that is unknown, with the nearest one, or given twice.
    """
    named: dict[str, Any] = {}
    for name, value in _pairs(values, "", known):
        if name in named:
            raise InvalidSetting(f"The setting '{name}' is given twice: leave one of them out.")
        is_empty = known[name].optional and isinstance(value, str) and value.strip().lower() in ("", "none", "auto")
        named[name] = None if is_empty else value
    return named


def _pairs(values: Mapping[str, Any], prefix: str, known: Mapping[str, Option]) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if name in known:
            yield name, value
        elif not any(each.startswith(f"{name}.") for each in known):
            raise InvalidSetting(f"There is no setting '{name}'{nearest(name, known)}.")
        elif isinstance(value, Mapping):
            yield from _pairs(value, f"{name}.", known)
        else:
            raise InvalidSetting(f"'{name}' is a section: give its settings by name, such as {_example(name, known)}.")


def nearest(name: str, known: Mapping[str, Any]) -> str:
    """What to ask where a name is misspelt: " (did you mean 'encode.fps'?)", or nothing where none is near."""
    near = difflib.get_close_matches(name, known, 1, 0.6)
    return f" (did you mean '{near[0]}'?)" if near else ""


def _example(section: str, known: Mapping[str, Any]) -> str:
    return next(each for each in known if each.startswith(f"{section}."))
