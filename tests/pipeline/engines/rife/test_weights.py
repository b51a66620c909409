"""Files of RIFE's weights: every published version is read, everything else is refused and nothing in it is run."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.catalogue import Precision, get_helper
from pipeline.engines.rife.layout import LAYOUTS, Layout
from pipeline.engines.rife.network import IFNet
from pipeline.engines.rife.weights import read_network
from pipeline.errors import ModelMissing
from pipeline.models.load import LoadPlan
from tests.tiny_models.interpolation import build_rife

PLAN = LoadPlan("cpu", Precision.FLOAT32)


def state() -> dict[str, torch.Tensor]:
    return IFNet(LAYOUTS[0]).state_dict()


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.trace,)


def refusal(path: Path) -> str:
    with pytest.raises(ModelMissing) as caught:
        read_network(get_helper("rife"), path, PLAN)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "put flownet.pkl (23 MB, licence: MIT) from https://github.com/hzwer/Practical-RIFE" in message
    assert "`flow`, the embedded method, needs no weights" in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.version)
def test_each_version_is_told_by_its_shapes(tmp_path: Path, layout: Layout) -> None:
    build_rife(tmp_path, layout)
    assert read_network(get_helper("rife"), tmp_path / "flownet.pkl", PLAN)[1] is layout


def test_names_without_the_prefix_and_the_old_format_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "flownet.pkl"
    torch.save(state(), path, _use_new_zipfile_serialization=False)
    assert read_network(get_helper("rife"), path, PLAN)[1] is LAYOUTS[0]


@pytest.mark.parametrize("how", ["pickle", "torch", "torch, old format"])
def test_a_pickle_of_code_is_refused_and_not_run(tmp_path: Path, how: str) -> None:
    path, trace = tmp_path / "flownet.pkl", tmp_path / "trace"
    content = {"module.block0": Malicious(trace)}
    if how == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "torch")
    assert "holds more than weights, which is never loaded" in refusal(path)
    assert not trace.exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    build_rife(tmp_path)
    path = tmp_path / "flownet.pkl"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert "damaged" in refusal(path)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "flownet.pkl"
    older = state() | {"block0.conv0.0.0.weight": torch.zeros(96, 23, 3, 3)}
    for content in (older, {}, {"state_dict": state()}):
        torch.save(content, path)
        assert "does not hold the weights of RIFE 4.25 or 4.26, 4.25.lite, 4.26.large" in refusal(path)
    torch.save([torch.zeros(3)], path)
    assert "is no list of weights by name" in refusal(path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "flownet.pkl"
    torch.save(state() | {"block3.convblock.2.beta": torch.full((1, 64, 1, 1), torch.nan)}, path)
    assert "holds values that are no numbers" in refusal(path)
