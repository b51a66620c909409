"""The endpoints for programs, called with gradio_client on the real server, and the example of the README."""

import json
import re
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from app.api import asked
from pipeline.errors import InvalidSetting
from tests.browser import PROJECT, Server
from tests.photos import ASTRONAUT, photo
from tests.pictures import scene

SMALL = {"prepare.width": 64, "prepare.height": 48, "animate.num_frames": 3, "transition.num_frames": 3}


@pytest.fixture(scope="module")
def client(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("downloads")
    client = Client(server.address, verbose=False, analytics_enabled=False, download_files=folder)
    yield client
    client.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "my photo.png"
    Image.fromarray(scene()).save(path)
    return path


def call(
    client: Client, image: Path | list[Path], name: str = "/animate", **values: Any
) -> tuple[bytes, dict[str, Any]]:
    """The video's bytes and the record."""
    values.setdefault("settings", json.dumps(SMALL))
    files = [handle_file(each) for each in image] if isinstance(image, list) else handle_file(image)
    video, record = client.predict(files, api_name=name, **values)
    return Path(video).read_bytes(), json.loads(record)


def test_only_the_two_jobs_are_public_typed_and_documented(client: Client) -> None:
    told = client.view_api(return_format="dict", print_info=False)
    assert told is not None
    assert set(told["named_endpoints"]) == {"/animate", "/transition"}
    assert told["unnamed_endpoints"] == {}
    for endpoint, engine in (("/animate", "motion"), ("/transition", "flow")):
        parameters = told["named_endpoints"][endpoint]["parameters"]
        names = [each["parameter_name"] for each in parameters[1:]]
        assert names == ["prompt", "preset", "engine", "seed", "settings"]
        assert [each["python_type"]["type"] for each in parameters[1:]] == ["str", "str", "str", "int", "str"]
        assert [each["parameter_default"] for each in parameters[1:]] == ["", "standard", engine, -1, "{}"]
        assert "Make a video" in told["named_endpoints"][endpoint]["description"]


def test_the_readme_example_runs(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"## From a program\n.*?```python\n(.*?)```", text, re.DOTALL)
    for name, left in (("photo", 0), ("first", 100), ("last", 110)):
        Image.fromarray(photo(ASTRONAUT)[100:260, left : left + 240]).save(tmp_path / f"{name}.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    place = {"__name__": "example"}
    exec(compile(example.replace("http://127.0.0.1:7860", server.address), "README.md", "exec"), place)  # noqa: S102
    records = server.records()[-2:]
    assert [record["job"] for record in records] == ["animate", "transition"]
    assert (records[0]["seed"], records[0]["output"]["fps"], records[0]["output"]["num_frames"]) == (7, "24", 24)
    assert records[1]["output"]["num_frames"] == 24
    assert json.loads(place["record"]) == records[1]
    assert Path(place["video"]).read_bytes() == (server.outputs / records[1]["output"]["path"]).read_bytes()


def test_many_clients_each_get_their_own_result(client: Client, server: Server, picture: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda seed: call(client, picture, seed=seed), range(6)))
    assert [record["seed"] for _, record in made] == list(range(6))
    assert len({record["run_id"] for _, record in made}) == 6
    for video, record in made:
        assert video == (server.outputs / record["output"]["path"]).read_bytes()
        assert record["inputs"][0]["name"] == picture.name


def test_progress_is_told(client: Client, picture: Path) -> None:
    settings = json.dumps({**SMALL, "animate.num_frames": 3000})
    job = client.submit(handle_file(picture), settings=settings, api_name="/animate")
    told = set()
    while not job.done():
        told |= {(unit.index, unit.length) for unit in job.status().progress_data or []}
    job.result()
    assert len({index for index, length in told if length == 3000}) > 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"settings": "[1]"}, "not a list"),
        ({"settings": "{"}, "not valid JSON"),
        ({"settings": '{"encode.fsp": 1}'}, "did you mean 'encode.fps'?"),
        ({"settings": '{"seed": 1}'}, "given by the parameter seed"),
        ({"settings": '{"style": {"image": "/etc/passwd"}}'}, "names a file of the server"),
        ({"preset": "ultra"}, "draft, standard, high"),
        ({"engine": "svdd"}, "did you mean 'svd'?"),
        ({"seed": "x"}, "seed: "),
        ({"prompt": {"a": 1}}, "prompt: "),
    ],
)
def test_a_wrong_call_is_answered_in_one_sentence(
    client: Client, server: Server, picture: Path, values: dict[str, Any], words: str
) -> None:
    before = len(server.records())
    with pytest.raises(AppError) as refused:
        call(client, picture, **values)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(server.records()) == before, "nothing was put in the queue"


def test_what_is_no_picture_is_refused_in_words(client: Client, tmp_path: Path, picture: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    for images, name, words in (
        (text, "/animate", "use an image file"),
        ([picture], "/transition", "two images or more"),
    ):
        with pytest.raises(AppError, match=words):
            call(client, images, name)
    with pytest.raises(AppError, match="handle_file"):
        client.predict("photo.jpg", api_name="/animate")


def raw_call(server: Server, image: dict[str, Any]) -> str:
    """What the server answers to a call that no client library would make."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    address = f"{server.address}/gradio_api/call/animate"
    data = json.dumps({"data": [image, "", "standard", "motion", -1, "{}"]}).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310
    with opener.open(request, timeout=30) as answer:
        event = json.load(answer)["event_id"]
    with opener.open(f"{address}/{event}", timeout=30) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}])
def test_files_of_the_server_cannot_be_named(server: Server, picture: Path, meta: dict[str, Any]) -> None:
    before = len(server.records())
    answer = raw_call(server, {"path": str(picture), **meta})
    assert "event: error" in answer
    assert "Traceback" not in answer
    assert len(server.records()) == before


def test_settings_of_a_call_are_checked_as_any_others() -> None:
    values = {"prompt": "pan left", "preset": "draft", "seed": 3, "animate.engine": "motion"}
    settings = asked(values, '{"encode": {"fps": "30000/1001"}, "prepare.width": null}')
    assert (settings.prompt, settings.preset, settings.seed, settings.encode.crf) == ("pan left", "draft", 3, 23)
    assert float(settings.encode.fps) == 30000 / 1001
    assert asked(values, "").encode.fps == 30
    with pytest.raises(InvalidSetting, match="at most 1000000 characters"):
        asked(values, " " * 1_000_001)
    with pytest.raises(InvalidSetting, match="not valid JSON"):
        asked(values, "[" * 100_000)
