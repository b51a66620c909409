"""FILM's TorchScript file: how it is called, halving towards the middle, tiles, and what is refused."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from pipeline.catalogue import Precision, get_helper
from pipeline.engines.film import FilmMaker, load_film, pixels_at_work
from pipeline.engines.network_method import NetworkMethod
from pipeline.errors import ModelMissing
from pipeline.models.load import LoadPlan
from pipeline.settings import RuntimeSettings
from tests.conftest import TinyModels
from tests.photos import ASTRONAUT, COFFEE, photo
from tests.pipeline.engines.rife.test_weights import Malicious
from tests.tiny_models.interpolation import Film, save_script

PLAN = LoadPlan("cpu", Precision.FLOAT32)


class Saving(nn.Module):
    def forward(self, x0: Tensor, x1: Tensor, batch_dt: Tensor) -> Tensor:
        torch.save(x1, "written.pt")
        return x0 * batch_dt


class Reading(nn.Module):
    def forward(self, x0: Tensor, x1: Tensor, batch_dt: Tensor) -> Tensor:
        return x0 + x1 * batch_dt + torch.from_file("secret", False, 1).sum()


class OneFrame(nn.Module):
    def forward(self, x0: Tensor) -> Tensor:
        return x0


class Halved(nn.Module):
    def forward(self, x0: Tensor, x1: Tensor, batch_dt: Tensor) -> Tensor:
        return x0[:, :, ::2] * batch_dt + x1[:, :, ::2]


class Blend:
    """Blends two frames by the time, and notes the times that it is asked for."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, frame0: Tensor, frame1: Tensor, time: Tensor) -> Tensor:
        assert frame0.shape == frame1.shape
        assert frame0.shape[2] % 64 == frame0.shape[3] % 64 == 0
        assert time.shape == (1, 1)
        self.times.append(float(time))
        return frame0 * (1 - time) + frame1 * time


@pytest.fixture
def method(tiny_models: TinyModels) -> NetworkMethod:
    return load_film(RuntimeSettings(models_dir=tiny_models("film")), pytest.fail)


def refusal(path: Path) -> str:
    with pytest.raises(ModelMissing) as caught:
        FilmMaker.load(get_helper("film"), path, PLAN)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "put film_net_fp32.pt or film_net_fp16.pt (138 MB, licence: Apache-2.0) from https://github.com/" in message
    assert "`flow`, the embedded method, needs no weights" in message
    return message


def test_frames_between_two_photos(method: NetworkMethod) -> None:
    start, end = photo(ASTRONAUT)[:201, :333], photo(COFFEE)[:201, :333]
    early, middle = method.frames(start, end, [0.25, 0.5])
    assert early.shape == middle.shape == start.shape
    assert early.dtype == np.uint8
    for frame, time in ((early, 0.25), (middle, 0.5)):
        exact = start * (1 - time) + end * time
        assert np.abs(frame - exact).mean() < 12  # the tiny network is not quite a blend
    assert np.array_equal(method.frames(start, end, [0.25])[0], early)


@given(time=st.floats(0.001, 0.999))
def test_a_network_that_blends_gives_the_blend_at_every_time(time: float) -> None:
    frame0, frame1 = torch.zeros(1, 3, 5, 9), torch.ones(1, 3, 5, 9)
    blend = Blend()
    (frame,) = FilmMaker(blend, PLAN).make(frame0, frame1, [time], None)
    assert frame.numpy() == pytest.approx(time, abs=1e-5)
    assert blend.times[:-1] == [0.5] * (len(blend.times) - 1)
    assert 0.3 < blend.times[-1] < 0.7 or len(blend.times) == 7


def test_quarters_are_middles_of_middles_and_each_middle_is_made_once() -> None:
    frame0, frame1 = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    blend = Blend()
    found = list(FilmMaker(blend, PLAN).make(frame0, frame1, [0.25, 0.5, 0.75], None))
    assert [float(frame.mean()) for frame in found] == [0.25, 0.5, 0.75]
    assert blend.times == [0.5, 0.5, 0.5]


def test_thirds_are_made_in_one_go() -> None:
    blend = Blend()
    list(FilmMaker(blend, PLAN).make(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8), [1 / 3, 2 / 3], None))
    assert blend.times == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 70), (70, 1), (63, 129)])
def test_frames_of_every_size_keep_it(height: int, width: int) -> None:
    frame0, frame1 = torch.rand(2, 1, 3, height, width)
    (middle,) = FilmMaker(Blend(), PLAN).make(frame0, frame1, [0.5], None)
    assert torch.allclose(middle, (frame0 + frame1)[0] / 2, atol=1e-6)


def test_tiles_give_what_the_whole_gives_where_the_network_looks_no_further(tiny_models: TinyModels) -> None:
    maker = FilmMaker.load(get_helper("film"), tiny_models("film") / "film" / "film_net_fp32.pt", PLAN)
    frame0, frame1 = (
        torch.from_numpy(photo(name)[:390, :500]).permute(2, 0, 1)[None].float() / 255 for name in (ASTRONAUT, COFFEE)
    )
    (whole,), (tiled,) = (maker.make(frame0, frame1, [0.5], tile) for tile in (None, 128))
    assert (whole - tiled).abs().mean() < 1e-4


def test_tiles_count_less_memory_than_the_whole() -> None:
    assert pixels_at_work(300, 300, 512) == 300 * 300
    assert pixels_at_work(2160, 3840, 512) == 768 * 768


def test_either_precision_of_the_file_serves_in_either_precision(tmp_path: Path) -> None:
    frame0, frame1 = torch.rand(2, 1, 3, 40, 50)
    torch.manual_seed(7)
    network, made = Film(), []
    for kind in (network, network.half()):
        path = tmp_path / f"{kind.fuse.weight.dtype}.pt"
        save_script(kind, path)
        for precision in (Precision.FLOAT32, Precision.FLOAT16):
            maker = FilmMaker.load(get_helper("film"), path, LoadPlan("cpu", precision))
            made += list(maker.make(frame0, frame1, [0.25], None))
    assert all((each - made[0]).abs().max() < 1 / 255 for each in made)
    assert {each.dtype for each in made} == {torch.float32}


@pytest.mark.parametrize("content", [b"", b"no archive", pickle.dumps([1, 2])])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film_net_fp32.pt"
    path.write_bytes(content)
    assert "is cut off, or no archive of PyTorch's" in refusal(path)


def test_a_pickle_of_code_is_refused_and_not_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "film_net_fp32.pt", tmp_path / "trace"
    torch.save(Malicious(trace), path)
    assert "is no file of TorchScript" in refusal(path)
    assert not trace.exists()


@pytest.mark.parametrize("network", [Saving(), Reading()], ids=["writes", "reads"])
def test_a_program_that_touches_files_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: nn.Module
) -> None:
    monkeypatch.chdir(tmp_path)
    save_script(network, tmp_path / "film_net_fp32.pt")
    assert "reaches for other files, which is never run" in refusal(tmp_path / "film_net_fp32.pt")
    assert not (tmp_path / "written.pt").exists()


@pytest.mark.parametrize("network", [OneFrame(), Halved()], ids=["one frame", "half the size"])
def test_another_network_is_refused(tmp_path: Path, network: nn.Module) -> None:
    save_script(network, tmp_path / "film_net_fp32.pt")
    assert "another network than FILM" in refusal(tmp_path / "film_net_fp32.pt")


def test_a_damaged_file_is_refused(tiny_models: TinyModels, tmp_path: Path) -> None:
    content = bytearray((tiny_models("film") / "film" / "film_net_fp32.pt").read_bytes())
    path = tmp_path / "film_net_fp32.pt"
    path.write_bytes(content[: len(content) // 2])
    assert "cut off" in refusal(path)
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        code = next(entry for entry in archive.infolist() if entry.filename.endswith(".py"))
    content[code.header_offset + 200] ^= 1  # behind the entry's own header
    path.write_bytes(content)
    assert "is damaged" in refusal(path)
