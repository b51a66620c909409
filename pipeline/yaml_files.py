"""Reading the YAML files that come with the program."""

from typing import Any

import yaml

Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""The one in C reads the vocabulary of prompts in 0.03 s instead of 0.3 s, at each start. What a user wrote is read by
the other one: nested a hundred thousand deep, a text ends the program here."""


def parse_yaml(text: str) -> Any:
    """What a YAML text holds: maps, lists, strings, numbers, dates, truth values and None. Raises yaml.YAMLError."""
    return yaml.load(text, Loader)  # noqa: S506 - both loaders are safe ones  # nosec B506
