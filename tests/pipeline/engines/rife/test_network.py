"""The network as published: names and shapes of its weights, what its numbers mean, and tiles that change nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from pipeline.catalogue import Precision, get_helper
from pipeline.engines.rife import maker as maker_module
from pipeline.engines.rife.layout import LARGE, LAYOUTS, Layout, margin, pixels_at_work, scales_for
from pipeline.engines.rife.maker import RifeMaker
from pipeline.engines.rife.network import IFNet
from pipeline.engines.rife.weights import read_network
from pipeline.models.load import LoadPlan
from tests.conftest import TinyModels
from tests.photos import ASTRONAUT, photo

PUBLISHED = {
    "encode.cnn0.weight": (16, 3, 3, 3),
    "encode.cnn1.bias": (16,),
    "encode.cnn2.weight": (16, 16, 3, 3),
    "encode.cnn3.weight": (16, 4, 4, 4),
    "encode.cnn3.bias": (4,),
    "block0.conv0.0.0.weight": (96, 15, 3, 3),
    "block0.conv0.1.0.weight": (192, 96, 3, 3),
    "block0.convblock.0.beta": (1, 192, 1, 1),
    "block0.convblock.7.conv.weight": (192, 192, 3, 3),
    "block0.lastconv.0.weight": (192, 52, 4, 4),
    "block1.conv0.0.0.weight": (64, 28, 3, 3),
    "block2.conv0.0.0.weight": (48, 28, 3, 3),
    "block3.conv0.1.0.bias": (64,),
    "block4.conv0.0.0.weight": (16, 28, 3, 3),
    "block4.convblock.3.conv.bias": (32,),
    "block4.lastconv.0.bias": (52,),
}
"""Some of the names and shapes in flownet.pkl of version 4.25."""


@pytest.fixture(scope="module", autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def lively(tiny_models: TinyModels) -> RifeMaker:
    """A network whose random weights move pixels far, so that tiles have something to get wrong."""
    path = tiny_models("rife") / "rife" / "flownet.pkl"
    network, layout = read_network(get_helper("rife"), path, LoadPlan("cpu", Precision.FLOAT32))
    torch.manual_seed(3)
    for name, values in network.named_parameters():
        if "lastconv" in name:
            values.mul_(6)
            values.add_(torch.randn(values.shape) * (0.5 if "bias" in name else 0.0))
    return RifeMaker(network, layout)


def still(biases: dict[str, dict[int, float]]) -> RifeMaker:
    """A network of zeros whose blocks give constants: by block, the bias of channels of flow (0 to 3) and mask (4)."""
    network = IFNet(LAYOUTS[0])
    for values in network.parameters():
        values.zero_()
    for block, channels in biases.items():
        bias = network.get_parameter(f"{block}.lastconv.0.bias")
        for channel, value in channels.items():
            bias[4 * channel : 4 * channel + 4] = value
    return RifeMaker(network, LAYOUTS[0])


def pair(height: int, width: int) -> tuple[Tensor, Tensor]:
    """A photo and the same photo moved, (1, 3, height, width)."""
    pixels = torch.from_numpy(photo(ASTRONAUT)).permute(2, 0, 1)[None].float() / 255
    frame = functional.interpolate(pixels, (height + 16, width + 16), mode="bilinear")
    return frame[:, :, :height, :width], frame[:, :, 9 : 9 + height, 14 : 14 + width]


def made(maker: RifeMaker, height: int, width: int, times: list[float], tile: int | None = None) -> Tensor:
    return torch.stack(list(maker.make(*pair(height, width), times, tile)))


def test_names_and_shapes_are_the_published_ones() -> None:
    state = IFNet(LAYOUTS[0]).state_dict()
    assert PUBLISHED.items() <= {name: tuple(values.shape) for name, values in state.items()}.items()
    assert len(state) == 8 + 5 * (4 + 8 * 3 + 2)
    assert sum(values.numel() for values in state.values()) == get_helper("rife").parameters


@pytest.mark.parametrize(("block", "scale"), [(f"block{number}", 2 ** (4 - number)) for number in range(5)])
def test_flow_leads_to_where_a_pixel_comes_from_in_pixels_of_the_frame(block: str, scale: int) -> None:
    frame0, frame1 = pair(128, 160)
    of_frame0 = still({"block4": {4: 60.0}, block: {0: 8 / scale, 1: 4 / scale, 4: 60.0}})
    (moved,) = of_frame0.make(frame0, frame1, [0.5], None)
    assert torch.allclose(moved[:, :-4, :-8], frame0[0, :, 4:, 8:], atol=1e-4)
    of_frame1 = still({"block4": {4: -60.0}, block: {2: -8 / scale, 3: -4 / scale, 4: -60.0}})
    (moved,) = of_frame1.make(frame0, frame1, [0.5], None)
    assert torch.allclose(moved[:, 4:, 8:], frame1[0, :, :-4, :-8], atol=1e-4)


def test_the_last_mask_alone_is_frame_0s_share() -> None:
    frame0, frame1 = pair(64, 64)
    (mixed,) = still({"block3": {4: 60.0}, "block4": {4: 1.0}}).make(frame0, frame1, [0.5], None)
    share = torch.sigmoid(torch.tensor(1.0))
    assert torch.allclose(mixed, (share * frame0 + (1 - share) * frame1)[0], atol=1e-5)


def test_without_motion_swapped_frames_give_the_same() -> None:
    frame0, frame1 = pair(90, 70)
    (there,), (back,) = (still({}).make(*each, [0.3], None) for each in ((frame0, frame1), (frame1, frame0)))
    assert torch.allclose(there, back, atol=1e-6)


def test_the_time_changes_the_frame_and_the_same_time_gives_the_same_frame(lively: RifeMaker) -> None:
    early, late, again = made(lively, 100, 120, [0.2, 0.8, 0.2])
    assert (early - late).abs().mean() > 1e-3
    assert torch.equal(early, again)


@pytest.mark.parametrize("tile", [128, 256, 512])
def test_tiles_give_the_frame_that_the_whole_gives(lively: RifeMaker, tile: int) -> None:
    whole, tiled = (made(lively, 500, 840, [0.4], each) for each in (None, tile))
    assert (whole - pair(500, 840)[0]).abs().mean() > 0.05
    assert (whole - tiled).abs().max() < 1e-3


def test_large_frames_are_worked_on_at_half_the_scale_with_a_margin_that_is_enough(lively: RifeMaker) -> None:
    whole, tiled = (made(lively, 64, LARGE, [0.5], each) for each in (None, 512))
    assert (whole - tiled).abs().max() < 1e-3


def test_many_times_at_once_give_what_each_gives_alone(lively: RifeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    times = [0.25, 0.5, 0.75]
    together = made(lively, 96, 130, times)
    assert (together - torch.cat([made(lively, 96, 130, [time]) for time in times])).abs().max() < 1e-4
    monkeypatch.setattr(maker_module, "PIXELS_AT_ONCE", 1)
    assert (together - made(lively, 96, 130, times)).abs().max() < 1e-4


@settings(max_examples=8)
@given(height=st.integers(1, 140), width=st.integers(1, 140))
def test_frames_of_every_size_keep_it(lively: RifeMaker, height: int, width: int) -> None:
    with torch.inference_mode():
        result = made(lively, height, width, [0.5])
    assert result.shape == (1, 3, height, width)
    assert 0 <= float(result.min()) <= float(result.max()) <= 1


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.version)
def test_each_published_version_works(layout: Layout) -> None:
    torch.manual_seed(4)
    assert made(RifeMaker(IFNet(layout), layout), 65, 30, [0.5]).isfinite().all()


def test_half_precision_gives_nearly_the_same(tiny_models: TinyModels) -> None:
    path = tiny_models("rife") / "rife" / "flownet.pkl"
    full, half = (
        made(RifeMaker.load(get_helper("rife"), path, LoadPlan("cpu", precision)), 96, 130, [0.25, 0.5])
        for precision in (Precision.FLOAT32, Precision.FLOAT16)
    )
    assert half.dtype is torch.float32
    assert (full - half).abs().mean() < 0.5 / 255


def test_tiles_save_memory_only_where_frames_are_large() -> None:
    assert pixels_at_work(400, 400, 512) == 400 * 400
    assert pixels_at_work(2160, 3840, 512) < pixels_at_work(2160, 3840, 1024) < pixels_at_work(2160, 3840, None)
    assert margin(scales_for(LAYOUTS[0], 1080, 1920)) == 144
    assert margin(scales_for(LAYOUTS[0], 2160, 3840)) == 288


def test_weights_are_left_as_they_are_in_the_file(tiny_models: TinyModels) -> None:
    path: Path = tiny_models("rife") / "rife" / "flownet.pkl"
    network, layout = read_network(get_helper("rife"), path, LoadPlan("cpu", Precision.FLOAT32))
    stored = torch.load(path, weights_only=True)
    assert layout is LAYOUTS[0]
    assert all(torch.equal(values, stored[f"module.{name}"]) for name, values in network.state_dict().items())
