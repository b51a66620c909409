"""Models that are one file, in `models list`, `download` and `verify`."""

from pathlib import Path

import pytest

from pipeline.catalogue import get_helper
from pipeline.errors import ModelMissing
from pipeline.models.download import download
from pipeline.models.single_file import file_problem, find_file
from pipeline.models.status import model_status
from pipeline.models.verify import verify
from pipeline.models_command import run
from pipeline.settings import RuntimeSettings
from tests.conftest import TinyModels


def ignore(_: object) -> None:
    return None


def test_a_missing_file_is_listed_with_what_to_do(tmp_path: Path) -> None:
    status = model_status(get_helper("rife"), RuntimeSettings(models_dir=tmp_path))
    assert (status.state, status.folder, status.bytes_present) == ("missing", None, 0)
    assert status.message == (
        "RIFE 4.25 is not on this machine: put flownet.pkl (23 MB, licence: MIT) from "
        f"https://github.com/hzwer/Practical-RIFE into {tmp_path / 'rife'}; `flow`, the embedded method, "
        "needs no weights."
    )


def test_without_a_folder_of_models_it_belongs_beside_the_hubs_cache() -> None:
    message = model_status(get_helper("film"), RuntimeSettings()).message
    assert "image-to-video/film" in message


def test_a_file_that_is_there_is_ready_and_whole(tiny_models: TinyModels, capsys: pytest.CaptureFixture[str]) -> None:
    runtime, card = RuntimeSettings(models_dir=tiny_models("film")), get_helper("film")
    status = model_status(card, runtime)
    assert (status.state, status.folder) == ("ready", tiny_models("film") / "film")
    assert verify(card, runtime, ignore) == []
    assert download(card, runtime, ignore, lambda: False).folder == status.folder
    assert run("verify", "film", runtime, False, lambda: False) == 0
    assert run("list", None, runtime, False, lambda: False) == 0
    assert "film " in capsys.readouterr().out


def test_it_cannot_be_downloaded(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"put film_net_fp32\.pt or film_net_fp16\.pt .* into "):
        run("download", "film", RuntimeSettings(models_dir=tmp_path), False, lambda: False)


def test_damage_is_found(tiny_models: TinyModels, tmp_path: Path) -> None:
    content = (tiny_models("rife") / "rife" / "flownet.pkl").read_bytes()
    path = tmp_path / "flownet.pkl"
    runtime = RuntimeSettings(models_dir=tmp_path)
    path.write_bytes(content[:-100])
    (problem,) = verify(get_helper("rife"), runtime, ignore)
    assert problem.startswith(f"{path} is cut off, or no archive of PyTorch's: put flownet.pkl")
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    assert "is damaged" in (file_problem(path) or "")


def test_its_own_folder_comes_before_the_folder_of_models(tmp_path: Path) -> None:
    card, runtime = get_helper("film"), RuntimeSettings(models_dir=tmp_path)
    for place in (tmp_path / "film_net_fp32.pt", tmp_path / "film" / "film_net_fp16.pt"):
        place.parent.mkdir(exist_ok=True)
        place.touch()
        assert find_file(card, runtime) == place
