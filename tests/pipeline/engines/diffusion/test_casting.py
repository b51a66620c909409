"""An autoencoder in another number format for a while, wherever its weights wait."""

from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.catalogue import Precision
from pipeline.choices import Offload
from pipeline.engines.diffusion.casting import cast, rounds
from pipeline.models.placement import place, unplace
from pipeline.settings import make_settings
from tests.conftest import TinyModels

# With an index the processor counts as a device of its own: everything but streams is the same as on a GPU.
DEVICES = ["cpu:0", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture
def pipe(tiny_models: TinyModels) -> Any:
    from diffusers import StableVideoDiffusionPipeline

    folder: Path = tiny_models("svd") / "svd"
    return StableVideoDiffusionPipeline.from_pretrained(folder, local_files_only=True)


def decode(pipe: Any, device: str) -> torch.Tensor:
    latents = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        film: torch.Tensor = pipe.vae.decode(latents.to(device, pipe.vae.dtype), num_frames=2).sample
    return film.cpu()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("offload", list(Offload))
def test_it_decodes_in_that_format_wherever_the_weights_wait(pipe: Any, offload: Offload, device: str) -> None:
    place(pipe, make_settings({"runtime": {"offload": "none"}}), device)
    with cast(pipe.vae, Precision.BFLOAT16):
        placed = decode(pipe, device)
    place(pipe, make_settings({"runtime": {"offload": offload}}), device)
    decode(pipe, device)
    with cast(pipe.vae, Precision.BFLOAT16):
        assert torch.equal(decode(pipe, device), placed)
        assert torch.equal(decode(pipe, device), placed)
    assert decode(pipe, device).dtype == torch.float32
    unplace(pipe)


def test_the_format_comes_back_after_an_error(pipe: Any) -> None:
    with pytest.raises(MemoryError), cast(pipe.vae, Precision.BFLOAT16):
        raise MemoryError
    assert {each.dtype for each in pipe.vae.parameters()} == {torch.float32}


class Network(torch.nn.Module):
    """Three weights: one of many digits, one too small for float16 and one too large for it."""

    def __init__(self, precision: Precision) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(torch.tensor([1 / 3, 1e-12, 1e6]).to(getattr(torch, precision.value)))

    @property
    def dtype(self) -> torch.dtype:
        return self.weights.dtype


@pytest.mark.parametrize("wanted", [None, *Precision])
@pytest.mark.parametrize("own", list(Precision))
def test_whether_weights_are_rounded_is_known_beforehand(own: Precision, wanted: Precision | None) -> None:
    network = Network(own)
    before, expected = network.weights.detach().clone(), rounds(network, wanted)
    with cast(network, wanted):
        assert network.dtype == getattr(torch, (wanted or own).value)
    assert network.dtype == before.dtype
    assert torch.equal(network.weights, before) != expected
