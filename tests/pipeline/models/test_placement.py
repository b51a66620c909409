"""Where the weights of a model are, and that it computes the same wherever they wait."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.choices import Offload, Quantization
from pipeline.models.placement import place, unplace
from pipeline.settings import Settings, make_settings
from tests.conftest import TinyModels

# With an index the processor counts as a device of its own: everything but streams is the same as on a GPU.
DEVICES = ["cpu", "cpu:0", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(scope="module")
def folder(tiny_models: TinyModels) -> Path:
    return tiny_models("svd") / "svd"


def load(folder: Path) -> Any:
    from diffusers import StableVideoDiffusionPipeline

    return StableVideoDiffusionPipeline.from_pretrained(folder, local_files_only=True)


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Any:
    """The model with its weights in memory of their own: as parts of a file they may begin anywhere, and with another
    alignment some processors round otherwise."""
    return load(folder).to("cpu:0").to("cpu")


@pytest.fixture
def pipe(loaded: Any) -> Iterator[Any]:
    """The model as it was loaded, whatever other tests did with it."""
    yield loaded
    unplace(loaded)


@pytest.fixture(scope="module")
def small_pipe(folder: Path) -> Any:
    """A model of its own: float8 cannot be undone."""
    return load(folder)


def wanting(offload: Offload = Offload.NONE, quantization: Quantization = Quantization.NONE) -> Settings:
    return make_settings({"runtime": {"offload": offload}, "animate": {"quantization": quantization}})


def denoise(pipe: Any, device: str) -> torch.Tensor:
    """One call of the denoiser with made-up inputs, the result in main memory."""
    draw = torch.Generator().manual_seed(1)
    unet = pipe.unet
    sample = torch.randn(1, 3, unet.config.in_channels, 8, 8, generator=draw)
    context = torch.randn(1, 1, unet.config.cross_attention_dim, generator=draw)
    inputs = [each.to(device) for each in (sample, torch.tensor([500.0]), context, torch.tensor([[6.0, 127.0, 0.02]]))]
    with torch.no_grad():
        first = unet(*inputs, return_dict=False)[0]
        again = unet(*inputs, return_dict=False)[0]
    assert torch.equal(first, again)
    result: torch.Tensor = first.cpu()
    return result


def networks(pipe: Any) -> dict[str, torch.nn.Module]:
    return {name: each for name, each in pipe.components.items() if isinstance(each, torch.nn.Module)}


def hooks(pipe: Any) -> list[str]:
    """Everything that is hooked to any layer, by name."""
    found = []
    for name, network in networks(pipe).items():
        for layer in network.modules():
            if hasattr(layer, "_hf_hook"):
                found.append(f"{name}: offload by model")
            found += [f"{name}: {hook}" for hook in getattr(getattr(layer, "_diffusers_hook", None), "hooks", {})]
    return sorted(set(found))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("offload", list(Offload))
def test_a_placed_model_computes_as_a_plain_one(pipe: Any, device: str, offload: Offload) -> None:
    plain = denoise(pipe, "cpu")
    place(pipe, wanting(offload), device)
    assert torch.allclose(denoise(pipe, device), plain, atol=0.0 if device.startswith("cpu") else 1e-3)


@pytest.mark.parametrize(
    ("offload", "expected"),
    [
        (Offload.NONE, []),
        (Offload.MODEL, ["image_encoder: offload by model", "unet: offload by model", "vae: offload by model"]),
        (
            Offload.GROUP,
            ["image_encoder: group_offloading", "unet: group_offloading", "vae: group_offloading"],
        ),
    ],
)
def test_unplacing_takes_every_hook_off(pipe: Any, offload: Offload, expected: list[str]) -> None:
    plain = denoise(pipe, "cpu")
    place(pipe, wanting(offload), "cpu:0")
    assert hooks(pipe) == expected
    unplace(pipe)
    assert hooks(pipe) == []
    assert torch.equal(denoise(pipe, "cpu"), plain)


def test_on_the_processor_there_is_nothing_to_offload(pipe: Any) -> None:
    place(pipe, wanting(Offload.GROUP), "cpu")
    assert hooks(pipe) == []


def test_placing_undoes_what_was_placed_before(pipe: Any) -> None:
    for offload in (Offload.MODEL, Offload.GROUP, Offload.MODEL, Offload.NONE, Offload.GROUP, Offload.NONE):
        place(pipe, wanting(offload), "cpu:0")
    assert hooks(pipe) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("offload", list(Offload))
def test_unplacing_leaves_nothing_on_the_gpu(pipe: Any, offload: Offload) -> None:
    before = torch.cuda.memory_allocated()
    place(pipe, wanting(offload), "cuda")
    denoise(pipe, "cuda")
    unplace(pipe)
    assert torch.cuda.memory_allocated() == before
    assert {each.device.type for network in networks(pipe).values() for each in network.parameters()} == {"cpu"}


def test_float8_halves_the_denoiser_again_and_comes_near(pipe: Any, small_pipe: Any) -> None:
    plain = denoise(pipe, "cpu")
    place(small_pipe, wanting(quantization=Quantization.FLOAT8), "cpu")
    # From float32 it is a quarter; norms and the first and last layers stay as they are.
    assert weight_bytes(small_pipe.unet) < 0.4 * weight_bytes(pipe.unet)
    assert weight_bytes(small_pipe.vae) == weight_bytes(pipe.vae)
    coarse = denoise(small_pipe, "cpu")
    assert coarse.dtype is plain.dtype
    assert not torch.equal(coarse, plain)
    assert (coarse - plain).abs().mean() < 0.2 * plain.abs().mean()


@pytest.mark.parametrize("device", DEVICES)
def test_a_model_in_float8_stays_so_wherever_it_waits(small_pipe: Any, device: str) -> None:
    place(small_pipe, wanting(quantization=Quantization.FLOAT8), "cpu")
    first = denoise(small_pipe, "cpu")
    for offload in Offload:
        place(small_pipe, wanting(offload, Quantization.FLOAT8), device)
        assert torch.allclose(denoise(small_pipe, device), first, atol=0.0 if device.startswith("cpu") else 1e-2)
    unplace(small_pipe)
    assert hooks(small_pipe) == ["unet: layerwise_casting"]


def weight_bytes(network: torch.nn.Module) -> int:
    return sum(each.numel() * each.element_size() for each in network.parameters())
