"""The guard by itself: which requests it takes for its own, for foreign, and for too large."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from app.guard import FILES_TOGETHER, MAX_BODY, UPLOAD, Guard

HOME = "127.0.0.1:7860"
LARGEST = 1_000_000


async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("this reached the page")


def guard(host: str = "127.0.0.1", protected: bool = False) -> Guard:
    return Guard(never, host=host, protected=protected, max_file_size=LARGEST)


def scope(path: str = "/config", method: str = "GET", **headers: str) -> dict[str, Any]:
    named = {"host": HOME} | {name.replace("_", "-"): value for name, value in headers.items()}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
    return {"type": "http", "method": method, "path": path, "headers": encoded}


def status(request: dict[str, Any], at: Guard | None = None) -> int:
    """The status of the refusal; 0 for none."""
    refused = (at or guard()).refusal(request)
    return refused.status if refused else 0


@pytest.mark.parametrize("host", [HOME, "127.0.0.1", "localhost:7860", "LOCALHOST", "[::1]:7860", "[::1]", "127.1.2.3"])
def test_names_of_this_machine_are_answered(host: str) -> None:
    assert status(scope(host=host)) == 0


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example#localhost",
        "127.0.0.1.evil.example:7860",
        "localhost.evil.example",
        "localhost, evil.example",
        "me@localhost",
        "localhost:7860:1",
        "192.168.1.5",
        "169.254.169.254",
        "[::2]",
        "[::1",
        "",
    ],
)
def test_other_names_are_answered_only_with_a_password(host: str) -> None:
    assert status(scope(host=host)) == 403
    assert status(scope(host=host), guard(protected=True)) == 0


def test_the_name_that_was_asked_for_is_answered() -> None:
    assert status(scope(host="studio:7860"), guard(host="Studio")) == 0


@given(st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"])))
def test_no_host_and_no_origin_is_a_defect(text: str) -> None:
    assert status(scope(host=text)) in (0, 403)
    assert status(scope(origin=text)) == 403 or text.partition("://")[2].lower() == HOME


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://127.0.0.1:7861", "http://127.0.0.1", f"http://{HOME}.evil"]
)
def test_what_another_origin_sends_is_refused(origin: str, protected: bool) -> None:
    assert status(scope(UPLOAD, "POST", origin=origin), guard(protected=protected)) == 403


def test_what_the_page_and_programs_send_is_answered() -> None:
    assert status(scope(UPLOAD, "POST", origin=f"http://{HOME}", sec_fetch_site="same-origin")) == 0
    assert status(scope(UPLOAD, "POST")) == 0
    behind_tls = scope(UPLOAD, "POST", host="studio.example", origin="https://studio.example")
    assert status(behind_tls, guard(protected=True)) == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_may_link_here_and_no_more(site: str) -> None:
    def foreign(method: str, mode: str, dest: str) -> int:
        return status(scope("/", method, sec_fetch_site=site, sec_fetch_mode=mode, sec_fetch_dest=dest))

    assert foreign("GET", "navigate", "document") == 0
    for request in (("POST", "navigate", "document"), ("GET", "navigate", "iframe"), ("GET", "no-cors", "image")):
        assert foreign(*request) == 403


@pytest.mark.parametrize("start", ["file=", "file/", "file= ", "proxy="])
def test_nothing_is_fetched_from_elsewhere(start: str) -> None:
    assert status(scope(f"/gradio_api/{start}HTTPS://example.com/a.png")) == 403


@pytest.mark.parametrize(("path", "limit"), [("/gradio_api/queue/join", MAX_BODY), (UPLOAD, FILES_TOGETHER * LARGEST)])
def test_bodies_are_bounded_before_they_are_read(path: str, limit: int) -> None:
    assert status(scope(path, "POST", content_length=str(limit))) == 0
    assert status(scope(path, "POST", content_length=str(limit + 1))) == 413
    assert status(scope(path, "POST", transfer_encoding="chunked")) == 411


def test_websockets_are_closed() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    asyncio.run(guard()({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
