"""What an open page asks all the time: how far the runs are, and whether it has more to show.

An event of Gradio's costs a browser over a tenth of a second each time, for it goes through everything that any event
has ever changed. So a page asks a light address of its own (pulse.js): progress goes straight into the panels, and an
event is set off only where something else has changed. What the page shows already is not sent.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.actions import Actions
from app.animate import script

ADDRESS = "/pulse"

KEY = "x-pulse-key"
"""Header with what only a page knows that was let in, and only while this program runs: no password is asked for."""

RESTARTED = "The program has been started anew since this page was opened."


@dataclass(frozen=True)
class Beat:
    """How it stands with a panel."""

    version: str
    """Of the properties."""
    properties: Callable[[], Mapping[str, Any]] = dict
    """What the panel shows now."""
    mark: str = ""
    """Stands for all that is shown elsewhere: a page whose panel has another one asks for an event."""


Beats = Mapping[str, Callable[[str], Beat]]
"""How it stands with panels, by `elem_id`, given what each is about: mostly the id of a run."""


class Part(Protocol):
    """A part of the page with panels that are kept up to date. Their script is beat.js."""

    @property
    def beats(self) -> Beats:
        """How it stands with these panels."""


class Pulse:
    """Answers the pages of one program."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions
        self._key = secrets.token_urlsafe()
        self._beats: dict[str, Callable[[str], Beat]] = {}

    def connect(self, *parts: Part) -> None:
        """Answer for these parts."""
        for part in parts:
            self._beats.update(part.beats)

    def script(self) -> str:
        """The script that asks: run once on a page that was let in."""
        return f"({script('pulse.js')})({json.dumps(self._key)})"

    @property
    def route(self) -> Route:
        """The light address, for the server."""
        return Route(ADDRESS, self.answer)

    def answer(self, request: Request) -> Response:
        """How it stands with the panels that the query names, each as ABOUT~VERSION, the version that the page has."""
        if not secrets.compare_digest(request.headers.get(KEY, "").encode(), self._key.encode()):
            return PlainTextResponse(RESTARTED, 403)
        found = {}
        for name, asked in request.query_params.multi_items():
            if name not in self._beats:
                return PlainTextResponse("There is no such panel.", 404)
            about, _, version = asked.rpartition("~")
            beat = self._beats[name](about)
            changed = {"properties": beat.properties()} if beat.version != version else {}
            found[name] = {"version": beat.version, "mark": beat.mark, **changed}
        return JSONResponse({"busy": self._is_busy, "panels": found})

    @property
    def _is_busy(self) -> bool:
        return self._actions.jobs.is_busy or bool(self._actions.downloads.active())
