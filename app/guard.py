"""What the page's server refuses before Gradio sees it: requests that other sites make, and bodies too large to hold.

Gradio keeps to the folders that it may serve, bounds every uploaded file and asks for the password. It answers under
any name, though, acts on what other sites send, fetches addresses for whoever asks, and shows an HTML file below the
outputs as a page of its own; SECURITY.md says what this module does about it.
"""

import ipaddress
import re
from typing import Any, NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 32_000_000
"""Largest body of a request that uploads nothing, in bytes. Hundreds of brush strokes take less than one million."""

FILES_TOGETHER = 20
"""How many files of the largest size one upload may hold."""

UPLOAD = "/gradio_api/upload"
FILE = re.compile(r"/gradio_api/file[=/]")
FETCH = re.compile(r"/gradio_api/(proxy=|file[=/]\s*https?:)", re.IGNORECASE)
"""Where Gradio would fetch an address on behalf of whoever asks."""

HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?")
"""A Host header: a name or address, IPv6 in brackets, and perhaps a port."""

EVERYWHERE = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin"}
"""Headers of every answer: a file is what its type says, and no other site learns where a link stood."""

FRAMES = "frame-ancestors 'self'"
"""Content-Security-Policy of every answer: no other site may show the page inside its own."""


class Refusal(NamedTuple):
    """Why a request is not answered: an HTTP status and a sentence."""

    status: int
    sentence: str


class Guard:
    """ASGI middleware around Gradio's application.

    `host` is the address that was asked for at the start, `protected` whether a password is asked for, and
    `max_file_size` the largest uploaded file in bytes.
    """

    def __init__(self, app: ASGIApp, *, host: str, protected: bool, max_file_size: int) -> None:
        self.app, self.host, self.protected = app, host.lower(), protected
        self.max_upload = FILES_TOGETHER * max_file_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "websocket":  # the page uses none
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http":
            await self.app(scope, receive, send)
        elif (refused := self.refusal(scope)) is not None:
            await PlainTextResponse(refused.sentence, refused.status)(scope, receive, send)
        else:
            await self.app(scope, receive, _with_headers(send, sandboxed=bool(FILE.search(scope["path"]))))

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why this request is refused; None when it is not."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not (self.protected or self.is_own_name(host)):
            return Refusal(
                403, "Without a password the page answers only at localhost: start it with --auth to use other names."
            )
        if is_foreign(scope["method"], host, headers):
            return Refusal(403, "The page takes requests from itself alone, not from other sites.")
        if FETCH.search(scope["path"]):
            return Refusal(403, "The page fetches nothing from elsewhere.")
        return self._too_large(scope["path"], headers)

    def is_own_name(self, host: str) -> bool:
        """Whether a Host header names this machine.

        Another site may let its own name stand for 127.0.0.1 (DNS rebinding): its scripts would be at home here.
        """
        match = HOST.fullmatch(host)
        name = match[1].strip("[]").lower() if match else ""
        if name in ("localhost", self.host):
            return bool(name)
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False

    def _too_large(self, path: str, headers: Headers) -> Refusal | None:
        if "transfer-encoding" in headers:
            return Refusal(411, "The request does not say how large it is: send it with a Content-Length.")
        length, limit = headers.get("content-length", "0"), self.max_upload if path == UPLOAD else MAX_BODY
        if int(length) > limit:  # the server has seen to it that it is a number
            return Refusal(413, f"The request is too large: {limit // 1_000_000} MB can be sent at once.")
        return None


def guarded(host: str, protected: bool, max_file_size: int) -> dict[str, Any]:
    """What `gradio.Blocks.launch` takes as `app_kwargs` to stand behind the guard; the arguments are the guard's."""
    return {"middleware": [Middleware(Guard, host=host, protected=protected, max_file_size=max_file_size)]}


def is_foreign(method: str, host: str, headers: Headers) -> bool:
    """Whether another site makes the request, by what every browser says. Programs say nothing, and are not meant.

    A link that leads here is welcome. Fetch Metadata (https://www.w3.org/TR/fetch-metadata/) tells it from a picture,
    a script, a frame or a form; browsers send it where the address is https or localhost, and `Origin` everywhere.
    """
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        return True
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return False
    kind = method, headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return kind not in (("GET", "navigate", "document"), ("HEAD", "navigate", "document"))


def _with_headers(send: Send, *, sandboxed: bool) -> Send:
    """Send an answer with the headers above; scripts in a file of the outputs are not run."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(EVERYWHERE)
            headers["content-security-policy"] = f"sandbox; {FRAMES}" if sandboxed else FRAMES
        await send(message)

    return send_with_headers
