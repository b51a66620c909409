"""Files of weights: found, read without running them, recognised; and one clear sentence for each that is not."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.enhancement import find_weights, load_network
from pipeline.errors import InvalidSetting
from pipeline.settings import RuntimeSettings
from tests.tiny_models.super_resolution import build_compact, compact_state, rrdb_state


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
@pytest.mark.parametrize("scale", [2, 4])
def test_published_kinds_are_recognised(tmp_path: Path, ending: str, scale: int) -> None:
    network = load_network(build_compact(tmp_path / f"tiny{ending}", scale))
    assert (network.architecture.name, network.scale) == ("RealESRGAN Compact", scale)


def test_the_large_network_is_recognised_by_its_published_names(tmp_path: Path) -> None:
    torch.save({"params_ema": rrdb_state()}, tmp_path / "large.pth")
    network = load_network(tmp_path / "large.pth")
    assert (network.architecture.name, network.scale) == ("ESRGAN", 4)


class Malicious:
    """What runs a program when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self.trace}'",)


def save_pickle(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


@pytest.mark.parametrize("save", [torch.save, save_pickle])
@pytest.mark.parametrize("ending", [".pth", ".pt", ".ckpt", ".safetensors"])
@pytest.mark.filterwarnings("error")  # they would stand on the user's terminal
def test_no_program_in_a_file_is_run(tmp_path: Path, save: Callable[[Any, Path], None], ending: str) -> None:
    trace, path = tmp_path / "it ran", tmp_path / f"malicious{ending}"
    save({"params": compact_state() | {"extra": Malicious(trace)}}, path)
    with pytest.raises(InvalidSetting, match="Lanczos"):
        load_network(path)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Malicious(trace)))  # noqa: S301 - that it would have run
    assert trace.exists()


def broken_files(folder: Path) -> dict[str, Path]:
    whole = build_compact(folder / "whole.pth").read_bytes()
    safe = build_compact(folder / "whole.safetensors").read_bytes()
    contents = {"empty.pth": b"", "text.pth": b"<html>404</html>", "cut.pth": whole[: len(whole) // 2]}
    contents |= {"empty.safetensors": b"", "text.safetensors": b"<html>404</html>", "cut.safetensors": safe[:-100]}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    state = compact_state()
    objects: dict[str, object] = {
        "tensor.pth": torch.zeros(3),
        "list.pth": [1],
        "none.pth": {},
        "numbers.pth": {"a": 1, "b": 2},
        "other network.pth": {"a.weight": torch.zeros(3, 3)},
        "wrong shape.pth": state | {"body.2.weight": torch.zeros(3, 3)},
        "missing layer.pth": {name: value for name, value in state.items() if "body.3" not in name},
    }
    for name, value in objects.items():
        torch.save(value, folder / name)
    return {name: folder / name for name in [*contents, *objects]}


def test_a_file_that_cannot_be_used_is_one_sentence_that_names_it_and_offers_lanczos(tmp_path: Path) -> None:
    for name, path in broken_files(tmp_path).items():
        with pytest.raises(InvalidSetting) as caught:
            load_network(path)
        message = str(caught.value)
        assert message.startswith(f"enhance.model: {name} "), message
        assert "Lanczos" in message
        assert "\n" not in message
        assert caught.value.exit_code == 2


def test_networks_for_something_else_are_refused(tmp_path: Path) -> None:
    grey = compact_state() | {
        "body.0.weight": torch.zeros(8, 1, 3, 3),
        "body.6.weight": torch.zeros(4, 8, 3, 3),
        "body.6.bias": torch.zeros(4),
    }
    torch.save(grey, tmp_path / "grey.pth")
    with pytest.raises(InvalidSetting, match="1 channels"):
        load_network(tmp_path / "grey.pth")


def test_a_file_is_found_by_its_path_and_by_its_name_in_the_models_folder(tmp_path: Path) -> None:
    runtime = RuntimeSettings(models_dir=tmp_path)
    (tmp_path / "enhance").mkdir()
    path = build_compact(tmp_path / "enhance" / "tiny x2.pth")
    assert find_weights(str(path), RuntimeSettings()) == path
    assert find_weights("tiny x2.pth", runtime) == path
    assert find_weights("tiny x2", runtime) == path


@pytest.mark.parametrize("models_dir", [None, Path("/nowhere")])
def test_a_missing_file_is_said_to_be_missing(models_dir: Path | None) -> None:
    with pytest.raises(InvalidSetting, match=r"there is no file .*missing.pth.*Lanczos"):
        find_weights("missing.pth", RuntimeSettings(models_dir=models_dir))


def test_other_kinds_of_files_are_refused_unopened(tmp_path: Path) -> None:
    (tmp_path / "weights.pkl").write_bytes(b"")
    with pytest.raises(InvalidSetting, match="none of the kinds"):
        find_weights(str(tmp_path / "weights.pkl"), RuntimeSettings())
