"""Damage of each kind is found, and named with its file."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import Cancelled
from pipeline.models.download import DownloadProgress, download
from pipeline.models.places import places
from pipeline.models.safetensors import safetensors_problem
from pipeline.models.verify import verify
from tests.hub import Hub
from tests.pipeline.models.published import UNET, card, repository, runtime, weights


def ignore(_progress: DownloadProgress) -> None:
    return None


def flip(path: Path) -> None:
    """Change the last byte of a file: its length and its header stay right."""
    with path.open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)[0]
        file.seek(-1, 2)
        file.write(bytes([last ^ 1]))


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 10)


def forget_listing(folder: Path | None) -> None:
    """Leave only what the hub's own client notes down, as when another program downloaded the model."""
    for note in places(card(), runtime(folder))[0].notes.glob("image-to-video-*.json"):
        note.unlink()


@pytest.mark.parametrize("known", ["by our list", "by the client's notes"])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    "case",
    [
        (UNET, flip, "does not match its digest on the hub"),
        ("unet/config.json", flip, "does not match its digest on the hub"),
        (UNET, cut, "bytes long"),
        (UNET, Path.unlink, "unet (weights) is missing"),
    ],
)
def test_damage_is_named(
    hub: Hub, tmp_path: Path, case: tuple[str, Callable[[Path], None], str], shared: bool, known: str
) -> None:
    name, damage, words = case
    assert hub.address
    models = None if shared else tmp_path / "models"
    folder = download(card(), runtime(models), ignore, lambda: False).folder
    if known != "by our list":
        forget_listing(models)
    assert verify(card(), runtime(models), ignore) == []
    damage(folder / name)
    (problem,) = verify(card(), runtime(models), ignore)
    assert words in problem
    assert "`python -m pipeline models download i2vgen-xl" in problem


def test_a_copy_without_notes_is_judged_by_its_headers(tmp_path: Path) -> None:
    folder = repository(tmp_path / "i2vgen-xl")
    assert verify(card(), runtime(tmp_path), ignore) == []
    flip(folder / UNET)
    assert verify(card(), runtime(tmp_path), ignore) == []
    cut(folder / UNET)
    assert "its header asks for" in verify(card(), runtime(tmp_path), ignore)[0]


def test_a_missing_model_is_one_problem(tmp_path: Path) -> None:
    (problem,) = verify(card(), runtime(tmp_path), ignore)
    assert "is not on this machine" in problem


def test_every_byte_is_reported_and_a_report_can_stop_it(tmp_path: Path) -> None:
    folder = repository(tmp_path / "i2vgen-xl")
    shutil.rmtree(folder / "doc")
    seen: list[DownloadProgress] = []
    verify(card(), runtime(tmp_path), seen.append)
    assert seen[-1].done_bytes == seen[-1].total_bytes > 3_000_000

    def stop(_progress: DownloadProgress) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        verify(card(), runtime(tmp_path), stop)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a safetensors file"),
        (b"PK\x03\x04 a pickle in a zip", "is not a safetensors file"),
        ((9).to_bytes(8, "little") + b"{", "damaged header"),
        ((2).to_bytes(8, "little") + b"[]", "damaged header"),
        ((2).to_bytes(8, "little") + b"{}more", "its header asks for 10"),
    ],
)
def test_what_is_not_a_safetensors_file_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    assert words in (safetensors_problem(path) or "")


def test_a_real_safetensors_file_has_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    weights(path)
    assert safetensors_problem(path) is None
    header = {"__metadata__": {"format": "pt"}}
    content = json.dumps(header).encode()
    path.write_bytes(len(content).to_bytes(8, "little") + content)
    assert safetensors_problem(path) is None
