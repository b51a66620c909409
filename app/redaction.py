"""What is taken out of a text before it is shown to others: secrets, names, paths, and the words of prompts."""

import getpass
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.paths import PROJECT

GAP = "[…]"
"""What stands where something was taken out."""

SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|APIKEY|(?:^|_)(?:KEY|AUTH|PAT)(?:_|$)", re.IGNORECASE)
"""Names of environment variables whose values are nobody's business."""

SECRET_SHAPES = re.compile(
    r"hf_[A-Za-z0-9]{6,}|api_org_[A-Za-z0-9]{6,}"
    r"|gh[a-z]_[A-Za-z0-9]{6,}|github_pat_\w+"
    r"|(?<!\w)sk-[\w-]{8,}"
    r"|(?<!\w)AKIA[A-Z0-9]{12,}"
    r"|(?<=://)[^/\s@]+@"
    r"|(?i:(?<=bearer )|(?<=basic ))[\w.~+/=-]{6,}"
)
"""Tokens of hubs and services, and the account in an address, wherever they come from."""

QUOTED = re.compile(r"(?<!\w)'(?:[^'\n]|(?<=\w)'(?=\w))*'(?!\w)|\"[^\"\n]*\"|“[^”\n]*”")
"""What messages repeat of what a person gave: texts, names of files, values. The apostrophe of "don't" is no quote."""

PATH = re.compile(r"(?<![\w.~<>/])(?:/[^\s'\"`:,;()<>/]+){2,}/?|\b[A-Za-z]:\\[^\s'\"`:,;()<>]+|\\\\[^\s'\"`:,;()<>]+")
"""A full path on Linux, macOS or Windows."""

SHORTEST_VALUE, SHORTEST_SECRET, SHORTEST_WORD = 6, 4, 4
"""Characters. Shorter variables hold no secret but "1" or "true"; shorter passwords are taken out only where they stand
alone; shorter words of a prompt are those of every sentence."""


class Redactor:
    """Takes out of texts what they must not tell.

    `secrets` are values such as passwords; `places` are folders, each with the name that it is called by instead.
    """

    def __init__(self, secrets: Iterable[str], places: Mapping[str, Path]) -> None:
        texts = _longest_first({secret for secret in secrets if secret.strip()})
        self._secrets = _alternatives(_bounded(secret) for secret in texts)
        names = _names()
        self._names = {re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE): names[name] for name in names}
        folders = {str(form): label for label, path in places.items() for form in (path.absolute(), path.resolve())}
        self._folders = {path: folders[path] for path in _longest_first(folders) if len(path) > 1}

    def __call__(self, text: str) -> str:
        """A text without secrets, names and full paths."""
        text = SECRET_SHAPES.sub(GAP, self._secrets.sub(GAP, text))
        for path, label in self._folders.items():
            text = re.sub(rf"{re.escape(path)}(?![\w-])", label, text)
        text = PATH.sub("<path>", text)
        for name, label in self._names.items():
            text = name.sub(label, text)
        return text

    def message(self, text: str, words: Iterable[str] = ()) -> str:
        """The same for a message, without what it quotes, and without the words of what a person wrote."""
        text = QUOTED.sub(f"'{GAP}'", self(text))
        own = {word for each in words for word in re.findall(r"\w+", each) if len(word) >= SHORTEST_WORD}
        found = _alternatives(re.escape(word) for word in _longest_first(own))
        return found.sub(GAP, text)


def redactor(accounts: Iterable[tuple[str, str]], outputs: Path, logs: Path) -> Redactor:
    """What knows the secrets of this program: `accounts` are the names and passwords that let people in."""
    parts = (part for account in accounts for part in account)
    return Redactor([*known_secrets(os.environ), *parts], usual_places(outputs, logs))


def known_secrets(environment: Mapping[str, str]) -> list[str]:
    """Values of variables that are named like secrets, and the token that the hub's tools keep."""
    from huggingface_hub import get_token

    named = [value for name, value in environment.items() if SECRET_NAME.search(name)]
    return [value for value in [*named, get_token() or ""] if len(value) >= SHORTEST_VALUE]


def usual_places(outputs: Path, logs: Path) -> dict[str, Path]:
    """Folders that messages name, by what they are called instead."""
    return {
        "<outputs>": outputs,
        "<logs>": logs,
        "<program>": PROJECT,
        "<python>": Path(sys.prefix),
        "<temporary>": Path(tempfile.gettempdir()),
        "~": Path.home(),
    }


def _names() -> dict[str, str]:
    """Names of the person and the machine."""
    found = {Path.home().name: "<user>", socket.gethostname(): "<machine>"}
    try:
        found[getpass.getuser()] = "<user>"
    except (OSError, KeyError):  # a number without a name, as in containers
        found |= {os.environ[name]: "<user>" for name in ("USER", "LOGNAME") if name in os.environ}
    return {name: label for name, label in found.items() if len(name) > 1 and name != "localhost"}


def _bounded(secret: str) -> str:
    """A pattern that meets a secret anywhere, or, where it is short, only by itself."""
    pattern = re.escape(secret)
    return pattern if len(secret) >= SHORTEST_SECRET else rf"(?<!\w){pattern}(?!\w)"


def _alternatives(patterns: Iterable[str]) -> re.Pattern[str]:
    """A pattern that matches any of several, or nothing where there are none."""
    return re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE)


def _longest_first(texts: Iterable[str]) -> list[str]:
    return sorted(texts, key=len, reverse=True)
