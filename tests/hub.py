"""The Hugging Face hub on this machine: a server on the loopback address that answers the real client as the hub does.

It knows revisions, lists of files, small files, and large ones on "another host" (a redirect), ranges, gated
repositories and tokens; and it can break a connection in the middle, be slow, fall silent, or answer with an error.
"""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_" + "a" * 34
CHUNK = 1 << 16


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_digest(content: bytes) -> str:
    """The name that git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass
class Hub:
    """What the server holds, how it behaves, and what it has seen. Files of weights are the large ones."""

    address: str = ""
    store: str = ""
    """Where large files are: another host to the client, which must not be given the token."""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    break_after: int | None = None
    """Bytes of a large file after which the connection is cut; each cut takes one of `breaks`."""
    breaks: int = 0
    seconds_a_chunk: float = 0.0
    silent_after: int | None = None
    """Bytes of a large file after which nothing more comes."""
    error: int | None = None
    """Status that every request is answered with."""
    portal: bool = False
    """Answers everything with a page, as the login page of a hotel's network does."""
    ranges: bool = True
    damage: bool = False
    """Sends large files with their last byte changed."""
    served: dict[str, int] = field(default_factory=dict)
    """Bytes sent of each large file, by path."""
    asked: list[str] = field(default_factory=list)
    """Paths that were asked for, in order."""
    tokens: dict[str, str] = field(default_factory=dict)
    """The last Authorization header that each path came with."""
    closing: threading.Event = field(default_factory=threading.Event)

    def add(self, repository: str, folder: Path) -> None:
        """Publish a folder as a repository."""
        paths = [path for path in folder.rglob("*") if path.is_file()]
        self.repositories[repository] = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

    @property
    def bytes_served(self) -> int:
        return sum(self.served.values())


def is_large(name: str) -> bool:
    return name.endswith((".safetensors", ".bin", ".ckpt"))


@contextmanager
def serve() -> Iterator[Hub]:
    """Run the server on a free port; its address is the hub's endpoint."""
    hub = Hub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    hub.store = f"http://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.respond(body=False)

    def do_GET(self) -> None:
        self.respond(body=True)

    def respond(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(path)
        self.hub.tokens[path] = self.headers.get("Authorization", "")
        if self.hub.error is not None:
            self.answer(self.hub.error, b"", body)
        elif self.hub.portal:
            self.answer(200, b"<html>Welcome</html>", body)
        elif path.startswith("/api/models/"):
            self.api(path.removeprefix("/api/models/"), body)
        elif path.startswith("/cdn/"):
            self.large(path.removeprefix("/cdn/"), body)
        elif "/resolve/" in path:
            self.file(path.removeprefix("/"), body)
        else:
            self.answer(404, b"", body)

    def api(self, path: str, body: bool) -> None:
        repository = "/".join(path.split("/")[:2])
        files = self.hub.repositories.get(repository)
        if files is None:
            return self.answer(404, b"", body, {"X-Error-Code": "RepoNotFound"})
        revision = path.split("/")[3] if path.count("/") > 2 else "main"
        if revision not in ("main", COMMIT):
            return self.answer(404, b"", body, {"X-Error-Code": "RevisionNotFound"})
        listing = [self.entry(name, content) for name, content in sorted(files.items())]
        return self.answer(200, json.dumps({"id": repository, "sha": COMMIT, "siblings": listing}).encode(), body)

    def entry(self, name: str, content: bytes) -> dict[str, object]:
        found: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": git_digest(content)}
        if is_large(name):
            found["lfs"] = {"sha256": sha256(content), "size": len(content), "pointerSize": 135}
        return found

    def file(self, path: str, body: bool) -> None:
        owner, name, _, _, rest = path.split("/", 4)
        repository = f"{owner}/{name}"
        content = self.hub.repositories.get(repository, {}).get(rest)
        if repository in self.hub.gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            status = 403 if self.headers.get("Authorization") else 401
            return self.answer(status, b"", body, {"X-Error-Code": "GatedRepo"})
        if content is None:
            return self.answer(404, b"", body, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        headers = {"X-Repo-Commit": COMMIT}
        if is_large(rest):
            headers |= {"X-Linked-Etag": f'"{sha256(content)}"', "X-Linked-Size": str(len(content))}
            return self.answer(302, b"", body, {**headers, "Location": f"{self.hub.store}/cdn/{repository}/{rest}"})
        return self.answer(200, content, body, {**headers, "ETag": f'"{git_digest(content)}"'})

    def large(self, path: str, body: bool) -> None:
        owner, name, rest = path.split("/", 2)
        content = self.hub.repositories[f"{owner}/{name}"][rest]
        if self.hub.damage:
            content = content[:-1] + bytes([content[-1] ^ 1])
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.hub.ranges else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if body:
            self.send(rest, content, start)

    def send(self, name: str, content: bytes, start: int) -> None:
        for position in range(start, len(content), CHUNK):
            sent = position - start
            if self.hub.breaks > 0 and self.hub.break_after is not None and sent >= self.hub.break_after:
                self.hub.breaks -= 1
                self.close_connection = True
                return
            if self.hub.silent_after is not None and sent >= self.hub.silent_after:
                self.hub.closing.wait(30)
                self.close_connection = True
                return
            time.sleep(self.hub.seconds_a_chunk)
            piece = content[position : position + CHUNK]
            try:
                self.wfile.write(piece)
            except OSError:
                self.close_connection = True
                return
            self.hub.served[name] = self.hub.served.get(name, 0) + len(piece)

    def answer(self, status: int, content: bytes, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)
