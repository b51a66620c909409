"""What SECURITY.md promises, tried on the real server: files, other sites, sizes, texts, secrets, temporary files."""

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from app.guard import MAX_BODY, UPLOAD
from app.pulse import KEY
from app.ui import launch_options
from pipeline.command_line import main as run_pipeline
from pipeline.settings import PrepareSettings
from tests.app.test_launch import served
from tests.app.traversal import FILE, FORMS
from tests.browser import Server, generate, open_advanced, opened, serving, set_small, upload, visit
from tests.pictures import scene

INSIDE, OUTSIDE = b"a file of the outputs", b"a file that is nobody's business"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("safety")
    for name, content in (("outputs/inside", INSIDE), ("outside/secret", OUTSIDE), ("outputs-twin/secret", OUTSIDE)):
        path = folder / f"{name}.txt"
        path.parent.mkdir()
        path.write_bytes(content)
    (folder / "outputs" / "inside.html").write_bytes(b"<script>alert(1)</script>")
    links = {
        "link.txt": "../outside/secret.txt",
        "folder": "../outside",
        "chain": "folder",
        "loop": "loop",
        "root": "/",
    }
    for name, target in links.items():
        (folder / "outputs" / name).symlink_to(target)
    with serving(folder) as running:
        yield running


class Answer:
    """What the server says to a request as it is written here: nothing is encoded, normalised or followed."""

    def __init__(
        self, address: str, path: str, method: str = "GET", body: bytes | None = None, /, **headers: str
    ) -> None:
        if body is not None:
            headers = {"Content-Length": str(len(body)), **headers}
        with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)) as connection:
            connection.putrequest(method, path.replace(" ", "%20"), skip_host="Host" in headers)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders(body)
            with connection.getresponse() as answer:
                self.status, self.headers, self.body = answer.status, answer.headers, answer.read(1_000_000)


def upload_of(name: str, content: bytes) -> tuple[bytes, str]:
    """The body of an upload, and its type."""
    head = f'--edge\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--edge--\r\n", "multipart/form-data; boundary=edge"


def test_a_file_of_the_outputs_is_served_and_none_of_its_scripts_runs(server: Server) -> None:
    answer = Answer(server.address, FILE + quote(str(server.outputs / "inside.txt")))
    assert (answer.status, answer.body) == (200, INSIDE)
    page = Answer(server.address, FILE + quote(str(server.outputs / "inside.html")))
    assert page.headers["Content-Security-Policy"].startswith("sandbox;")
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_there_are_many_forms() -> None:
    assert len(set(FORMS)) == len(FORMS) >= 200


@pytest.mark.parametrize("form", FORMS)
def test_no_file_from_elsewhere_is_served(server: Server, form: str) -> None:
    folder = server.outputs.parent
    path = form.format(
        outputs=server.outputs,
        outside=folder / "outside",
        quoted=quote(str(folder / "outside"), safe=""),
        project=Path(__file__).resolve().parents[2],
        logs=server.logs / "image-to-video.jsonl",
        host=urlsplit(server.address).netloc,
    )
    answer = Answer(server.address, path)
    assert 400 <= answer.status < 500, answer.body[:200]
    assert len(answer.body) < 2000
    for content in (OUTSIDE, b"root:", b"import ", b"Image-to-Video\n"):
        assert content not in answer.body


@pytest.mark.parametrize(
    "path", ["/?deep_link=../../outside/secret.txt", "/?page=../../etc/passwd", "/?__theme=/etc/passwd"]
)
def test_no_file_stands_in_the_page(server: Server, path: str) -> None:
    assert Answer(server.address, path).body.count(b"root:x") == 0


def test_a_path_that_a_browser_names_is_not_opened(server: Server) -> None:
    """Events carry paths: those of an upload. The component server lists folders for Gradio's own file explorer."""
    for name in ("ls", "accept_blobs", "__init__", "preprocess"):
        asked = {"session_hash": "x", "component_id": 1, "fn_name": name, "data": "/etc"}
        answer = Answer(
            server.address,
            "/gradio_api/component_server",
            "POST",
            json.dumps(asked).encode(),
            Content_Type="application/json",
        )
        assert answer.status == 404


def test_an_upload_stays_below_the_folder_of_uploads(server: Server) -> None:
    for name in ("../../../up.txt", "..%2fup.txt", "/etc/up.txt", "..\\\\up.txt", ".."):
        body, kind = upload_of(name, b"up")
        answer = Answer(server.address, UPLOAD, "POST", body, Content_Type=kind)
        for path in json.loads(answer.body) if answer.status == 200 else ():
            assert Path(path).resolve().parents[1].name.startswith("image-to-video-uploads-")
    assert not list(server.outputs.parent.rglob("up.txt"))


POSTS = (
    "queue/join", "upload", "run/predict", "api/predict", "call/generate", "call/v2/generate", "cancel", "reset",
    "component_server", "stream/x", "stream/x/close", "process_recording", "vibe-edit", "vibe-code",
)  # fmt: skip


@pytest.mark.parametrize("path", [*(f"/gradio_api/{name}" for name in POSTS), "/login"])
def test_no_other_site_sends_anything(server: Server, path: str) -> None:
    answer = Answer(server.address, path, "POST", b"{}", Origin="http://evil.example", Content_Type="text/plain")
    assert answer.status == 403
    assert b"not from other sites" in answer.body


@pytest.mark.parametrize(
    "path", ["/", "/config", "/gradio_api/info", "/gradio_api/queue/status", "/gradio_api/queue/join"]
)
def test_a_name_that_leads_here_from_elsewhere_is_not_answered(server: Server, path: str) -> None:
    port = urlsplit(server.address).port
    evil = {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"}
    method, body = ("POST", b"{}") if path.endswith("join") else ("GET", None)
    assert Answer(server.address, path, method, body, **evil).status == 403
    assert Answer(server.address, path, method, body, Host=f"localhost:{port}").status != 403


def test_no_other_site_reads_or_frames_the_page(server: Server) -> None:
    foreign = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"}
    assert Answer(server.address, FILE + quote(str(server.outputs / "inside.txt")), **foreign).status == 403
    assert "frame-ancestors 'self'" in Answer(server.address, "/").headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in Answer(server.address, "/", Origin="http://evil.example").headers


def test_bodies_are_refused_before_they_are_sent(server: Server) -> None:
    large = {"Content_Type": "application/json", "Content_Length": str(MAX_BODY + 1)}
    assert Answer(server.address, "/gradio_api/queue/join", "POST", **large).status == 413
    assert Answer(server.address, UPLOAD, "POST", Transfer_Encoding="chunked").status == 411


def test_every_uploaded_file_is_bounded(tmp_path: Path) -> None:
    assert launch_options(tmp_path, "")["max_file_size"] == PrepareSettings().max_file_mb * 1_000_000


@pytest.mark.browser
@pytest.mark.slow
def test_what_people_write_is_shown_as_text(browser: Browser, server: Server, tmp_path: Path) -> None:
    nasty = "<img src=x onerror=hacked=1>"
    path = tmp_path / f"{nasty}.png"
    Image.fromarray(scene()).save(path)
    with opened(browser, server) as page:
        upload(page, path)
        page.fill("#prompt textarea", f"zoom in {nasty}</textarea><script>hacked=1</script>")
        open_advanced(page)
        set_small(page, frames=4, width=96)
        generate(page)
        for again in (False, True):
            if again:  # what the record tells, shown on a page that was just opened
                visit(page, server)
            expect(page.locator("#result")).to_contain_text(nasty)
            assert page.locator("img[src=x]").count() == 0
            assert page.evaluate("typeof hacked") == "undefined"


SECRETS = {
    "HF_TOKEN": "hf_PlantedTokenOfAPerson",
    "HUGGING_FACE_HUB_TOKEN": "hf_AnotherPlantedToken",
    "MY_PASSWORD": "Planted1",
}


def assert_no_secrets(folder: Path, *words: str) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert not any(word.encode() in content for word in (*SECRETS.values(), *words)), path


def test_records_and_logs_keep_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    photo = tmp_path / "photo.png"
    Image.fromarray(scene()).save(photo)
    flags = ["--outputs", str(tmp_path / "outputs"), "--logs", str(tmp_path / "logs")]
    flags += ["--prepare.width", "96", "--animate.num_frames", "4"]
    assert run_pipeline(["animate", str(photo), *flags]) == 0
    photo.write_bytes(photo.read_bytes()[:200])
    assert run_pipeline(["animate", str(photo), *flags]) == 2
    assert run_pipeline(["animate", str(photo), *flags, "--animate.engine", "svd"]) in (2, 4)
    assert {json.loads(path.read_text())["status"] for path in (tmp_path / "outputs").glob("video_*.json")} == {
        "succeeded",
        "failed",
    }
    assert_no_secrets(tmp_path)


def test_behind_a_password_nothing_is_told_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, password = tmp_path / "page", "PlantedPasswordOfThePage"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for name, value in (SECRETS | {"TMPDIR": str(temporary)}).items():
        monkeypatch.setenv(name, value)
    studio = {"Host": "studio.example", "Origin": "http://studio.example"}
    form = {**studio, "Content_Type": "application/x-www-form-urlencoded"}
    body, kind = upload_of("photo.png", b"a photo")
    with served(folder, "--auth", f"me:{password}") as (page, address):
        for path in ("/config", FILE + str(folder / "o"), "/gradio_api/info", "/gradio_api/queue/status"):
            assert Answer(address, path, **studio).status == 401
        assert Answer(address, UPLOAD, "POST", body, Content_Type=kind).status == 401
        assert Answer(address, "/pulse?queue=~", **studio).status == 403
        assert KEY not in Answer(address, "/", **studio).body.decode()
        wrong = urlencode({"username": "me", "password": f"{password}!"}).encode()
        assert Answer(address, "/login", "POST", wrong, **form).status == 400
        right = urlencode({"username": "me", "password": password}).encode()
        assert Answer(address, "/login", "POST", right, **(form | {"Origin": "http://evil.example"})).status == 403
        answer = Answer(address, "/login", "POST", right, **form)
        cookie = "; ".join(each.partition(";")[0] for each in answer.headers.get_all("set-cookie", []))
        known = Answer(address, UPLOAD, "POST", body, Content_Type=kind, Cookie=cookie, **studio)
        assert known.status == 200
        assert KEY in Answer(address, "/", Cookie=cookie, **studio).body.decode()
        assert Path(json.loads(known.body)[0]).is_relative_to(temporary)
        told = ends(page)
    assert password not in told
    assert list(temporary.iterdir()) == []
    assert_no_secrets(folder, password)


def ends(page: subprocess.Popen[str]) -> str:
    """End the program as a person does; what it printed."""
    os.kill(page.pid, signal.SIGINT)
    return "".join(page.communicate(timeout=30))
